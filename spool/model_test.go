package spool_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

// A healthy file must never be taken for a damaged one, whatever shape its trees
// have got: small and large records, added in order, removed in any.
func TestARandomHistoryIsKeptExactlyAndNeverLooksDamaged(t *testing.T) {
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 0))
		dir, opts := t.TempDir(), &spool.Options{Sync: spool.SyncNever, MaxBytes: 1 << 30}
		s, err := spool.Open(dir, opts)
		require.NoError(t, err)
		kept := map[uint64]int{} // the number of messages by ID
		var last uint64
		for round := range 20 {
			grows := round%8 < 5
			for range 20 {
				if grows {
					var group []loopkit.SpoolBatch
					for range 1 + r.IntN(100) {
						last += 1 + uint64(r.IntN(3))
						b := batch(last, loopkit.Kind(r.IntN(5)), "user_123", "user_456")
						if r.IntN(100) == 0 {
							b = large(last, r.IntN(60_000))
						}
						group = append(group, b)
						kept[last] = len(b.Messages)
					}
					require.NoError(t, s.Append(group))
					continue
				}
				var gone []uint64
				for id := range kept {
					if len(gone) == 200 {
						break
					}
					gone = append(gone, id)
					delete(kept, id)
				}
				require.NoError(t, s.Remove(gone))
			}
			require.NoError(t, s.Close())
			s, err = spool.Open(dir, opts)
			require.NoError(t, err)
			if round%5 == 4 {
				got := map[uint64]int{}
				for _, b := range drained(t, s) {
					got[b.ID] = len(b.Messages)
				}
				require.Equal(t, kept, got, "seed %d, round %d", seed, round)
			}
			require.Equal(t, loopkit.SpoolStatus{LastID: last, Bytes: status(t, s).Bytes}, status(t, s))
			require.Zero(t, stats(t, s).SetAside)
		}
		require.NoError(t, s.Close())
	}
}
