package loopkitcli

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// openSpool returns the program's spool; nil if there is none, or none that works.
func (t *Telemetry) openSpool() (spool loopkit.Spool, err error) {
	if t.options.Spool == nil || t.dir.err != nil {
		return nil, nil
	}
	defer func() {
		if recover() != nil {
			err = errors.New("Options.Spool panicked")
		}
		if err != nil {
			spool, err = nil, fmt.Errorf("loopkitcli: the spool cannot be opened, or another run has it open: %w", err)
		}
	}()
	if err := os.MkdirAll(t.dir.path, 0o700); err != nil {
		return nil, err
	}
	return t.options.Spool(t.dir.file(spoolName))
}

// visitSpool opens the spool for a while, as often as there are free parts of it:
// it may have one for each process. It ends when visit finds nothing in one. It waits as long as patience lasts if other runs
// have all of it open.
func (t *Telemetry) visitSpool(patience time.Duration, visit func(loopkit.Spool) (found bool, err error)) (err error) {
	var open []loopkit.Spool
	defer func() {
		for _, spool := range open {
			err = errors.Join(err, spool.Close())
		}
	}()
	until := time.Now().Add(patience)
	for len(open) < mostParts {
		spool, failed := t.openSpool()
		switch {
		case failed != nil && len(open) > 0: // others have the rest, and ask for the saved choice themselves
			return nil
		case failed != nil && time.Now().After(until):
			return failed
		case failed != nil:
			time.Sleep(spoolPause)
			continue
		case spool == nil:
			return nil
		}
		open = append(open, spool)
		if found, err := visit(spool); err != nil || !found {
			return err
		}
	}
	return nil
}

const (
	spoolPatience = time.Second // runs of other commands end in time
	spoolPause    = 20 * time.Millisecond
	mostParts     = 100 // more than any spool has
)

// waiting counts the messages in a spool.
func waiting(spool loopkit.Spool) (int, error) {
	count := 0
	for _, kind := range []loopkit.Kind{loopkit.KindIdentify, loopkit.KindGroup, loopkit.KindTrack, loopkit.KindDeleteUser, loopkit.KindDeleteGroup} {
		for after := uint64(0); ; {
			batch, err := spool.Next(kind, after)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return count, err
			}
			count += len(batch.Messages)
			after = batch.ID
		}
	}
	return count, nil
}

// clearSpool removes what waits in the spool and returns how many messages that
// were. Requests to delete somebody stay: they are no tracking. Another run that
// has the spool open removes its part itself when it ends.
func (t *Telemetry) clearSpool(patience time.Duration) (removed int, err error) {
	if !t.dir.has(spoolName) {
		return 0, nil
	}
	if t.options.Spool == nil { // that of an older version, which nothing will ever be sent of
		if err := os.RemoveAll(t.dir.file(spoolName)); err != nil {
			return 0, fmt.Errorf("loopkitcli: %w", err)
		}
		return 0, t.dir.remove(clearedFile)
	}
	if err := t.dir.remove(clearedFile); err != nil { // until it is done again
		return 0, err
	}
	err = t.visitSpool(patience, func(spool loopkit.Spool) (bool, error) {
		n, err := spool.Purge(math.MaxUint64, func(_ uint64, kind loopkit.Kind, _ []byte) bool { return !deletes(kind) })
		removed += n
		if err != nil {
			return false, err
		}
		left, err := waiting(spool) // a part with requests to delete alone may come before others
		return n > 0 || left > 0, err
	})
	if err == nil {
		err = t.dir.replace(clearedFile, today()+"\n")
	}
	return removed, err
}

func deletes(kind loopkit.Kind) bool {
	return kind == loopkit.KindDeleteUser || kind == loopkit.KindDeleteGroup
}
