package spool_test

import (
	"testing"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
	"github.com/loopkitai/loopkit-go/spool"
)

func TestTheSpoolKeepsTheContract(t *testing.T) {
	for name, policy := range map[string]spool.SyncPolicy{
		"always": spool.SyncAlways, "interval": spool.SyncInterval, // SyncNever is this without its goroutine
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loopkittest.TestSpool(t, func(dir string) (loopkit.Spool, error) {
				return spool.Open(dir, &spool.Options{Sync: policy})
			})
		})
	}
}
