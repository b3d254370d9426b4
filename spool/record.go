package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// A record is a batch as it is on disk:
//
//	version  1 byte, 1
//	flags    1 byte, 0
//	accepted 8 bytes, big-endian milliseconds since 1970
//	count    uvarint, the number of messages
//	lengths  a uvarint for each message
//	messages
//	CRC-32C  4 bytes, big-endian, of the bucket's name, the big-endian ID and all of the above
//
// It is stored in parts, because bbolt copies all neighbours of a changed value
// that share its page: the key of a part is the ID and the number of the part,
// both big-endian, and all parts but the last have partBytes.
const (
	recordVersion = 1
	recordHead    = 10
	recordSum     = 4
	partBytes     = 4000
	partKeyBytes  = 8 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errRecord = errors.New("a record is damaged")

// record is one batch on its way from or to a file.
type record struct {
	kind     loopkit.Kind
	id       uint64
	messages int
	data     []byte
}

func encode(b loopkit.SpoolBatch) record {
	size := recordHead + binary.MaxVarintLen64*(1+len(b.Messages)) + recordSum
	for _, m := range b.Messages {
		size += len(m)
	}
	data := append(make([]byte, 0, size), recordVersion, 0)
	data = binary.BigEndian.AppendUint64(data, uint64(b.Accepted.UnixMilli()))
	data = binary.AppendUvarint(data, uint64(len(b.Messages)))
	for _, m := range b.Messages {
		data = binary.AppendUvarint(data, uint64(len(m)))
	}
	for _, m := range b.Messages {
		data = append(data, m...)
	}
	data = binary.BigEndian.AppendUint32(data, checksum(b.Kind, b.ID, data))
	return record{kind: b.Kind, id: b.ID, messages: len(b.Messages), data: data}
}

// decode returns a batch whose messages are parts of data, or errRecord if a
// single bit is not as encode left it.
func decode(kind loopkit.Kind, id uint64, data []byte) (loopkit.SpoolBatch, error) {
	batch := loopkit.SpoolBatch{ID: id, Kind: kind}
	count, lengths, err := countOf(data)
	if err != nil || len(data) < recordHead+recordSum {
		return batch, errRecord
	}
	body := data[:len(data)-recordSum]
	if checksum(kind, id, body) != binary.BigEndian.Uint32(data[len(body):]) {
		return batch, errRecord
	}
	sizes := make([]int, count)
	left := lengths[:len(lengths)-recordSum]
	total := 0
	for i := range sizes {
		size, n := binary.Uvarint(left)
		if n <= 0 || size > uint64(len(data)) {
			return batch, errRecord
		}
		sizes[i], left, total = int(size), left[n:], total+int(size)
		if total > len(data) {
			return batch, errRecord
		}
	}
	if total != len(left) {
		return batch, errRecord
	}
	batch.Accepted = time.UnixMilli(int64(binary.BigEndian.Uint64(data[2:recordHead])))
	batch.Messages = make([][]byte, count)
	for i, size := range sizes {
		batch.Messages[i], left = left[:size:size], left[size:]
	}
	return batch, nil
}

// countOf returns the number of messages that the head of a record gives, which
// can be that of its first part alone, and what follows it.
func countOf(data []byte) (int, []byte, error) {
	if len(data) < recordHead || data[0] != recordVersion || data[1] != 0 {
		return 0, nil, errRecord
	}
	count, n := binary.Uvarint(data[recordHead:])
	rest := len(data) - recordHead - n
	if n <= 0 || count == 0 || count > 1<<31-1 {
		return 0, nil, errRecord
	}
	if rest < recordSum || len(data) < partBytes && count > uint64(rest) { // each has a length of a byte at least
		return 0, nil, errRecord
	}
	return int(count), data[recordHead+n:], nil
}

func checksum(kind loopkit.Kind, id uint64, body []byte) uint32 {
	head := binary.BigEndian.AppendUint64(append(make([]byte, 0, 64), kindBuckets[kind]...), id)
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, body)
}

// parts calls put for each part of r.
func (r record) parts(put func(key, value []byte) error) error {
	left := r.data
	for part := uint32(0); part == 0 || len(left) > 0; part++ {
		n := min(len(left), partBytes)
		if err := put(partKey(r.id, part), left[:n:n]); err != nil {
			return err
		}
		left = left[n:]
	}
	return nil
}

func partKey(id uint64, part uint32) []byte {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, partKeyBytes), id)
	return binary.BigEndian.AppendUint32(key, part)
}

func splitKey(key []byte) (id uint64, part uint32, ok bool) {
	if len(key) != partKeyBytes {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(key), binary.BigEndian.Uint32(key[8:]), true
}

// assembly puts the parts of one record together.
type assembly struct {
	id   uint64
	next uint32
	full bool // the last part was not a short one
	data []byte
}

// add reports whether this is the part that has to follow.
func (a *assembly) add(id uint64, part uint32, value []byte) bool {
	if a.next == 0 {
		a.id, a.full = id, true
	}
	if id != a.id || part != a.next || !a.full || len(value) == 0 || len(value) > partBytes {
		return false
	}
	a.next++
	a.full = len(value) == partBytes
	a.data = append(a.data, value...)
	return true
}
