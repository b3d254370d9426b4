package spool_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

func TestARecordBelongsToItsIDAndItsKind(t *testing.T) {
	data := spool.Encode(events(7, "user_123"))
	_, err := spool.Decode(loopkit.KindTrack, 7, data)
	require.NoError(t, err)
	_, err = spool.Decode(loopkit.KindTrack, 8, data)
	assert.Error(t, err)
	_, err = spool.Decode(loopkit.KindGroup, 7, data)
	assert.Error(t, err)
}

func TestNoChangedRecordIsReturned(t *testing.T) {
	data := spool.Encode(events(7, "user_123", "", "user_456"))
	for at := range data {
		for bit := range 8 {
			data[at] ^= 1 << bit
			_, err := spool.Decode(loopkit.KindTrack, 7, data)
			require.Error(t, err)
			data[at] ^= 1 << bit
		}
		_, err := spool.Decode(loopkit.KindTrack, 7, data[:at])
		require.Error(t, err)
	}
}

func FuzzDecodeReturnsWhatWasEncodedOrAnError(f *testing.F) {
	f.Add(spool.Encode(events(7, "user_123")))
	f.Add(spool.Encode(events(7, "user_123", "", "user_456")))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 7})
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := spool.Decode(loopkit.KindTrack, 7, data)
		if err == nil {
			again, err := spool.Decode(loopkit.KindTrack, 7, spool.Encode(b))
			require.NoError(t, err)
			require.Equal(t, b.Messages, again.Messages)
			require.True(t, b.Accepted.Equal(again.Accepted))
		}
		b = loopkit.SpoolBatch{ID: 7, Kind: loopkit.KindTrack, Messages: [][]byte{data, nil, data}}
		b.Accepted = accepted
		got, err := spool.Decode(loopkit.KindTrack, 7, spool.Encode(b))
		require.NoError(t, err)
		require.Len(t, got.Messages, 3)
		require.Equal(t, string(data), string(got.Messages[0])+string(got.Messages[1]))
		require.Equal(t, string(data), string(got.Messages[2]))
	})
}
