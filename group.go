package loopkit

import "context"

// defaultGroupType is what LoopKit's own SDKs send when told nothing else.
const defaultGroupType = "organization"

// Group associates the person of ctx with a group, such as a team or an
// organization, and sets traits of that group. LoopKit's documentation asks for
// it after Identify; the client keeps that order on the wire.
//
// groupID follows the rules of user IDs (see [Client.Identify]) and should mean
// something: "acme-corp-team-123". Group needs an anonymous ID or a user ID
// from ctx or [As], else it returns [ErrNoIdentity]. Its other errors are those
// of Identify. It is safe for concurrent use.
func (c *Client) Group(ctx context.Context, groupID string, traits Traits, opts ...GroupOption) error {
	if c.disabled() {
		return nil
	}
	var d draft
	d.group(groupID, traits, opts)
	return c.send(ctx, &d)
}

func (d *draft) group(groupID string, traits Traits, opts []GroupOption) {
	d.call, d.kind = "Group", KindGroup
	d.message.GroupID, d.message.GroupType, d.message.Values = groupID, defaultGroupType, traits
	if len(opts) > 0 {
		d.options = collect(opts)
	}
	if d.options.typeGiven {
		d.message.GroupType = d.options.groupType
	}
}
