package loopkitcli

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// openSpool returns the program's spool; nil if there is none, or none that works.
// The lock is held.
func (t *Telemetry) openSpool() loopkit.Spool {
	if t.options.Spool == nil || t.dir.err != nil {
		return nil
	}
	err := os.MkdirAll(t.dir.path, 0o700)
	var spool loopkit.Spool
	if err == nil {
		spool, err = t.options.Spool(t.dir.file(spoolName))
	}
	if err != nil {
		err = fmt.Errorf("loopkitcli: the spool cannot be opened: %w", err)
		t.later = append(t.later, func() { t.report(err) })
		return nil
	}
	return spool
}

// visitSpool opens the spool for a while, if there is one, and waits for other
// runs that have it open as long as patience lasts.
func (t *Telemetry) visitSpool(patience time.Duration, visit func(loopkit.Spool) error) error {
	if t.options.Spool == nil || !t.dir.has(spoolName) {
		return nil
	}
	var spool loopkit.Spool
	var err error
	for until := time.Now().Add(patience); ; time.Sleep(spoolPause) {
		spool, err = t.options.Spool(t.dir.file(spoolName))
		if err == nil || time.Now().After(until) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("loopkitcli: the spool cannot be opened, or another run has it open: %w", err)
	}
	if spool == nil {
		return nil
	}
	return errors.Join(visit(spool), spool.Close())
}

const (
	spoolPatience = time.Second // runs of other commands end in time
	spoolPause    = 20 * time.Millisecond
)

// waiting counts the messages in a spool.
func waiting(spool loopkit.Spool, kinds ...loopkit.Kind) (int, error) {
	count := 0
	for _, kind := range kinds {
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
// has the spool open asks for the saved choice itself before it ends.
func (t *Telemetry) clearSpool(patience time.Duration) (removed int, err error) {
	if !t.dir.has(spoolName) {
		return 0, t.dir.removeAsides()
	}
	deletions := 0
	err = t.visitSpool(patience, func(spool loopkit.Spool) error {
		removed, err = spool.Purge(math.MaxUint64, func(_ uint64, kind loopkit.Kind, _ []byte) bool {
			return kind != loopkit.KindDeleteUser && kind != loopkit.KindDeleteGroup
		})
		if err != nil {
			return err
		}
		deletions, err = waiting(spool, loopkit.KindDeleteUser, loopkit.KindDeleteGroup)
		return err
	})
	if err != nil || deletions > 0 {
		return removed, err
	}
	return removed, t.dir.removeSpool() // what had been set aside as damaged, too
}

const aside = spoolName + ".removed."

// removeSpool removes the directory with all that is in it. It is moved away
// first, so that a process which opens it now gets a new one and not half of the
// old one.
func (d directory) removeSpool() error {
	moved, err := os.MkdirTemp(d.path, aside+"*")
	if err == nil {
		err = os.Rename(d.file(spoolName), filepath.Join(moved, spoolName))
	}
	if err != nil {
		err = fmt.Errorf("loopkitcli: %w", err)
	}
	return errors.Join(err, d.removeAsides())
}

// removeAsides removes what had been moved away, also by a process that was
// killed then.
func (d directory) removeAsides() error {
	entries, err := os.ReadDir(d.path)
	if d.err != nil || absent(err) {
		return nil
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), aside) {
			err = errors.Join(err, os.RemoveAll(d.file(entry.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("loopkitcli: %w", err)
	}
	return nil
}
