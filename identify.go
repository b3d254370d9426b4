package loopkit

import "context"

// Identify links the anonymous ID of ctx to the user userID and sets traits of
// that user: at signup, at login, and whenever a trait changes. LoopKit merges
// what the anonymous ID did before into the user, and traits into those it has.
//
// Without an anonymous ID in ctx the message carries one derived from userID,
// which links nothing. If ctx names another user, its anonymous ID is left out:
// it would merge the two. Identify does not change ctx; use [WithUser] for the
// calls that follow, or a [Session], which does so itself.
//
// userID is 1 to 256 bytes of UTF-8 without surrounding spaces, and not a
// placeholder such as "undefined". Identify returns before anything is sent,
// and its error may be ignored: an [ArgumentError], [ErrTooLarge],
// [ErrQueueFull] or [ErrClosed] is counted in Stats too. It is safe for
// concurrent use.
func (c *Client) Identify(ctx context.Context, userID string, traits Traits, opts ...CallOption) error {
	if c.disabled() {
		return nil
	}
	var d draft
	d.identify(userID, traits, opts)
	return c.send(ctx, &d)
}

func (d *draft) identify(userID string, traits Traits, opts []CallOption) {
	d.call, d.kind = "Identify", KindIdentify
	d.message.UserID, d.message.Values = userID, traits
	if len(opts) > 0 {
		d.options = collect(opts)
	}
}
