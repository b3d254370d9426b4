package loopkit

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Hooks are told what happened to messages. The client calls them, and
// Options.OnError and the Logger, one at a time on a goroutine of its own, so a
// slow one delays only the next. A panic in them is recovered and counted in
// Stats.Panics. What they are too slow to be told of is counted in
// Stats.NoticesLost.
//
// The context they get is never cancelled. It marks them: with it, Flush and
// Close do not wait, and a call under [Block] does not block.
type Hooks struct {
	// Dropped is called for messages that had been accepted and are lost.
	Dropped func(ctx context.Context, drop Drop)
}

// Drop is a loss of one or more messages of one kind, for one reason.
type Drop struct {
	Kind   Kind
	Reason Reason
	Err    error // the cause, such as the *APIError of a refusal
	// Messages is the JSON of each, so that a program can keep what was lost;
	// traits are under "properties", as in LoopKit's envelopes. A deletion is an
	// object with its "userId" or "groupId". Valid only during the call.
	Messages [][]byte
}

// A cause is what a line of the log is about: each has one line a minute.
type cause string

const (
	causeDrop          cause = "drop"
	causeHalt          cause = "halt"
	causeOutage        cause = "outage"
	causeIdentityStore cause = "identity_store"
	causeOtherUser     cause = "other_user"
	causePanic         cause = "panic"
	causeQueueFull     cause = "queue_full"
	causeRefused       cause = "refused"
	causeDialect       cause = "dialect"
	causeEncoding      cause = "encoding"
	causePlainHTTP     cause = "plain_http"
	causeForeign       cause = "foreign_answer"
	causeSpool         cause = "spool"
	causeSpoolFull     cause = "spool_full"
	causeSpoolDamaged  cause = "spool_damaged"
)

// logInterval is the time within which a cause has one line.
const logInterval = time.Minute

// reporter runs user code on one goroutine that exists while there is something
// to tell.
type reporter struct {
	logger  *slog.Logger
	now     func() time.Time
	onError func(context.Context, error)
	ctx     context.Context // marks callbacks
	panics  atomic.Int64    // user code that panicked, here or on a caller's goroutine
	lost    atomic.Int64    // notices that were not taken

	mu      sync.Mutex
	notices []notice
	counted int // of notices that are bounded
	running bool
	idle    chan struct{} // closed when running ends; nil if nobody waits
	tallies map[cause]*tally
}

// notice is one call of user code.
type notice struct {
	call    func()
	counted bool
	lent    *block // what a hook will look at; nil for other calls
}

// maxNotices bounds the list, but for the notices of drops, which the queue
// bounds by what they hold.
const maxNotices = 1024

type callbackKey struct{}

func newReporter(s *settings, owner any) *reporter {
	return &reporter{
		logger:  s.Logger,
		now:     s.now,
		onError: s.OnError,
		ctx:     context.WithValue(context.Background(), callbackKey{}, owner),
		tallies: map[cause]*tally{},
	}
}

// tell makes a call after those before it. If user code is too far behind, it
// counts it as lost; must overrides that.
func (r *reporter) tell(call func(), must bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !must {
		if r.counted >= maxNotices {
			r.lost.Add(1)
			return
		}
		r.counted++
	}
	r.add(notice{call: call, counted: !must})
}

// lend makes a call that looks at a block.
func (r *reporter) lend(b *block, call func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(notice{call: call, lent: b})
}

func (r *reporter) add(n notice) {
	r.notices = append(r.notices, n)
	if !r.running {
		r.running = true
		go r.run()
	}
}

// takeBack counts the newest notice that holds memory as lost, and returns what
// it was lent; nil if there is none.
func (r *reporter) takeBack() *block {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.notices) - 1; i >= 0; i-- {
		if lent := r.notices[i].lent; lent != nil {
			r.notices = slices.Delete(r.notices, i, i+1)
			r.lost.Add(1)
			return lent
		}
	}
	return nil
}

func (r *reporter) run() {
	finished := false
	defer func() {
		if !finished { // runtime.Goexit in user code ended this goroutine
			r.panicked("a hook, error handler or logger")
			go r.run()
		}
	}()
	for {
		call := r.next()
		if call == nil {
			finished = true
			return
		}
		r.call(call)
	}
}

func (r *reporter) next() func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.notices) == 0 {
		r.running = false
		if r.idle != nil {
			close(r.idle)
			r.idle = nil
		}
		return nil
	}
	next := r.notices[0]
	r.notices[0] = notice{}
	r.notices = r.notices[1:]
	if next.counted {
		r.counted--
	}
	return next.call
}

func (r *reporter) call(user func()) {
	defer func() {
		if recover() != nil {
			r.panicked("a hook, error handler or logger")
		}
	}()
	user()
}

// done returns a channel that is closed once user code has been told everything.
func (r *reporter) done() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.running {
		idle := make(chan struct{})
		close(idle)
		return idle
	}
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	return r.idle
}

// called reports whether ctx comes from one of this reporter's callbacks.
func (r *reporter) called(ctx context.Context) bool {
	owner := ctx.Value(callbackKey{})
	return owner != nil && owner == r.ctx.Value(callbackKey{})
}

// failed reports something that a person must fix: to OnError and to the log.
// The error's methods may be the program's, so only notices call them.
func (r *reporter) failed(c cause, text string, err error, attrs ...slog.Attr) {
	if r.onError != nil {
		r.tell(func() { r.onError(r.ctx, err) }, false)
	}
	r.log(slog.LevelError, c, 1, text, err, attrs...)
}

// panicked counts user code that panicked or ended its goroutine. The panic's
// value stays out of it: it may quote what was being sent. OnError hears of the
// first only, for it may be what panics.
func (r *reporter) panicked(what string) {
	err := fmt.Errorf("loopkit: %s panicked or called runtime.Goexit; it was stopped and the client goes on", what)
	if r.panics.Add(1) == 1 {
		r.failed(causePanic, "loopkit: user code panicked", err)
	} else {
		r.log(slog.LevelError, causePanic, 1, "loopkit: user code panicked", err)
	}
}

func (r *reporter) warn(c cause, text string, attrs ...slog.Attr) {
	r.log(slog.LevelWarn, c, 1, text, nil, attrs...)
}

// tally is what a cause has had no line for yet.
type tally struct {
	last  time.Time // when it had one
	level slog.Level
	n     int
	text  string
	why   error
	attrs []slog.Attr
}

// log writes at most one line a cause and minute. The next line, or the last
// one at Close, counts what had none. n is how many messages or calls it is
// about.
func (r *reporter) log(level slog.Level, c cause, n int, text string, why error, attrs ...slog.Attr) {
	r.mu.Lock()
	now := r.now()
	t := r.tallies[c]
	if t == nil {
		t = &tally{}
		r.tallies[c] = t
	}
	t.n += n
	if !t.last.IsZero() && now.Sub(t.last) < logInterval {
		if t.why == nil { // the first of them stands for all
			t.level, t.text, t.why, t.attrs = level, text, why, append(t.attrs[:0], attrs...)
		}
		r.mu.Unlock()
		return
	}
	total := t.n
	*t = tally{last: now}
	r.mu.Unlock()
	r.write(level, c, total, text, why, attrs, false)
}

// logRest writes the lines that were left out.
func (r *reporter) logRest() {
	r.mu.Lock()
	left := r.tallies
	r.tallies = map[cause]*tally{}
	r.mu.Unlock()
	for _, c := range slices.Sorted(maps.Keys(left)) {
		if t := left[c]; t.n > 0 {
			r.write(t.level, c, t.n, t.text, t.why, t.attrs, true)
		}
	}
}

func (r *reporter) write(level slog.Level, c cause, n int, text string, why error, attrs []slog.Attr, must bool) {
	line := make([]slog.Attr, 0, len(attrs)+3)
	line = append(line, attrs...)
	if n > 1 {
		line = append(line, slog.Int("count", n))
	}
	if why != nil {
		line = append(line, slog.Any("error", why))
	}
	line = append(line, slog.String("cause", string(c)))
	r.tell(func() {
		logger := r.logger
		if logger == nil {
			logger = slog.Default()
		}
		logger.LogAttrs(r.ctx, level, text, line...)
	}, must)
}
