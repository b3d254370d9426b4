package loopkit

import (
	"context"
	"log/slog"
	"net/url"
	"strings"

	"github.com/loopkitai/loopkit-go/internal/wire"
)

// A Deletion is a deletion that was accepted. It is safe for concurrent use.
type Deletion struct {
	queue *queue // nil if it was never accepted
	done  chan struct{}
	err   error // set before done is closed
}

// Done returns a channel that is closed when the deletion has ended.
func (d *Deletion) Done() <-chan struct{} {
	if d == nil {
		return endedDeletion(errNoDeletion).done
	}
	return d.done
}

// Wait returns nil once LoopKit has confirmed the deletion with a success
// status, and for no other reason. It returns an error that wraps
// [ErrDeletionUnsupported] if the server has no such endpoint, an [APIError] if
// it refused, [ErrClosed] if Close came first (its text says whether the deletion
// goes on, from Options.Spool), [ErrDisabled] if the client is
// nil, and the context's error, with the newest failure, if ctx ended first; the
// deletion goes on then.
func (d *Deletion) Wait(ctx context.Context) error {
	if d == nil {
		return errNoDeletion
	}
	select {
	case <-d.done:
		return d.err
	default:
	}
	select {
	case <-d.done:
		return d.err
	case <-orBackground(ctx).Done():
		return d.queue.whyDeleting(ctx.Err())
	}
}

func newDeletion(q *queue) *Deletion { return &Deletion{queue: q, done: make(chan struct{})} }

func endedDeletion(err error) *Deletion {
	d := newDeletion(nil)
	d.end(err)
	return d
}

func (d *Deletion) end(err error) {
	d.err = err
	close(d.done)
}

// DeleteUser asks LoopKit to delete the data of a user. Messages about the user
// that have not been sent are dropped (reason "deleted"), those under way are
// waited for, and later ones follow the deletion. After a request that went
// unanswered the deletion waits Options.DeletionQuarantine, because LoopKit may
// still be executing it. It is retried without limit, until Close; with
// Options.Spool the next client goes on with it.
//
// The messages are those with this user ID, or with the anonymous ID derived
// from it. Other programs can send messages that re-create the user; no client
// can prevent that.
//
// It returns an [ArgumentError], [ErrQueueFull] or [ErrClosed] if the deletion
// was not accepted; whether it succeeded is told by [Deletion.Wait]. It is safe
// for concurrent use.
func (c *Client) DeleteUser(ctx context.Context, userID string) (*Deletion, error) {
	if c.disabled() {
		return endedDeletion(ErrDisabled), nil
	}
	return c.delete("DeleteUser", "userId", KindDeleteUser, userID)
}

// DeleteGroup asks LoopKit to delete the data of a group. It works as
// [Client.DeleteUser] does, for the calls of Group with this group ID.
func (c *Client) DeleteGroup(ctx context.Context, groupID string) (*Deletion, error) {
	if c.disabled() {
		return endedDeletion(ErrDisabled), nil
	}
	return c.delete("DeleteGroup", "groupId", KindDeleteGroup, groupID)
}

// deletionTarget says whose messages a deletion is about.
func (q *queue) deletionTarget(kind Kind, id string) keys {
	if kind == KindDeleteGroup {
		return keys{group: q.hash(id)}
	}
	return keys{user: q.hash(id), anonymous: q.hash(derivedAnonymousID(id))}
}

func (c *Client) delete(call, field string, kind Kind, id string) (*Deletion, error) {
	e := &erasure{kind: kind, target: c.queue.deletionTarget(kind, id), deletion: newDeletion(c.queue)}
	err := (&draft{call: call}).checkID(field, id)
	if err == nil {
		err = c.locate(e, call, field, id)
	}
	if err != nil {
		c.queue.refuse(call, err)
		return nil, err
	}
	message := append(append([]byte(`{"`), field...), `":`...)
	message = append(wire.AppendString(message, id), '}')
	if err := c.queue.acceptErasure(e, message); err != nil {
		c.queue.reporter.log(slog.LevelWarn, causeRefused, 1, "loopkit: a call was refused", err, slog.String("call", call))
		return nil, err
	}
	return e.deletion, nil
}

// locate asks for the deletion's method and path.
func (c *Client) locate(e *erasure, call, field, id string) error {
	endpoint, option := defaultDeletionEndpoint, field
	if c.settings.DeletionEndpoint != nil {
		endpoint, option = c.settings.DeletionEndpoint, "Options.DeletionEndpoint"
	} else if id == "." || id == ".." {
		// As a path segment these name the parent, escaped or not.
		return &ArgumentError{Call: call, Field: field, Reason: "cannot be put into a path; set Options.DeletionEndpoint"}
	}
	var path string
	err := c.guard(option, func() error {
		e.method, path = endpoint(e.kind, id)
		return nil
	})
	if err != nil {
		return err
	}
	e.url = c.settings.BaseURL + path
	if _, err := url.Parse(e.url); err != nil || !strings.HasPrefix(path, "/") || strings.Contains(path, "#") || !isMethod(e.method) {
		return &ArgumentError{Call: call, Field: option, Reason: "must give a method such as DELETE and an escaped path that begins with a slash"}
	}
	return nil
}

func defaultDeletionEndpoint(kind Kind, id string) (method, path string) {
	if kind == KindDeleteGroup {
		return "DELETE", "/groups/" + url.PathEscape(id)
	}
	return "DELETE", "/users/" + url.PathEscape(id)
}

func isMethod(method string) bool {
	for _, r := range method {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	return method != ""
}
