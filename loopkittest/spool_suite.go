package loopkittest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// TestSpool checks that a spool keeps the contract of [loopkit.Spool], one subtest
// for each rule. open opens the spool in a directory, which is empty at first; what
// one Close left there the next open must find. It should return an error, or
// a spool whose Status does, while the directory's spool is open:
//
//	func TestMySpoolKeepsTheContract(t *testing.T) {
//		loopkittest.TestSpool(t, func(dir string) (loopkit.Spool, error) { return myspool.Open(dir) })
//	}
//
// It needs some 30 MB, and a few seconds where each Append waits for a disk. The
// bounds of a spool, and what becomes of damage, are left to its own tests.
func TestSpool(t *testing.T, open func(dir string) (loopkit.Spool, error)) {
	for _, r := range spoolRules {
		t.Run(r.rule, func(t *testing.T) {
			r.judge(t, t.TempDir(), open)
		})
	}
}

// spoolRule is one promise of the contract.
type spoolRule struct {
	rule  string
	check func(*spoolTrial)
}

func (r spoolRule) judge(t testing.TB, dir string, open func(string) (loopkit.Spool, error)) {
	s := &spoolTrial{t: t, rule: r.rule, dir: dir, open: open}
	t.Cleanup(func() {
		if s.Spool != nil {
			_ = s.Close() // the test has failed already
		}
	})
	s.mustOpen()
	r.check(s)
	s.mustClose()
}

var spoolRules = []spoolRule{
	{"a new spool is empty", aNewSpoolIsEmpty},
	{"Next goes through one kind in the order of the IDs, up to io.EOF", nextGoesThroughOneKind},
	{"Next returns the first batch above after, which need not be in the spool", nextIsAboveAfter},
	{"Next removes nothing", nextRemovesNothing},
	{"IDs may have gaps and use all 64 bits", idsMayHaveGaps},
	{"an Append that fails keeps none of its batches", appendIsAllOrNone},
	{"messages are kept byte for byte", messagesAreKept},
	{"a batch may hold one byte or a mebibyte, one message or a thousand", batchesOfAllSizes},
	{"the time of acceptance is kept to the millisecond", theTimeIsKept},
	{"what is given to Append may be changed afterwards", appendCopies},
	{"what Next returns may be changed", nextCopies},
	{"Close keeps everything", closeKeepsEverything},
	{"an Append after Close is refused", appendAfterClose},
	{"Remove forgets batches for good", removeForgets},
	{"Remove of IDs that are not there is no error", removeOfUnknownIDs},
	{"LastID never goes back", lastIDNeverGoesBack},
	{"Purge removes the messages that match, and says how many", purgeRemoves},
	{"Purge leaves the ID, kind, time and order of what is left", purgeLeaves},
	{"Purge touches no batch with an ID of before or above", purgeIsBelowBefore},
	{"Purge asks once for each message, with its ID and kind", purgeAsksOnce},
	{"a purge survives reopening", purgeSurvives},
	{"the state is empty at first, then what it was set to last", theStateIsReplaced},
	{"the state survives reopening", theStateSurvives},
	{"Bytes grows and shrinks with what is in the spool", bytesFollow},
	{"a second client is refused at once", aSecondClientIsRefused},
	{"ten thousand batches are as good as ten", tenThousandBatches},
	{"any sequence of calls does what it would do to a list", aListAgrees},
}

var spoolKinds = []loopkit.Kind{
	loopkit.KindIdentify, loopkit.KindGroup, loopkit.KindTrack, loopkit.KindDeleteUser, loopkit.KindDeleteGroup,
}

// spoolTrial is one spool under test. Its methods fail the test with the name
// of the rule.
type spoolTrial struct {
	loopkit.Spool
	t    testing.TB
	rule string
	dir  string
	open func(dir string) (loopkit.Spool, error)
}

func (s *spoolTrial) failf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s: %s", s.rule, fmt.Sprintf(format, args...))
}

// must fails the test if a call of the spool has failed.
func (s *spoolTrial) must(call string, err error) {
	s.t.Helper()
	if err != nil {
		s.failf("%s failed: %v", call, err)
	}
}

func (s *spoolTrial) mustOpen() {
	s.t.Helper()
	spool, err := s.open(s.dir)
	s.must("open", err)
	s.Spool = spool
}

func (s *spoolTrial) mustClose() {
	s.t.Helper()
	if s.Spool != nil {
		spool := s.Spool
		s.Spool = nil
		s.must("Close", spool.Close())
	}
}

func (s *spoolTrial) reopen() {
	s.t.Helper()
	s.mustClose()
	s.mustOpen()
}

func (s *spoolTrial) append(batches ...loopkit.SpoolBatch) {
	s.t.Helper()
	s.must("Append", s.Append(batches))
}

func (s *spoolTrial) remove(ids ...uint64) {
	s.t.Helper()
	s.must("Remove", s.Remove(ids))
}

// purge removes the messages that contain text.
func (s *spoolTrial) purge(before uint64, text string) int {
	s.t.Helper()
	n, err := s.Purge(before, func(_ uint64, _ loopkit.Kind, m []byte) bool { return bytes.Contains(m, []byte(text)) })
	s.must("Purge", err)
	return n
}

func (s *spoolTrial) status() loopkit.SpoolStatus {
	s.t.Helper()
	status, err := s.Status()
	s.must("Status", err)
	return status
}

// next returns a batch, and false at the end.
func (s *spoolTrial) next(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, bool) {
	s.t.Helper()
	b, err := s.Next(kind, after)
	if errors.Is(err, io.EOF) {
		return b, false
	}
	s.must("Next", err)
	if b.Kind != kind || b.ID <= after {
		s.failf("Next of %s above %d returned batch %d of %s", kind, after, b.ID, b.Kind)
	}
	return b, true
}

// holds fails the test unless exactly these batches are in the spool, in order.
func (s *spoolTrial) holds(want ...loopkit.SpoolBatch) {
	s.t.Helper()
	for _, kind := range spoolKinds {
		after := uint64(0)
		for _, w := range want {
			if w.Kind != kind {
				continue
			}
			got, ok := s.next(kind, after)
			if !ok {
				s.failf("batch %d of %s is missing", w.ID, kind)
			}
			s.same(w, got)
			after = w.ID
		}
		if got, ok := s.next(kind, after); ok {
			s.failf("batch %d of %s should not be there", got.ID, kind)
		}
	}
}

// same fails the test unless a batch is as it was appended.
func (s *spoolTrial) same(want, got loopkit.SpoolBatch) {
	s.t.Helper()
	if got.ID != want.ID || got.Kind != want.Kind {
		s.failf("Next returned batch %d of %s where batch %d of %s is the next", got.ID, got.Kind, want.ID, want.Kind)
	}
	if got.Accepted.UnixMilli() != want.Accepted.UnixMilli() {
		s.failf("batch %d was accepted at %s, and Next says %s", want.ID, want.Accepted.UTC(), got.Accepted.UTC())
	}
	if len(got.Messages) != len(want.Messages) {
		s.failf("batch %d has %d messages instead of %d", want.ID, len(got.Messages), len(want.Messages))
	}
	for i, m := range want.Messages {
		if !bytes.Equal(m, got.Messages[i]) {
			s.failf("message %d of batch %d is %.80q instead of %.80q", i, want.ID, got.Messages[i], m)
		}
	}
}

// spoolBatch makes a batch whose time tells its ID.
func spoolBatch(id uint64, kind loopkit.Kind, messages ...string) loopkit.SpoolBatch {
	b := loopkit.SpoolBatch{
		ID: id, Kind: kind,
		Accepted: time.Date(2026, 1, 15, 10, 30, 0, 123_000_000, time.UTC).Add(time.Duration(id%math.MaxInt32) * time.Millisecond),
	}
	for _, m := range messages {
		b.Messages = append(b.Messages, []byte(m))
	}
	return b
}

// spoolSample is a batch of each kind and more, out of the order of the kinds.
func spoolSample() []loopkit.SpoolBatch {
	return []loopkit.SpoolBatch{
		spoolBatch(1, loopkit.KindTrack, `{"name":"page_view"}`, `{"name":"click"}`, `{"name":"click","n":2}`),
		spoolBatch(2, loopkit.KindIdentify, `{"userId":"user_123"}`),
		spoolBatch(3, loopkit.KindTrack, `{"name":"click"}`),
		spoolBatch(4, loopkit.KindGroup, `{"groupId":"team_456"}`),
		spoolBatch(5, loopkit.KindDeleteUser, `{"userId":"user_123"}`),
		spoolBatch(6, loopkit.KindTrack, `{"name":"user_signup"}`, `{"name":"click"}`),
		spoolBatch(7, loopkit.KindDeleteGroup, `{"groupId":"team_456"}`),
		spoolBatch(8, loopkit.KindIdentify, `{"userId":"user_124"}`),
	}
}

// appendSample appends the sample as a client would: deletions apart.
func (s *spoolTrial) appendSample() []loopkit.SpoolBatch {
	s.t.Helper()
	sample := spoolSample()
	s.append(sample[:4]...)
	s.append(sample[4])
	s.append(sample[5])
	s.append(sample[6])
	s.append(sample[7])
	return sample
}
