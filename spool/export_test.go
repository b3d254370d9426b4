package spool

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"io"
	"os"
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

// CheckFails reports whether the check of a file fails, and whether by damage.
func CheckFails(file io.ReaderAt, size int64) (damaged bool, err error) {
	_, err = check(file, size)
	return isDamage(err), err
}

// Trusted is the rule about the owner of a directory.
func Trusted(dir os.FileInfo, user int) error { return trusted(dir, user) }

// Miscount makes the counters wrong, as a transaction that was lost in part would.
func (s *Spool) Miscount(kind loopkit.Kind, messages, bytes int64) {
	s.counters.count(kind, 0, messages, bytes)
}

// Layout is where things are in the file of a spool with enough events for a branch.
type Layout struct {
	PageSize, Root, Free, Branch uint64
	Leaves                       []uint64 // of events
}

func LayoutOf(t testing.TB, content []byte) Layout {
	t.Helper()
	file := bytes.NewReader(content)
	h, err := readHeader(file, file.Size())
	require.NoError(t, err)
	c := checked{pages: newPages(file, h, file.Size())}
	require.NoError(t, c.readRoot())
	l := Layout{PageSize: h.pageSize, Root: h.root, Free: h.freelist, Branch: c.trees[kindBuckets[loopkit.KindTrack]].root}
	branch, err := c.pages.read(l.Branch, maxOverflow)
	require.NoError(t, err)
	require.Equal(t, uint16(branchPage), branch.flags())
	for i := range branch.count() {
		_, leaf, err := branch.branch(i)
		require.NoError(t, err)
		l.Leaves = append(l.Leaves, leaf)
	}
	return l
}

// SetHigh changes in both headers how many pages the file is said to have.
func SetHigh(t testing.TB, content []byte, pageSize, high uint64) {
	t.Helper()
	for at := uint64(0); at <= pageSize; at += pageSize {
		m := content[at+pageHead : at+pageHead+metaBytes]
		native.PutUint64(m[40:], high)
		sum := fnv.New64a()
		_, err := sum.Write(m[:56])
		require.NoError(t, err)
		native.PutUint64(m[56:], sum.Sum64())
	}
}
