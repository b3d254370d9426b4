package loopkittest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/loopkitai/loopkit-go"
)

// The size of the sequences of aListAgrees.
const (
	modelSeeds = 4
	modelSteps = 150
)

// aListAgrees makes random calls of a spool and of a list.
func aListAgrees(s *spoolTrial) {
	rule := s.rule
	m := &spoolModel{spoolTrial: s}
	for seed := range uint64(modelSeeds) {
		m.random = rand.New(rand.NewPCG(seed, 0))
		for step := range modelSteps {
			s.rule = fmt.Sprintf("%s (seed %d, step %d)", rule, seed, step)
			m.step()
		}
	}
}

// spoolModel is a spool and what should be in it.
type spoolModel struct {
	*spoolTrial
	random *rand.Rand
	list   []loopkit.SpoolBatch
	lastID uint64
	state  []byte
}

func (m *spoolModel) step() {
	m.t.Helper()
	switch what := m.random.IntN(100); {
	case what < 45:
		m.appendSome()
	case what < 65:
		m.removeSome()
	case what < 80:
		m.purgeSome()
	case what < 85:
		m.state = []byte(fmt.Sprint(m.random.Uint64()))
		m.must("SetState", m.SetState(bytes.Clone(m.state)))
	case what < 90:
		m.reopen()
	default:
		m.holds(m.list...)
	}
	m.stateIs(m.state)
	if last := m.status().LastID; last != m.lastID {
		m.failf("LastID is %d instead of %d", last, m.lastID)
	}
	// One look anywhere, for holds always starts at the first batch.
	kind, after := m.kind(), m.id()
	got, ok := m.next(kind, after)
	i := slices.IndexFunc(m.list, func(b loopkit.SpoolBatch) bool { return b.Kind == kind && b.ID > after })
	switch {
	case ok != (i >= 0):
		m.failf("Next of %s above %d returned batch %d: %t", kind, after, got.ID, ok)
	case ok:
		m.same(m.list[i], got)
	}
}

func (m *spoolModel) kind() loopkit.Kind { return spoolKinds[m.random.IntN(len(spoolKinds))] }

// id returns an ID that is, was or will be in the spool.
func (m *spoolModel) id() uint64 { return m.random.Uint64N(m.lastID + 3) }

func (m *spoolModel) appendSome() {
	m.t.Helper()
	kinds := spoolKinds[:3]
	if m.random.IntN(4) == 0 {
		kinds = spoolKinds[3:]
	}
	var batches []loopkit.SpoolBatch
	for range 1 + m.random.IntN(4) {
		m.lastID += 1 + m.random.Uint64N(3)
		b := spoolBatch(m.lastID, kinds[m.random.IntN(len(kinds))])
		for range 1 + m.random.IntN(5) {
			text := bytes.Repeat([]byte{'a'}, m.random.IntN(3000))
			b.Messages = append(b.Messages, fmt.Appendf(nil, `{"user":"user_%d","text":%q}`, m.random.IntN(10), text))
		}
		batches = append(batches, b)
	}
	m.list = append(m.list, cloneBatches(batches)...)
	m.append(batches...)
}

func (m *spoolModel) removeSome() {
	m.t.Helper()
	var ids []uint64
	for range m.random.IntN(5) {
		ids = append(ids, m.id())
	}
	m.list = slices.DeleteFunc(m.list, func(b loopkit.SpoolBatch) bool { return slices.Contains(ids, b.ID) })
	m.remove(ids...)
}

func (m *spoolModel) purgeSome() {
	m.t.Helper()
	before, kind := m.id(), m.kind()
	user := fmt.Appendf(nil, `"user":"user_%d"`, m.random.IntN(10))
	match := func(id uint64, k loopkit.Kind, message []byte) bool {
		return k != kind && bytes.Contains(message, user)
	}
	want := 0
	for i, b := range m.list {
		if b.ID < before {
			left := slices.DeleteFunc(slices.Clone(b.Messages), func(text []byte) bool { return match(b.ID, b.Kind, text) })
			want += len(b.Messages) - len(left)
			m.list[i].Messages = left
		}
	}
	m.list = slices.DeleteFunc(m.list, func(b loopkit.SpoolBatch) bool { return len(b.Messages) == 0 })
	got, err := m.Purge(before, match)
	m.must("Purge", err)
	if got != want {
		m.failf("Purge before %d returned %d instead of %d", before, got, want)
	}
}
