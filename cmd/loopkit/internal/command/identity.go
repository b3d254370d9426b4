package command

import "github.com/loopkitai/loopkit-go"

const aboutIdentity = `Say who it is: --user for a known user, --anonymous-id for somebody before
signup, both where both are known. With --user alone the message carries an
anonymous ID that is derived from the user ID: the same in every run, and no
other user's. A new one for each run would be a new person each time, so none
is made up.`

// somebody is whose message it is.
func somebody(user, anonymousID string) (loopkit.CallOption, error) {
	if user == "" && anonymousID == "" {
		return nil, usageError("whose message is it? Pass --user USER, --anonymous-id ID, or both")
	}
	return loopkit.As(loopkit.Identity{UserID: user, AnonymousID: anonymousID}), nil
}
