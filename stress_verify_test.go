package loopkit_test

import (
	"context"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	loopkit "github.com/loopkitai/loopkit-go"
)

// check holds Stats to its bounds.
func (r *stressRun) check() loopkit.Stats {
	s, o := r.client.Stats(), &r.options
	if s.Accepted != s.Delivered+s.Pending+sumDropped(s) {
		r.server.violated("the numbers do not add up: %+v", s)
	}
	if s.Pending < 0 || s.Pending > int64(o.QueueSize) {
		r.server.violated("pending beyond %d: %+v", o.QueueSize, s)
	}
	if s.QueueBytes < 0 || s.QueueBytes > int64(o.QueueBytes) {
		r.server.violated("memory beyond %d: %+v", o.QueueBytes, s)
	}
	return s
}

// close calls Close, and waits for all that is still to happen.
func (r *stressRun) close() {
	timeout := pick(r.rand, 5*time.Second, 30*time.Minute)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	before, begin := r.client.Stats(), time.Now()
	err := r.client.Close(ctx)
	if took := time.Since(begin); took > timeout+100*time.Millisecond {
		r.server.violated("Close took %v of %v", took, timeout)
	}
	closed := r.check()
	if closed.Pending != 0 {
		r.server.violated("pending after Close: %+v", closed)
	}
	time.Sleep(3 * time.Minute)
	r.server.late.Wait()
	synctest.Wait()
	after := r.check()
	if after.QueueBytes != 0 {
		r.server.violated("memory after Close: %+v", after)
	}
	if after.Delivered != closed.Delivered || sumDropped(after) != sumDropped(closed) {
		r.server.violated("after Close %+v became %+v", closed, after)
	}
	lost := sumDropped(closed) - sumDropped(before)
	if forgotten := closed.Dropped[loopkit.ReasonDeleted] - before.Dropped[loopkit.ReasonDeleted]; err == nil && lost != forgotten {
		r.server.violated("Close returned nil, and gave up %d: %+v", lost-forgotten, closed)
	}
	for _, d := range r.deletions {
		select {
		case <-d.Done():
		default:
			r.server.violated("%s goes on after Close", d.mark)
		}
	}
}

// verify looks at the end at what became of everything.
func (r *stressRun) verify() {
	first, last := map[string]int{}, map[string]int{}
	for i, what := range r.server.executions() {
		if _, again := first[what]; !again {
			first[what] = i
		}
		last[what] = i
	}
	r.verifyDrops(first)
	r.verifyFlushes()
	if !r.server.halts {
		r.verifyGroups(first)
	}
	r.verifyDeletions(first, last)
}

func (r *stressRun) verifyDrops(executed map[string]int) {
	for id, drops := range r.drops {
		if len(drops) > 1 {
			r.server.violated("the hook was told %d times of %s: %v", len(drops), id, drops)
		}
	}
	for _, m := range r.messages {
		drops := r.drops[m.id]
		_, arrived := executed[m.id]
		switch {
		case len(drops) == 0 && !arrived && r.allTold():
			r.server.violated("%s is lost", m.id)
		case len(drops) > 0 && drops[0].reason == loopkit.ReasonRejected && !strings.Contains(m.text, poisonText) && !strings.Contains(m.text, crashText):
			r.server.violated("%s is harmless, and was dropped as rejected", m.id)
		}
	}
}

// allTold reports whether the hook had time for all of the losses.
func (r *stressRun) allTold() bool { return r.client.Stats().NoticesLost == 0 }

func (r *stressRun) verifyFlushes() {
	for _, f := range r.flushes {
		for _, m := range f.missing {
			drops := r.drops[m.id]
			switch {
			case len(drops) == 0:
				if r.allTold() {
					r.server.violated("Flush returned nil while %s was pending", m.id)
				}
			case drops[0].at.After(f.end):
				r.server.violated("Flush returned nil while %s was pending, which was dropped later: %v", m.id, drops[0])
			case drops[0].at.After(f.began) && drops[0].reason != loopkit.ReasonDeleted && drops[0].reason != loopkit.ReasonConsent:
				r.server.violated("Flush returned nil though %s was dropped meanwhile: %v", m.id, drops[0])
			}
		}
	}
}

func (r *stressRun) verifyGroups(first map[string]int) {
	for _, group := range r.messages {
		at, arrived := first[group.id]
		if group.kind != loopkit.KindGroup || !arrived {
			continue
		}
		for _, identify := range r.messages {
			if identify.kind != loopkit.KindIdentify || identify.user != group.user || identify.accepted >= group.begun {
				continue
			}
			if i, arrived := first[identify.id]; arrived && i > at && len(r.drops[identify.id]) == 0 {
				r.server.violated("%s arrived before %s", group.id, identify.id)
			}
		}
	}
}

func (r *stressRun) verifyDeletions(first, last map[string]int) {
	deletions := slices.DeleteFunc(r.deletions, func(d *stressDeletion) bool { _, executed := first[d.mark]; return !executed })
	for _, d := range deletions {
		for _, m := range r.messages {
			_, arrived := first[m.id]
			switch {
			case !arrived || d.user != m.user && d.user != "" || d.group != m.group && d.group != "":
			case m.accepted < d.begun && last[m.id] > first[d.mark]:
				r.server.violated("%s was accepted before %s of %s%s, and arrived after it", m.id, d.mark, d.user, d.group)
			case m.begun > d.accepted && first[m.id] < last[d.mark]:
				r.server.violated("%s was accepted after %s of %s%s, which was executed again when it had arrived", m.id, d.mark, d.user, d.group)
			}
		}
	}
}
