package timeline

import (
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// Overview is what the entries say about who was identified.
type Overview struct {
	Identified map[string]bool // user IDs that an identify named since their last deletion
	Loose      []Loose         // all that are still loose
}

// Survey looks at the identities of everybody.
func Survey(entries []*store.Entry) Overview {
	t := newTeller(collector.Person{})
	out := Overview{Identified: make(map[string]bool)}
	for _, e := range entries {
		if e.Message == nil {
			continue
		}
		t.apply(e, *e.Message)
		switch e.Message.Kind {
		case collector.KindIdentify:
			out.Identified[e.Message.UserID] = true
		case collector.KindDeleteUser:
			delete(out.Identified, e.Message.UserID)
		}
	}
	out.Loose = t.stillLoose(func(Loose) bool { return true })
	return out
}
