package rules

// Checker looks at a stream of messages. Its memory is bounded. It is not safe
// for concurrent use.
type Checker struct {
	rules []*Rule
}

// NewChecker returns a Checker that has seen nothing.
func NewChecker() *Checker { return &Checker{} }

// Observe returns what the message gives rise to, after those before it.
func (c *Checker) Observe(in Input) []Finding { return nil }

// Conclude returns what holds of all messages so far and may cease to hold with
// the next, such as a group with a single member.
func (c *Checker) Conclude() []Finding { return nil }

// All returns every rule in the order of their IDs.
func All() []*Rule { return nil }
