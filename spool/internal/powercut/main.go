// Powercut writes to a spool until it is stopped, and tells from its log what a
// copy of the disk must hold. See powercut.sh, which cuts the power.
//
//	powercut write always|interval|never DIR LOG
//	powercut check DIR LOG
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "powercut:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	policies := map[string]spool.SyncPolicy{
		"always": spool.SyncAlways, "interval": spool.SyncInterval, "never": spool.SyncNever,
	}
	switch {
	case len(args) == 4 && args[0] == "write":
		policy, ok := policies[args[1]]
		if !ok {
			return fmt.Errorf("no policy %q", args[1])
		}
		return write(policy, args[2], args[3])
	case len(args) == 3 && args[0] == "check":
		return check(args[1], args[2])
	}
	return errors.New("usage: powercut write always|interval|never DIR LOG, or powercut check DIR LOG")
}

// What a line of the log says of the batches up to an ID. A removal has begun
// before it is done.
const (
	appended = "appended"
	removing = "removing"
	removed  = "removed"
)

const (
	keep      = 200 // batches that are not removed
	mostInOne = 5   // batches in one Append
)

// write appends and removes until it is killed.
func write(policy spool.SyncPolicy, dir, logPath string) (err error) {
	log, err := os.OpenFile(logPath, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	s, err := spool.Open(dir, &spool.Options{Sync: policy})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	status, err := s.Status()
	if err != nil {
		return err
	}
	for last := status.LastID; ; {
		var batches []loopkit.SpoolBatch
		for range 1 + rand.IntN(mostInOne) {
			last++
			batches = append(batches, batch(last))
		}
		if err := s.Append(batches); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(log, appended, last); err != nil {
			return err
		}
		if last <= keep || rand.IntN(10) > 0 {
			continue
		}
		if _, err := fmt.Fprintln(log, removing, last-keep); err != nil {
			return err
		}
		if err := removeUpTo(s, last-keep); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(log, removed, last-keep); err != nil {
			return err
		}
	}
}

func removeUpTo(s *spool.Spool, last uint64) error {
	var ids []uint64
	for after := uint64(0); ; {
		b, err := s.Next(loopkit.KindTrack, after)
		if errors.Is(err, io.EOF) || err == nil && b.ID > last {
			break
		}
		if err != nil {
			return err
		}
		after = b.ID
		ids = append(ids, b.ID)
	}
	return s.Remove(ids)
}

// batch is made from its ID, so that a copy can be told from an imitation.
func batch(id uint64) loopkit.SpoolBatch {
	random := rand.New(rand.NewPCG(id, 0))
	b := loopkit.SpoolBatch{ID: id, Kind: loopkit.KindTrack, Accepted: time.UnixMilli(int64(id))}
	for i := range 1 + random.IntN(50) {
		pad := strings.Repeat("x", random.IntN(400))
		b.Messages = append(b.Messages, fmt.Appendf(nil, `{"batch":%d,"n":%d,"random":%d,"pad":%q}`, id, i, random.Uint64(), pad))
	}
	return b
}

// check compares a copy with what the log promises.
func check(dir, logPath string) (err error) {
	promised, err := readLog(logPath)
	if err != nil {
		return err
	}
	s, err := spool.Open(dir, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	found := map[uint64]bool{}
	for after := uint64(0); ; {
		b, err := s.Next(loopkit.KindTrack, after)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		after = b.ID
		found[b.ID] = true
		if b.ID <= promised[removed] {
			return fmt.Errorf("batch %d had been removed and is back", b.ID)
		}
		if want := batch(b.ID); fmt.Sprintf("%s", want.Messages) != fmt.Sprintf("%s", b.Messages) || !want.Accepted.Equal(b.Accepted) {
			return fmt.Errorf("batch %d is not what was appended", b.ID)
		}
	}
	for id := promised[removing] + 1; id <= promised[appended]; id++ {
		if !found[id] {
			return fmt.Errorf("batch %d had been appended and is lost; %d to %d should be there, and %d are",
				id, promised[removing]+1, promised[appended], len(found))
		}
	}
	status, err := s.Status()
	if err != nil {
		return err
	}
	if status.Damaged > 0 {
		return fmt.Errorf("%d batches are damaged", status.Damaged)
	}
	if status.LastID < promised[appended] {
		return fmt.Errorf("LastID went back from %d to %d", promised[appended], status.LastID)
	}
	fmt.Printf("%d batches of %d to %d are there, %d more that were being written\n",
		promised[appended]-promised[removing], promised[removing]+1, promised[appended], status.LastID-promised[appended])
	return nil
}

// readLog returns the largest ID of each kind of line.
func readLog(path string) (map[string]uint64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	last := map[string]uint64{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var what string
		var id uint64
		if _, err := fmt.Sscan(lines.Text(), &what, &id); err != nil {
			return nil, errors.Join(fmt.Errorf("%q: %w", lines.Text(), err), file.Close())
		}
		last[what] = max(last[what], id)
	}
	return last, errors.Join(lines.Err(), file.Close())
}
