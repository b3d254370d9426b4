package loopkittest

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go"
)

func aNewSpoolIsEmpty(s *spoolTrial) {
	if got := s.status(); got != (loopkit.SpoolStatus{}) {
		s.failf("Status is %+v", got)
	}
	s.holds()
}

func nextGoesThroughOneKind(s *spoolTrial) {
	s.holds(s.appendSample()...)
}

func nextIsAboveAfter(s *spoolTrial) {
	s.append(spoolBatch(10, loopkit.KindTrack, `{"n":1}`), spoolBatch(20, loopkit.KindIdentify, `{"n":2}`),
		spoolBatch(30, loopkit.KindTrack, `{"n":3}`))
	for _, c := range []struct{ after, want uint64 }{{0, 10}, {9, 10}, {10, 30}, {20, 30}, {29, 30}, {30, 0}, {math.MaxUint64, 0}} {
		if b, _ := s.next(loopkit.KindTrack, c.after); b.ID != c.want {
			s.failf("Next above %d is batch %d instead of %d", c.after, b.ID, c.want)
		}
	}
}

func nextRemovesNothing(s *spoolTrial) {
	sample := s.appendSample()
	s.holds(sample...)
	s.holds(sample...)
	s.reopen()
	s.holds(sample...)
}

func idsMayHaveGaps(s *spoolTrial) {
	batches := []loopkit.SpoolBatch{
		spoolBatch(7, loopkit.KindTrack, `{"n":1}`),
		spoolBatch(255, loopkit.KindTrack, `{"n":2}`),
		spoolBatch(256, loopkit.KindIdentify, `{"n":3}`),
		spoolBatch(1<<32, loopkit.KindTrack, `{"n":4}`),
		spoolBatch(1<<63, loopkit.KindTrack, `{"n":5}`),
		spoolBatch(math.MaxUint64-1, loopkit.KindTrack, `{"n":6}`),
	}
	s.append(batches...)
	s.holds(batches...)
	s.reopen()
	s.holds(batches...)
}

// appendIsAllOrNone appends what a spool may refuse, and does not mind if it does not.
func appendIsAllOrNone(s *spoolTrial) {
	want := []loopkit.SpoolBatch{spoolBatch(5, loopkit.KindTrack, `{"n":1}`)}
	s.append(want...)
	more := []loopkit.SpoolBatch{spoolBatch(6, loopkit.KindTrack, `{"n":2}`), spoolBatch(5, loopkit.KindTrack, `{"n":3}`)}
	if err := s.Append(more); err == nil {
		return
	}
	s.holds(want...)
	if last := s.status().LastID; last != 5 {
		s.failf("LastID is %d instead of 5", last)
	}
	s.reopen()
	s.holds(want...)
	s.append(spoolBatch(6, loopkit.KindTrack, `{"n":4}`))
	s.holds(append(want, spoolBatch(6, loopkit.KindTrack, `{"n":4}`))...)
}

func messagesAreKept(s *spoolTrial) {
	var raw bytes.Buffer // every byte that may stand in a JSON string
	raw.WriteByte('"')
	for c := range 256 {
		if c >= ' ' && c != '"' && c != '\\' {
			raw.WriteByte(byte(c))
		}
	}
	raw.WriteByte('"')
	b := spoolBatch(1, loopkit.KindTrack,
		" { \"b\" : 1 ,\n\t\"a\" : 1.50e+00 } \r\n", `{"a":1,"a":2}`, `"\u0000\u2028\ud800"`, "\"\u2028\U0001F600\"",
		raw.String(), `12345678901234567890`, `null`, `{}`)
	s.append(b)
	s.holds(b)
	s.reopen()
	s.holds(b)
}

func batchesOfAllSizes(s *spoolTrial) {
	thousand := make([]string, 1000)
	for i := range thousand {
		thousand[i] = fmt.Sprintf(`{"n":%d}`, i)
	}
	mebibyte := `"` + strings.Repeat("0123456789abcdef", 1<<16) + `"`
	batches := []loopkit.SpoolBatch{
		spoolBatch(1, loopkit.KindTrack, `1`),
		spoolBatch(2, loopkit.KindTrack, mebibyte),
		spoolBatch(3, loopkit.KindTrack, thousand...),
		spoolBatch(4, loopkit.KindTrack, mebibyte, `{}`, mebibyte),
	}
	s.append(batches...)
	s.holds(batches...)
	s.reopen()
	s.holds(batches...)
}

func theTimeIsKept(s *spoolTrial) {
	zone := time.FixedZone("elsewhere", -11*60*60)
	times := []time.Time{
		time.UnixMilli(0),
		time.UnixMilli(1),
		time.UnixMilli(1_700_000_000_999),
		time.Date(2026, 1, 15, 10, 30, 0, 123_999_999, zone),
		time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC),
		time.Now(),
	}
	var batches []loopkit.SpoolBatch
	for i, at := range times {
		b := spoolBatch(uint64(i)+1, loopkit.KindTrack, `{}`)
		b.Accepted = at
		batches = append(batches, b)
	}
	s.append(batches...)
	s.holds(batches...)
	s.reopen()
	s.holds(batches...)
}

func appendCopies(s *spoolTrial) {
	given := spoolSample()[:4]
	s.append(given...)
	for i := range given {
		spoil(given[i])
		given[i] = loopkit.SpoolBatch{}
	}
	s.holds(spoolSample()[:4]...)
	s.reopen()
	s.holds(spoolSample()[:4]...)
}

func nextCopies(s *spoolTrial) {
	sample := s.appendSample()
	for _, kind := range spoolKinds {
		for after := uint64(0); ; {
			b, ok := s.next(kind, after)
			if !ok {
				break
			}
			after = b.ID
			spoil(b)
		}
	}
	s.holds(sample...)
	s.reopen()
	s.holds(sample...)
}

// spoil overwrites all the memory of a batch.
func spoil(b loopkit.SpoolBatch) {
	for i, m := range b.Messages {
		for j := range m[:cap(m)] {
			m[:cap(m)][j] = '!'
		}
		b.Messages[i] = nil
	}
}

func closeKeepsEverything(s *spoolTrial) {
	sample := s.appendSample()
	for range 3 {
		s.reopen()
		s.holds(sample...)
	}
	more := spoolBatch(9, loopkit.KindTrack, `{"n":9}`)
	s.append(more)
	s.reopen()
	s.holds(append(sample, more)...)
}

func appendAfterClose(s *spoolTrial) {
	sample := s.appendSample()
	closed := s.Spool
	s.mustClose()
	if err := closed.Append([]loopkit.SpoolBatch{spoolBatch(9, loopkit.KindTrack, `{"n":9}`)}); err == nil {
		s.failf("Append returned nil")
	}
	s.mustOpen()
	s.holds(sample...)
}

func removeForgets(s *spoolTrial) {
	sample := s.appendSample()
	s.remove(3, 8, 5)
	want := []loopkit.SpoolBatch{sample[0], sample[1], sample[3], sample[5], sample[6]}
	s.holds(want...)
	s.reopen()
	s.holds(want...)
	s.remove(1, 2, 4, 6, 7)
	s.holds()
	s.reopen()
	s.holds()
}

func removeOfUnknownIDs(s *spoolTrial) {
	s.remove(1)
	sample := s.appendSample()
	s.remove(0, 99, math.MaxUint64)
	s.remove(2)
	s.remove(2, 99, 3, 3)
	s.remove()
	s.holds(sample[0], sample[3], sample[4], sample[5], sample[6], sample[7])
}

func lastIDNeverGoesBack(s *spoolTrial) {
	expect := func(want uint64, when string) {
		s.t.Helper()
		if last := s.status().LastID; last != want {
			s.failf("LastID is %d instead of %d after %s", last, want, when)
		}
	}
	s.append(spoolBatch(10, loopkit.KindTrack, `{"n":1}`), spoolBatch(12, loopkit.KindIdentify, `{"n":2}`))
	expect(12, "an Append")
	s.remove(12)
	expect(12, "the last batch was removed")
	s.purge(math.MaxUint64, "n")
	expect(12, "everything was purged")
	s.reopen()
	expect(12, "reopening")
	s.append(spoolBatch(13, loopkit.KindDeleteUser, `{"n":3}`))
	s.remove(13)
	s.reopen()
	expect(13, "a deletion was removed and the spool reopened")
}

func purgeRemoves(s *spoolTrial) {
	sample := s.appendSample()
	if n := s.purge(math.MaxUint64, "nobody"); n != 0 {
		s.failf("Purge returned %d, and nothing matches", n)
	}
	s.holds(sample...)
	if n := s.purge(math.MaxUint64, "click"); n != 4 {
		s.failf("Purge returned %d instead of 4", n)
	}
	sample[0].Messages = sample[0].Messages[:1]
	sample[5].Messages = sample[5].Messages[:1]
	s.holds(sample[0], sample[1], sample[3], sample[4], sample[5], sample[6], sample[7])
	if n := s.purge(math.MaxUint64, "click"); n != 0 {
		s.failf("Purge returned %d, and what matches is gone", n)
	}
	if n := s.purge(math.MaxUint64, ""); n != 7 {
		s.failf("Purge of everything returned %d instead of 7", n)
	}
	s.holds()
}

func purgeLeaves(s *spoolTrial) {
	first := spoolBatch(3, loopkit.KindTrack, `{"n":1}`, `{"x":2}`, `{"n":3}`, `{"x":4}`, `{"x":5}`, `{"n":6}`)
	second := spoolBatch(4, loopkit.KindTrack, `{"x":7}`, `{"n":8}`)
	s.append(first, second)
	s.purge(math.MaxUint64, "x")
	first.Messages = [][]byte{first.Messages[0], first.Messages[2], first.Messages[5]}
	second.Messages = second.Messages[1:]
	s.holds(first, second)
}

func purgeIsBelowBefore(s *spoolTrial) {
	sample := s.appendSample()
	if n := s.purge(0, ""); n != 0 {
		s.failf("Purge before 0 returned %d", n)
	}
	if n := s.purge(1, ""); n != 0 {
		s.failf("Purge before the first batch returned %d", n)
	}
	s.holds(sample...)
	if n := s.purge(3, ""); n != 4 {
		s.failf("Purge before batch 3 returned %d instead of 4", n)
	}
	s.holds(sample[2:]...)
}

func purgeAsksOnce(s *spoolTrial) {
	sample := s.appendSample()
	asked := map[string]int{}
	key := func(id uint64, kind loopkit.Kind, message []byte) string {
		return fmt.Sprintf("batch %d of %s, message %s", id, kind, message)
	}
	n, err := s.Purge(7, func(id uint64, kind loopkit.Kind, message []byte) bool {
		asked[key(id, kind, message)]++
		return false
	})
	s.must("Purge", err)
	if n != 0 {
		s.failf("Purge returned %d, and nothing matches", n)
	}
	expected := 0
	for _, b := range sample[:6] {
		for _, m := range b.Messages {
			expected++
			if k := key(b.ID, b.Kind, m); asked[k] != 1 {
				s.failf("match was called %d times for %s", asked[k], k)
			}
		}
	}
	if len(asked) != expected {
		s.failf("match was called for %d messages instead of %d", len(asked), expected)
	}
}

func purgeSurvives(s *spoolTrial) {
	sample := s.appendSample()
	s.purge(6, "click")
	s.reopen()
	sample[0].Messages = sample[0].Messages[:1]
	s.holds(sample[0], sample[1], sample[3], sample[4], sample[5], sample[6], sample[7])
}
