package spool

import (
	"fmt"
	"time"
)

// syncRegularly is the goroutine of SyncInterval; Close waits for its end.
func (s *Spool) syncRegularly(stop <-chan struct{}) {
	defer close(s.done)
	tick := time.NewTicker(s.options.SyncEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			s.mu.Lock()
			if s.err == nil && s.db != nil {
				_ = s.sync() // the next call returns it
			}
			s.mu.Unlock()
		}
	}
}

// sync syncs what was written since the last time. A failure is for good.
func (s *Spool) sync() error {
	if !s.unsynced {
		return nil
	}
	if err := s.db.db.Sync(); err != nil {
		return s.fail(fmt.Errorf("the disk failed to sync, so what it holds is unknown until the spool is opened again: %w", err))
	}
	s.unsynced = false
	return nil
}
