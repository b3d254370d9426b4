package loopkit

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Addresses of LoopKit's API, for Options.BaseURL.
const (
	DefaultURL = "https://api.loopkit.ai/v1"   // LoopKit's documentation; the default
	DrainURL   = "https://drain.loopkit.ai/v1" // the host in the code of LoopKit's JavaScript and Unity SDKs, which send envelopes
)

// Options configure a [Client]. The zero value of every field means its
// default. A negative number is an error, except where the field says that it
// means none. [New] checks all of them at once.
type Options struct {
	// BaseURL is the address that the endpoints are under. Default: the
	// environment variable LOOPKIT_BASE_URL, else [DefaultURL].
	BaseURL string
	// Dialect chooses between the request bodies that LoopKit's sources attest.
	// Default: [DialectAuto].
	Dialect Dialect
	// Compression of request bodies. Default: [NoCompression], because no
	// source says that LoopKit accepts another.
	Compression Compression

	// BatchSize is the largest number of messages in one request: 1 to 10,000,
	// default 1,000. No batch is larger than an eighth of QueueSize.
	BatchSize int
	// BatchBytes is the largest size of a request's body before compression:
	// 1 KiB to 64 MiB, default 500 KiB. At most QueueBytes/8, by default too.
	BatchBytes int
	// FlushInterval is the longest time that a message waits for others to
	// share its request: 1 ms to 1 h, default 5 s. Negative: none, only
	// BatchSize, BatchBytes, Flush and Close send.
	FlushInterval time.Duration

	// QueueSize and QueueBytes bound the messages that are waiting and in
	// flight together: 1 to 10,000,000 messages, default 100,000; 64 KiB to
	// 1 GiB of memory, default 32 MiB. The last tenth of both is kept for
	// identifies, groups and deletions. What is in a Spool alone does not count;
	// reading it back may take one batch beyond QueueBytes.
	QueueSize  int
	QueueBytes int
	// Overflow says what a call does when the queue is full. Default:
	// [RejectNewest].
	Overflow Overflow
	// MaxMessageBytes is the largest JSON of one message: 256 B to 16 MiB,
	// default 32 KiB. At most BatchBytes, by default too. Larger ones are refused with
	// [ErrTooLarge].
	MaxMessageBytes int

	// MaxInFlight is the number of track requests under way at once: 1 to 64,
	// default 4. Identifies, groups and deletions go one at a time.
	MaxInFlight int
	// RequestTimeout bounds one HTTP attempt, from dialling to the end of the
	// answer: 1 ms to 10 min, default 10 s.
	RequestTimeout time.Duration
	// MaxAge is how long a message is retried: 1 s to 720 h, default 1 h, or
	// 72 h with a Spool. Negative: for ever. Deletions never expire.
	MaxAge time.Duration
	// RetryMin and RetryMax bound the backoff between attempts, before a
	// jitter of half of it either way: 1 ms to 1 h, default 1 s and 30 s.
	RetryMin time.Duration
	RetryMax time.Duration
	// CloseTimeout bounds Close when its context has no deadline: 1 ms to 1 h,
	// default 10 s.
	CloseTimeout time.Duration

	// DeletionQuarantine is how long a deletion waits after a request that
	// LoopKit may still be executing (no answer, 408, 5xx): 1 ms to 24 h,
	// default 60 s. Negative: none.
	DeletionQuarantine time.Duration
	// DeletionEndpoint gives method and path, relative to BaseURL and already
	// escaped, of a deletion; kind is [KindDeleteUser] or [KindDeleteGroup].
	// Default: DELETE /users/{id} and /groups/{id}. No public source documents
	// LoopKit's. It is called on the caller's goroutine.
	DeletionEndpoint func(kind Kind, id string) (method, path string)

	// Context holds properties for the system.context of every message, such
	// as the application's name and version. It is encoded once, by New, to at
	// most half of MaxMessageBytes.
	Context Properties
	// IdentityStore keeps the client's own anonymous ID between runs; see
	// [FileIdentity]. Default: in memory only.
	IdentityStore IdentityStore
	// Spool keeps messages where they survive the process until LoopKit has
	// taken them; see the package github.com/loopkitai/loopkit-go/spool. It must
	// not be that of another client. What a deletion holds is in memory, too. The
	// client closes it, unless New returns an error. A spool that fails costs
	// durability alone: it is reported to OnError, and messages are kept in
	// memory. Requests still carry what was accepted within FlushInterval.
	// Default: none, in memory only.
	Spool Spool
	// SpoolInterval is the longest time that an accepted message is in memory
	// alone, without Flush: 1 ms to 1 min, default 100 ms. Only with a Spool.
	SpoolInterval time.Duration
	// Consent says how much the person of a call has agreed to, from what ctx
	// carries or from the message, which it must neither change nor keep: its
	// Values are the caller's own. Context is left out of it. It is called by Identify, Group and Track on the caller's
	// goroutine, so it must be quick and safe for concurrent use; a panic means
	// [Denied]. What [WithConsent] put into ctx can only lower its answer.
	// Deletions need no consent. Default: [Full].
	Consent func(ctx context.Context, m *Message) Consent
	// PII says what becomes of personal data. Default: it is sent, with a
	// warning; secrets are left out. New checks Context by it, too.
	PII PIIPolicy
	// BeforeSend may change each message of Identify, Group and Track, or return
	// nil to withhold it; the call then returns nil. It comes after Consent and
	// PII, and what it returns is validated again, but PII is not applied again.
	// It gets a deep copy, in which every object is a map[string]any, and structs,
	// json.RawMessage and the like are what their JSON says. It may change all
	// but Kind; an empty MessageID or Timestamp keeps the one that was. Who is
	// deleted is told by the user ID that is sent. It runs on the caller's
	// goroutine, so it must be quick and safe for concurrent use; a panic
	// withholds the message. Default: none.
	BeforeSend func(ctx context.Context, m *Message) *Message
	// HTTPClient sends the requests. The client copies it and never follows
	// redirects, which would carry the key elsewhere. Its Transport should not
	// retry by itself: a deletion could not know then which requests went
	// unanswered. Default: one with its own transport that honours the proxy
	// variables of the environment.
	HTTPClient *http.Client
	// Hooks are told of losses. Default: none.
	Hooks Hooks
	// OnError is told, once each, of conditions that a person must fix: an
	// endpoint that is halted (a refused key, a wrong address), an identity
	// store that fails, user code that panics. See [Hooks] for the context
	// and for where it runs. Default: none.
	OnError func(ctx context.Context, err error)
	// Logger receives warnings and errors, at most one line a cause and
	// minute; never the API key, IDs, or names and values of traits and
	// properties.
	// Default: slog.Default() at the time of the line.
	Logger *slog.Logger
}

// Dialect chooses between the request bodies that LoopKit's sources attest.
type Dialect uint8

const (
	// DialectAuto sends one identify or group as the documentation shows it,
	// and several, or events, in the envelope of LoopKit's own SDKs. An endpoint
	// that keeps refusing envelopes gets single objects from then on.
	DialectAuto Dialect = iota
	// DialectObjects always sends one message a request, as documented for
	// identifies and groups.
	DialectObjects
	// DialectEnvelopes always sends the envelope of LoopKit's own SDKs.
	DialectEnvelopes
)

// Overflow says what a call does when the queue is full.
type Overflow uint8

const (
	// RejectNewest returns [ErrQueueFull] at once.
	RejectNewest Overflow = iota
	// DropOldest evicts the oldest batch of events that is not in flight, and
	// returns ErrQueueFull if there is none.
	DropOldest
	// Block waits for space until the call's context ends.
	Block
)

// Compression of request bodies.
type Compression uint8

const (
	// NoCompression sends plain JSON.
	NoCompression Compression = iota
	// Gzip compresses bodies, at about 1 MiB of memory and the compressed body
	// for each request in flight, beyond QueueBytes. A server that answers 415 gets plain JSON for good.
	Gzip
)

// number is one row of the table of numeric options.
type number[T int | time.Duration] struct {
	name           string
	value          *T
	preset         T
	least, most    T
	noneIfNegative bool
}

// These are the numbers of the table that other options may move.
const (
	defaultBatchBytes   = 500 << 10
	leastBatchBytes     = 1 << 10
	defaultMessageBytes = 32 << 10
	leastMessageBytes   = 256
	mostMessageBytes    = 16 << 20
	defaultRetryMin     = time.Second
	defaultRetryMax     = 30 * time.Second
	leastRetry          = time.Millisecond
	mostRetry           = time.Hour
)

func (o *Options) integers() []number[int] {
	return []number[int]{
		{"BatchSize", &o.BatchSize, 1000, 1, 10_000, false},
		{"BatchBytes", &o.BatchBytes, defaultBatchBytes, leastBatchBytes, 64 << 20, false},
		{"QueueSize", &o.QueueSize, 100_000, 1, 10_000_000, false},
		{"QueueBytes", &o.QueueBytes, 32 << 20, 64 << 10, 1 << 30, false},
		{"MaxMessageBytes", &o.MaxMessageBytes, defaultMessageBytes, leastMessageBytes, mostMessageBytes, false},
		{"MaxInFlight", &o.MaxInFlight, 4, 1, 64, false},
	}
}

func (o *Options) durations() []number[time.Duration] {
	const ms, s, m, h = time.Millisecond, time.Second, time.Minute, time.Hour
	maxAge := h
	if o.Spool != nil {
		maxAge = 72 * h
	}
	return []number[time.Duration]{
		{"FlushInterval", &o.FlushInterval, 5 * s, ms, h, true},
		{"RequestTimeout", &o.RequestTimeout, 10 * s, ms, 10 * m, false},
		{"MaxAge", &o.MaxAge, maxAge, s, 720 * h, true},
		{"RetryMin", &o.RetryMin, defaultRetryMin, leastRetry, mostRetry, false},
		{"RetryMax", &o.RetryMax, defaultRetryMax, leastRetry, mostRetry, false},
		{"CloseTimeout", &o.CloseTimeout, 10 * s, ms, h, false},
		{"SpoolInterval", &o.SpoolInterval, 100 * ms, ms, m, false},
		{"DeletionQuarantine", &o.DeletionQuarantine, 60 * s, ms, 24 * h, true},
	}
}

func (n number[T]) resolve() error {
	if *n.value == 0 {
		*n.value = n.preset
		return nil
	}
	if *n.value < 0 && n.noneIfNegative {
		*n.value = -1
		return nil
	}
	if *n.value < n.least || *n.value > n.most {
		none := ""
		if n.noneIfNegative {
			none = ", or negative for none"
		}
		return wrongOption(n.name, "is %v; it must be %v to %v%s", *n.value, n.least, n.most, none)
	}
	return nil
}

func wrongOption(name, format string, args ...any) error {
	return &ArgumentError{Call: "New", Field: name, Reason: fmt.Sprintf(format, args...)}
}

// Format prints o without its Context and callbacks, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) {
	fmt.Fprint(f, "loopkit.Options{"+o.summary()+"}")
}

// LogValue implements [slog.LogValuer], as Format does.
func (o Options) LogValue() slog.Value {
	return slog.StringValue("loopkit.Options{" + o.summary() + "}")
}

func (o *Options) summary() string {
	var b strings.Builder
	if u, err := url.Parse(o.BaseURL); err == nil && o.BaseURL != "" {
		b.WriteString("BaseURL:" + strconv.Quote(u.Scheme+"://"+u.Host+u.Path))
	}
	for _, n := range o.integers() {
		fmt.Fprintf(&b, " %s:%d", n.name, *n.value)
	}
	for _, n := range o.durations() {
		fmt.Fprintf(&b, " %s:%v", n.name, *n.value)
	}
	return b.String()
}
