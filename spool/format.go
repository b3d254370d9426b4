package spool

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"go.etcd.io/bbolt"

	"github.com/loopkitai/loopkit-go"
)

// formatVersion is that of the whole file. A change that an older program would
// read wrongly must raise it.
const formatVersion = 1

const (
	metaBucket    = "loopkit.meta"
	reserveBucket = "loopkit.reserve"

	formatKey   = "format"
	countersKey = "counters"
	stateKey    = "state"
	reserveKey  = "pages"

	reservePages = 32 // enough to remove any batch; see Remove
	maxState     = 1 << 10
)

// kindBuckets names the bucket of each kind. The order is that of the counters
// on disk.
var kindBuckets = [...]string{
	loopkit.KindIdentify:    "loopkit.identify",
	loopkit.KindGroup:       "loopkit.group",
	loopkit.KindTrack:       "loopkit.track",
	loopkit.KindDeleteUser:  "loopkit.delete-user",
	loopkit.KindDeleteGroup: "loopkit.delete-group",
}

func known(kind loopkit.Kind) bool { return int(kind) < len(kindBuckets) }

func deletes(kind loopkit.Kind) bool {
	return kind == loopkit.KindDeleteUser || kind == loopkit.KindDeleteGroup
}

// counters change in the transaction that changes what they count, so that
// nothing has to be counted when a spool is opened.
type counters struct {
	lastID uint64
	kinds  [len(kindBuckets)]KindStats
	purged bool // a purge has begun to remove messages, which may be in free pages
	freed  bool // removed messages may be in free pages
}

func (c *counters) add(r record) {
	c.count(r.kind, 1, int64(r.messages), int64(len(r.data)))
	c.lastID = max(c.lastID, r.id)
}

func (c *counters) count(kind loopkit.Kind, batches, messages, bytes int64) {
	k := &c.kinds[kind]
	k.Batches += batches
	k.Messages += messages
	k.Bytes += bytes
}

func (c *counters) batches() (n int64) {
	for _, k := range c.kinds {
		n += k.Batches
	}
	return n
}

func (c *counters) bytes() (n int64) {
	for _, k := range c.kinds {
		n += k.Bytes
	}
	return n
}

const (
	countersBytes = 8 + 3*8*len(kindBuckets) + 1

	purgedFlag = 1
	freedFlag  = 2
)

func (c *counters) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, countersBytes+4), c.lastID)
	for _, k := range c.kinds {
		b = binary.BigEndian.AppendUint64(b, uint64(k.Batches))
		b = binary.BigEndian.AppendUint64(b, uint64(k.Messages))
		b = binary.BigEndian.AppendUint64(b, uint64(k.Bytes))
	}
	flags := byte(0)
	if c.purged {
		flags |= purgedFlag
	}
	if c.freed {
		flags |= freedFlag
	}
	return append(b, flags)
}

func decodeCounters(b []byte) (c counters, err error) {
	if len(b) != countersBytes {
		return c, fmt.Errorf("the counters have %d bytes", len(b))
	}
	number := func() int64 {
		v := binary.BigEndian.Uint64(b)
		b = b[8:]
		return int64(v)
	}
	c.lastID = uint64(number())
	for i := range c.kinds {
		c.kinds[i] = KindStats{Batches: number(), Messages: number(), Bytes: number()}
	}
	c.purged, c.freed = b[0]&purgedFlag != 0, b[0]&freedFlag != 0
	return c, nil
}

// seal appends a checksum to a value of the meta bucket, unseal removes it.
func seal(key string, value []byte) []byte {
	sum := crc32.Update(crc32.Checksum([]byte(key), castagnoli), castagnoli, value)
	return binary.BigEndian.AppendUint32(bytes.Clone(value), sum)
}

func unseal(key string, sealed []byte) ([]byte, error) {
	if len(sealed) < 4 {
		return nil, fmt.Errorf("the %s is missing", key)
	}
	value := bytes.Clone(sealed[:len(sealed)-4])
	if !bytes.Equal(seal(key, value), sealed) {
		return nil, fmt.Errorf("the %s is damaged", key)
	}
	return value, nil
}

// initialize makes an empty file a spool.
func initialize(tx *bbolt.Tx, c *counters, state []byte) error {
	for _, name := range append([]string{metaBucket, reserveBucket}, kindBuckets[:]...) {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	version := binary.BigEndian.AppendUint32(nil, formatVersion)
	if err := putMeta(tx, formatKey, version); err != nil {
		return err
	}
	if state != nil {
		if err := putMeta(tx, stateKey, state); err != nil {
			return err
		}
	}
	if err := fillReserve(tx); err != nil {
		return err
	}
	return putMeta(tx, countersKey, c.encode())
}

// bucket returns damage instead of nil for a bucket that must be there.
func bucket(tx *bbolt.Tx, name string) (*bbolt.Bucket, error) {
	b := tx.Bucket([]byte(name))
	if b == nil {
		return nil, damagedBy("the bucket %s is missing", name)
	}
	return b, nil
}

func putMeta(tx *bbolt.Tx, key string, value []byte) error {
	b, err := bucket(tx, metaBucket)
	if err != nil {
		return err
	}
	return b.Put([]byte(key), seal(key, value))
}

// getMeta returns nil for a value that is not there.
func getMeta(tx *bbolt.Tx, key string) ([]byte, error) {
	b, err := bucket(tx, metaBucket)
	if err != nil {
		return nil, err
	}
	sealed := b.Get([]byte(key))
	if sealed == nil {
		return nil, nil
	}
	value, err := unseal(key, sealed)
	if err != nil {
		return nil, damagedBy("%w", err)
	}
	return value, nil
}
