package loopkittest

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// atOnce is how long a spool may take to say that another client has it.
const atOnce = 2 * time.Second

func theStateIsReplaced(s *spoolTrial) {
	s.stateIs(nil)
	for _, want := range [][]byte{[]byte("first"), []byte("2"), bytes.Repeat([]byte{0, 0xff}, mostState/2)} {
		given := bytes.Clone(want)
		s.must("SetState", s.SetState(given))
		for i := range given {
			given[i] = '!' // it is the client's memory
		}
		s.stateIs(want)
	}
	got, err := s.State()
	s.must("State", err)
	for i := range got {
		got[i] = '!' // and so is this
	}
	s.stateIs(bytes.Repeat([]byte{0, 0xff}, mostState/2))
	s.must("SetState", s.SetState(nil))
	s.stateIs(nil)
}

func theStateSurvives(s *spoolTrial) {
	s.must("SetState", s.SetState([]byte("first")))
	s.reopen()
	s.stateIs([]byte("first"))
	s.must("SetState", s.SetState([]byte("second")))
	sample := s.appendSample()
	s.remove(1, 2, 3, 4, 5, 6, 7, 8)
	s.reopen()
	s.stateIs([]byte("second"))
	s.holds()
	if last := s.status().LastID; last != sample[7].ID {
		s.failf("LastID is %d instead of %d", last, sample[7].ID)
	}
	s.must("SetState", s.SetState(nil))
	s.reopen()
	s.stateIs(nil)
}

func (s *spoolTrial) stateIs(want []byte) {
	s.t.Helper()
	got, err := s.State()
	s.must("State", err)
	if !bytes.Equal(got, want) {
		s.failf("State is %.40q instead of %.40q", got, want)
	}
}

func bytesFollow(s *spoolTrial) {
	s.append(spoolBatch(1, loopkit.KindTrack, `{"name":"page_view"}`, `{"name":"click"}`))
	one := s.status().Bytes
	s.append(spoolBatch(2, loopkit.KindIdentify, `{"userId":"user_123"}`), spoolBatch(3, loopkit.KindTrack, `{"name":"click"}`))
	three := s.status().Bytes
	if one <= 0 || three <= one {
		s.failf("Bytes is %d with one batch and %d with three", one, three)
	}
	s.reopen()
	if again := s.status().Bytes; again != three {
		s.failf("Bytes is %d after reopening and was %d before", again, three)
	}
	s.remove(2)
	two := s.status().Bytes
	if two <= one || two >= three {
		s.failf("Bytes is %d with two batches, between %d with one and %d with three", two, one, three)
	}
	s.purge(4, "click")
	if purged := s.status().Bytes; purged >= one {
		s.failf("Bytes is %d with one message, and was %d with two", purged, one)
	}
	s.remove(1)
	if none := s.status().Bytes; none != 0 {
		s.failf("Bytes is %d with nothing in the spool", none)
	}
}

func aSecondClientIsRefused(s *spoolTrial) {
	sample := s.appendSample()
	refused := make(chan error, 1)
	go func() { refused <- s.tryToOpen() }()
	tooLate := time.NewTimer(atOnce)
	defer tooLate.Stop()
	select {
	case err := <-refused:
		if err == nil {
			s.failf("open succeeded twice")
		}
	case <-tooLate.C:
		s.mustClose() // what open waits for
		<-refused
		s.failf("open waited for the first client")
	}
	s.append(spoolBatch(9, loopkit.KindTrack, `{"n":9}`))
	want := append(sample, spoolBatch(9, loopkit.KindTrack, `{"n":9}`))
	s.holds(want...)
	s.reopen()
	s.holds(want...)
}

// tryToOpen opens the spool and returns why it cannot be used.
func (s *spoolTrial) tryToOpen() error {
	second, err := s.open(s.dir)
	if err != nil {
		return err
	}
	_, err = second.Status()
	return errors.Join(err, second.Close())
}

func tenThousandBatches(s *spoolTrial) {
	const most, perAppend = 10_000, 500
	var all []loopkit.SpoolBatch
	var odd []uint64
	for id := uint64(1); id <= most; id++ {
		all = append(all, spoolBatch(id, spoolKinds[id%3], fmt.Sprintf(`{"n":%d}`, id)))
		if id%2 == 1 {
			odd = append(odd, id)
		}
	}
	for i := 0; i < most; i += perAppend {
		s.append(all[i : i+perAppend]...)
	}
	s.holds(all...)
	s.remove(odd...)
	var even []loopkit.SpoolBatch
	for _, b := range all {
		if b.ID%2 == 0 {
			even = append(even, b)
		}
	}
	s.reopen()
	s.holds(even...)
	if n := s.purge(most/2+1, ""); n != most/4 {
		s.failf("Purge of one half returned %d instead of %d", n, most/4)
	}
	s.holds(even[most/4:]...)
}
