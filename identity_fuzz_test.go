package loopkit_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// FuzzAnIdentityArrivesAsItIsOrIsRefused holds every identity to this: what a
// call accepts, the server reads without a change and merges with nobody else;
// what it refuses reaches nobody, and no error quotes it.
func FuzzAnIdentityArrivesAsItIsOrIsRefused(f *testing.F) {
	for _, id := range []string{"", "user_1", "null", " user", "user\n", "\xff\xfe", "a\x00b", `"},{"userId":"x`, "ü \u2028 😀", strings.Repeat("x", 257), "a/../b?c#d%2F"} {
		f.Add(id, "anon_1", "team_1", "session_1", "message_1")
		f.Add("user_1", id, id, id, id)
		f.Add(id, id, id, "", "")
	}
	f.Fuzz(func(t *testing.T, user, anonymous, group, session, message string) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s)
		ctx := loopkit.WithIdentity(t.Context(), loopkit.Identity{UserID: user, AnonymousID: anonymous, SessionID: session})

		accepted := 0
		for _, err := range []error{
			c.Identify(ctx, user, nil),
			c.Group(ctx, group, nil),
			c.Track(ctx, "e", nil),
			c.Track(ctx, "e", nil, loopkit.WithMessageID(message)),
		} {
			if err == nil {
				accepted++
				continue
			}
			var wrong *loopkit.ArgumentError
			require.True(t, errors.As(err, &wrong) || errors.Is(err, loopkit.ErrNoIdentity), "%v", err)
			for _, id := range []string{user, anonymous, group, session, message} {
				if len(id) > 20 {
					assert.NotContains(t, err.Error(), id)
				}
			}
		}
		require.NoError(t, c.Close(t.Context()))
		messages := s.Messages()
		require.Len(t, messages, accepted)
		for _, m := range messages {
			assert.Equal(t, user, m.UserID)
			assert.Equal(t, session, m.SessionID)
			assert.True(t, utf8.ValidString(m.AnonymousID) && m.AnonymousID != "")
			if anonymous != "" {
				assert.Equal(t, anonymous, m.AnonymousID)
			}
			if m.Kind == loopkittest.KindGroup {
				assert.Equal(t, group, m.GroupID)
			}
		}
		if accepted > 0 {
			assert.Len(t, s.People(), 1)
		}
	})
}

// FuzzASessionNeverLinksTwoUsers lets any sequence of logins, logouts and events
// happen in one session. An anonymous ID that named two users would merge them.
func FuzzASessionNeverLinksTwoUsers(f *testing.F) {
	f.Add([]byte("0e1e0er0e"))
	f.Add([]byte("ege0g1g2"))
	f.Add([]byte("0O1I2r"))
	f.Fuzz(func(t *testing.T, story []byte) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s)
		session := c.Session()
		current, denied := "", false
		var want []string // the user of each event
		for _, what := range story[:min(len(story), 200)] {
			switch what {
			case '0', '1', '2':
				require.NoError(t, session.Identify(t.Context(), "user_"+string(what), nil))
				if !denied {
					current = "user_" + string(what)
				}
			case 'g':
				require.NoError(t, session.Group(t.Context(), "team_1", nil))
			case 'r':
				session.Reset()
				current = ""
			case 'O':
				session.OptOut()
				denied = true
			case 'I':
				session.OptIn()
				denied = false
			default:
				require.NoError(t, session.Track(t.Context(), "e", nil))
				if !denied {
					want = append(want, current)
				}
			}
			assert.Equal(t, current, session.Identity().UserID)
			require.NoError(t, c.Flush(t.Context())) // an opt-out drops what is unsent
		}
		require.NoError(t, c.Close(t.Context()))

		users := map[string]string{}
		var got []string
		for _, m := range s.Messages() {
			if m.Kind == loopkittest.KindTrack {
				got = append(got, m.UserID)
			}
			if m.UserID == "" {
				continue
			}
			if other, seen := users[m.AnonymousID]; seen {
				assert.Equal(t, other, m.UserID, "one anonymous ID for two users")
			}
			users[m.AnonymousID] = m.UserID
		}
		assert.Equal(t, want, got)
	})
}

// FuzzAnIdentityFileIsTakenOrLeftAlone reads files that anything may have
// written: an ID is taken as it is, a file that holds none is not overwritten.
func FuzzAnIdentityFileIsTakenOrLeftAlone(f *testing.F) {
	f.Add([]byte("anon_6f49213a-7c1e-4c51-bdc7-91c2353e56f1\n"))
	f.Add([]byte(`{"anonymousId":"anon_1","linkedTo":"user"}`))
	f.Add([]byte(""))
	f.Add([]byte("\x00\xff"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "identity")
		require.NoError(t, os.WriteFile(path, content, 0o600))
		kept, err := loopkit.FileIdentity(path).LoadOrSave(loopkit.StoredIdentity{AnonymousID: "anon_fresh"})
		if err == nil {
			assert.NotEmpty(t, kept.AnonymousID)
			assert.True(t, utf8.ValidString(kept.AnonymousID))
			assert.Contains(t, string(content), kept.AnonymousID)
		}
		after, readErr := os.ReadFile(path)
		require.NoError(t, readErr)
		assert.Equal(t, content, after)
	})
}
