package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

func TestACheckNamesWhatTheLogPromisesAndTheDiskHasNot(t *testing.T) {
	other := batch(2)
	other.Messages = other.Messages[:1]
	for _, c := range []struct {
		log   string
		there []loopkit.SpoolBatch
		want  string
	}{
		{"appended 2\nappended 3\n", []loopkit.SpoolBatch{batch(1), batch(2), batch(3)}, ""},
		{"appended 2\n", []loopkit.SpoolBatch{batch(1), batch(2), batch(3)}, ""}, // 3 was being written
		{"appended 3\nremoving 1\n", []loopkit.SpoolBatch{batch(1), batch(2), batch(3)}, ""},
		{"appended 3\nremoving 1\n", []loopkit.SpoolBatch{batch(2), batch(3)}, ""},
		{"appended 3\nremoving 1\nremoved 1\n", []loopkit.SpoolBatch{batch(2), batch(3)}, ""},
		{"appended 3\n", []loopkit.SpoolBatch{batch(1), batch(2)}, "batch 3 had been appended and is lost"},
		{"appended 3\n", []loopkit.SpoolBatch{batch(1), batch(3)}, "batch 2 had been appended and is lost"},
		{"appended 3\n", nil, "batch 1 had been appended and is lost"},
		{"appended 3\nremoving 1\nremoved 1\n", []loopkit.SpoolBatch{batch(1), batch(2), batch(3)}, "batch 1 had been removed and is back"},
		{"appended 2\n", []loopkit.SpoolBatch{batch(1), other}, "batch 2 is not what was appended"},
		{"appended three\n", nil, "appended three"},
	} {
		dir, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
		require.NoError(t, os.WriteFile(log, []byte(c.log), 0o600))
		s, err := spool.Open(dir, nil)
		require.NoError(t, err)
		require.NoError(t, s.Append(c.there))
		require.NoError(t, s.Close())
		err = run([]string{"check", dir, log})
		if c.want == "" {
			assert.NoError(t, err, c.log)
		} else {
			assert.ErrorContains(t, err, c.want, c.log)
		}
	}
}

func TestTheArgumentsAreChecked(t *testing.T) {
	for _, args := range [][]string{{}, {"write"}, {"check", "dir"}, {"erase", "dir", "log"}} {
		assert.ErrorContains(t, run(args), "usage", fmt.Sprint(args))
	}
	assert.ErrorContains(t, run([]string{"write", "sometimes", "dir", "log"}), `no policy "sometimes"`)
}
