package loopkit

import "time"

// A CallOption changes one call of Identify, Group or Track.
type CallOption interface {
	GroupOption
	isCallOption()
}

// A GroupOption changes one call of Group. Every [CallOption] is one too.
type GroupOption interface{ apply(*callOptions) }

type callOptions struct {
	time      time.Time
	timeGiven bool
	identity  *Identity
	messageID string
	idGiven   bool
	groupType string
	typeGiven bool
}

type (
	callOption  func(*callOptions)
	groupOption func(*callOptions)
)

func (f callOption) apply(o *callOptions)  { f(o) }
func (callOption) isCallOption()           {}
func (f groupOption) apply(o *callOptions) { f(o) }

// At sets the message's time instead of the time of the call, for imports. It
// must be in the years 1970 to 9999.
func At(t time.Time) CallOption {
	return callOption(func(o *callOptions) { o.time, o.timeGiven = t, true })
}

// As sets whose message it is, in place of the whole identity of the context
// or Session.
func As(id Identity) CallOption {
	return callOption(func(o *callOptions) { o.identity = &id })
}

// WithMessageID sets the message's ID instead of a new one, so that a
// repeated import repeats IDs. It follows the rules of user IDs.
func WithMessageID(id string) CallOption {
	return callOption(func(o *callOptions) { o.messageID, o.idGiven = id, true })
}

// GroupType sets the group's type. Default: "organization", as in LoopKit's
// own SDKs.
func GroupType(name string) GroupOption {
	return groupOption(func(o *callOptions) { o.groupType, o.typeGiven = name, true })
}

// collect is apart from its caller so that a call without options does not
// move its options to the heap.
func collect[T GroupOption](opts []T) callOptions {
	var o callOptions
	for _, opt := range opts {
		if any(opt) != nil {
			opt.apply(&o)
		}
	}
	return o
}
