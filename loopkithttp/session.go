package loopkithttp

import (
	"strconv"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go"
)

const (
	sessionTimeout = 30 * time.Minute // sessionTimeout of LoopKit's own SDKs
	sessionRefresh = time.Minute      // how old a cookie gets before it is set anew
	sessionPrefix  = "sess_"
)

// session is what the cookie of the session says: "sess_UUID.seconds", the
// latter the Unix time of its last refresh in base 36.
type session struct {
	id        string
	refreshed time.Time
}

func newSession(now time.Time) session {
	_, uuid, _ := strings.Cut(loopkit.NewAnonymousID(), "_")
	return session{id: sessionPrefix + uuid, refreshed: now}
}

// parseSession reads a cookie, and returns false for a session that has ended.
func parseSession(value string, now time.Time) (session, bool) {
	id, seconds, _ := strings.Cut(value, ".")
	uuid, prefixed := strings.CutPrefix(id, sessionPrefix)
	unix, err := strconv.ParseInt(seconds, 36, 64)
	if !prefixed || !isUUID(uuid) || err != nil {
		return session{}, false
	}
	s := session{id: id, refreshed: time.Unix(unix, 0)}
	age := now.Sub(s.refreshed)
	return s, -sessionRefresh <= age && age < sessionTimeout // the clocks of two servers may differ a little
}

func (s session) stale(now time.Time) bool { return now.Sub(s.refreshed) > sessionRefresh }

func (s session) String() string {
	return s.id + "." + strconv.FormatInt(s.refreshed.Unix(), 36)
}
