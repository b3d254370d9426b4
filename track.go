package loopkit

import "context"

// Track records that the person of ctx did something. LoopKit's convention for
// event names is snake_case: "user_signup".
//
// event is 1 to 256 bytes of UTF-8 without surrounding spaces. Track needs an
// anonymous ID or a user ID from ctx or [As], else it returns [ErrNoIdentity];
// with a user ID alone, the message carries an anonymous ID derived from it,
// since LoopKit requires one. Track returns before anything is sent, and its
// error may be ignored, as for [Client.Identify]. It is safe for concurrent use.
func (c *Client) Track(ctx context.Context, event string, properties Properties, opts ...CallOption) error {
	if c.disabled() {
		return nil
	}
	var d draft
	d.track(event, properties, opts)
	return c.send(ctx, &d)
}

func (d *draft) track(event string, properties Properties, opts []CallOption) {
	d.call, d.kind = "Track", KindTrack
	d.message.Name, d.message.Values = event, properties
	if len(opts) > 0 {
		d.options = collect(opts)
	}
}
