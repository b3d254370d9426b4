package spool

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
)

// WithFormat returns a spool's file that claims to have another format.
func WithFormat(t testing.TB, content []byte, version uint32) []byte {
	t.Helper()
	sealed := func(version uint32) []byte {
		return seal(formatKey, binary.BigEndian.AppendUint32(nil, version))
	}
	changed := bytes.ReplaceAll(content, sealed(formatVersion), sealed(version))
	require.NotEqual(t, content, changed)
	return changed
}

// Encode and Decode are the two halves of a record's format.
func Encode(b loopkit.SpoolBatch) []byte { return encode(b).data }

func Decode(kind loopkit.Kind, id uint64, data []byte) (loopkit.SpoolBatch, error) {
	return decode(kind, id, data)
}

// CloseFile closes the file below the database, so that a sync must fail.
func (s *Spool) CloseFile() error { return s.db.file.Close() }
