package loopkit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

var piiKey = []byte("a key of 16 bytes or more")

// piiModes are in the order of the columns below.
var piiModes = [...]loopkit.PIIMode{loopkit.PIIWarn, loopkit.PIIHash, loopkit.PIIDrop, loopkit.PIIRefuse}

// consentMatrix says for each level and call what becomes of an e-mail address
// under each mode: nothing of the message is sent, the address is sent as it is,
// its hash, neither of the two, or the call is refused.
var consentMatrix = []struct {
	level loopkit.Consent
	call  string
	modes [len(piiModes)]string
}{
	{loopkit.Denied, "identify", [...]string{"withheld", "withheld", "withheld", "withheld"}},
	{loopkit.Denied, "group", [...]string{"withheld", "withheld", "withheld", "withheld"}},
	{loopkit.Denied, "track", [...]string{"withheld", "withheld", "withheld", "withheld"}},
	{loopkit.AnonymousOnly, "identify", [...]string{"withheld", "withheld", "withheld", "withheld"}},
	{loopkit.AnonymousOnly, "group", [...]string{"withheld", "withheld", "withheld", "withheld"}},
	{loopkit.AnonymousOnly, "track", [...]string{"neither", "neither", "neither", "refused"}},
	{loopkit.Pseudonymous, "identify", [...]string{"hash", "hash", "neither", "refused"}},
	{loopkit.Pseudonymous, "group", [...]string{"hash", "hash", "neither", "refused"}},
	{loopkit.Pseudonymous, "track", [...]string{"hash", "hash", "neither", "refused"}},
	{loopkit.Full, "identify", [...]string{"plain", "hash", "neither", "refused"}},
	{loopkit.Full, "group", [...]string{"plain", "hash", "neither", "refused"}},
	{loopkit.Full, "track", [...]string{"plain", "hash", "neither", "refused"}},
}

func TestWhatIsSentUnderEachConsentAndPolicy(t *testing.T) {
	const address = "john@acme.com"
	ways := map[string]func(*loopkit.Options, context.Context, loopkit.Consent) context.Context{
		"asked of the program": func(o *loopkit.Options, ctx context.Context, level loopkit.Consent) context.Context {
			o.Consent = func(context.Context, *loopkit.Message) loopkit.Consent { return level }
			return ctx
		},
		"carried by the context": func(_ *loopkit.Options, ctx context.Context, level loopkit.Consent) context.Context {
			return loopkit.WithConsent(ctx, level)
		},
	}
	for way, give := range ways {
		for _, row := range consentMatrix {
			for i, mode := range piiModes {
				t.Run(fmt.Sprintf("%s/%v/%s/mode %d", way, row.level, row.call, mode), func(t *testing.T) {
					server := loopkittest.NewTransport(t)
					ctx := known("anon_456", "user_123")
					c := newClient(t, server, func(o *loopkit.Options) {
						o.PII = loopkit.PIIPolicy{Mode: mode, Key: piiKey}
						ctx = give(o, ctx, row.level)
					})
					err := callWithValues(c, ctx, row.call, map[string]any{"email": address, "plan": "pro"})
					require.NoError(t, c.Close(t.Context()))
					sent, stats := server.Messages(), requireBalanced(t, c)

					want := row.modes[i]
					assert.Equal(t, want == "withheld", stats.Withheld == 1)
					assert.Equal(t, want == "refused", stats.Refused == 1)
					assert.Equal(t, want == "hash" || want == "neither", stats.Redacted == 1)
					if want == "refused" {
						var wrong *loopkit.ArgumentError
						require.ErrorAs(t, err, &wrong)
						assert.Contains(t, wrong.Field, ".email")
						assert.NotContains(t, err.Error(), address)
					} else {
						require.NoError(t, err)
					}
					if want == "withheld" || want == "refused" {
						assert.Empty(t, sent)
						return
					}
					require.Len(t, sent, 1)
					values := map[string]map[string]any{
						"plain":   {"email": address, "plan": "pro"},
						"hash":    {"email_hash": loopkit.HashPII(piiKey, address), "plan": "pro"},
						"neither": {"plan": "pro"},
					}
					assert.Equal(t, values[want], sent[0].Values)
					assert.Equal(t, "anon_456", sent[0].AnonymousID)
					assert.Equal(t, row.level == loopkit.AnonymousOnly, sent[0].UserID == "")
				})
			}
		}
	}
}

// callWithValues makes one of the three calls about user_123.
func callWithValues(c *loopkit.Client, ctx context.Context, call string, values map[string]any) error {
	switch call {
	case "identify":
		return c.Identify(ctx, "user_123", values)
	case "group":
		return c.Group(ctx, "team_456", values)
	}
	return c.Track(ctx, "page_view", values)
}

func TestPseudonymousConsentWithoutAKeyDropsPersonalData(t *testing.T) {
	server := loopkittest.NewTransport(t)
	c := newClient(t, server)
	ctx := loopkit.WithConsent(known("anon_456", "user_123"), loopkit.Pseudonymous)
	require.NoError(t, c.Identify(ctx, "user_123", loopkit.Traits{"email": "john@acme.com", "plan": "pro"}))
	require.NoError(t, c.Close(t.Context()))
	person := loopkittest.RequireIdentified(t, server, "user_123", "anon_456")
	assert.Equal(t, map[string]any{"plan": "pro"}, person.Traits)
}

func TestTheContextCanOnlyLowerConsent(t *testing.T) {
	levels := []loopkit.Consent{loopkit.Denied, loopkit.AnonymousOnly, loopkit.Pseudonymous, loopkit.Full}
	for _, first := range levels {
		for _, second := range levels {
			ctx := loopkit.WithConsent(loopkit.WithConsent(t.Context(), first), second)
			assert.Equal(t, min(first, second), loopkit.ConsentFrom(ctx), "%v, then %v", first, second)
			ctx = loopkit.WithUser(loopkit.WithContextFields(ctx, loopkit.Properties{"page": "/"}), "user_123")
			assert.Equal(t, min(first, second), loopkit.ConsentFrom(ctx), "other values of a context leave it alone")
		}
	}
	assert.Equal(t, loopkit.Full, loopkit.ConsentFrom(t.Context()))
	assert.Equal(t, loopkit.Denied, loopkit.ConsentFrom(loopkit.WithConsent(t.Context(), 200)), "what is no level allows nothing")
}

func TestTheProgramsAnswerIsLoweredByTheContextAndNeverRaised(t *testing.T) {
	for _, asked := range []loopkit.Consent{loopkit.Denied, loopkit.AnonymousOnly, loopkit.Full, 200} {
		for _, carried := range []loopkit.Consent{loopkit.Denied, loopkit.AnonymousOnly, loopkit.Full} {
			server := loopkittest.NewTransport(t)
			c := newClient(t, server, func(o *loopkit.Options) {
				o.Consent = func(context.Context, *loopkit.Message) loopkit.Consent { return asked }
			})
			require.NoError(t, c.Track(loopkit.WithConsent(known("anon_456", "user_123"), carried), "page_view", nil))
			require.NoError(t, c.Close(t.Context()))
			lower := min(asked, carried)
			if asked == 200 {
				lower = loopkit.Denied
			}
			switch sent := server.Messages(); lower {
			case loopkit.Denied:
				assert.Empty(t, sent, "%v and %v", asked, carried)
			default:
				require.Len(t, sent, 1)
				assert.Equal(t, lower == loopkit.Full, sent[0].UserID != "", "%v and %v", asked, carried)
			}
		}
	}
}

func TestWhoDeniedNeedsNoIdentityAndHearsOfNoError(t *testing.T) {
	server := loopkittest.NewTransport(t)
	logger, log := newLog()
	c := newClient(t, server, func(o *loopkit.Options) { o.Logger = logger })
	ctx := loopkit.WithConsent(t.Context(), loopkit.Denied)
	require.NoError(t, c.Track(ctx, "page_view", nil))
	require.NoError(t, c.Group(ctx, "team_456", nil))
	require.Error(t, c.Track(ctx, "", nil), "a call that is wrong is wrong for everybody")
	require.NoError(t, c.Close(t.Context()))
	assert.EqualValues(t, 2, c.Stats().Withheld)
	assert.EqualValues(t, 1, c.Stats().Refused)
	assert.Len(t, log.lines(""), 1)
	assert.Empty(t, server.Requests())
}

func TestAnonymousOnlyNeedsAnAnonymousIDThatNobodyCanComputeFromTheUser(t *testing.T) {
	server := loopkittest.NewTransport(t)
	c := newClient(t, server)
	derived := c.NewSession(loopkit.Identity{UserID: "user_123"}).Identity().AnonymousID
	ctx := loopkit.WithConsent(t.Context(), loopkit.AnonymousOnly)
	for name, id := range map[string]loopkit.Identity{
		"nobody":                      {},
		"a user alone":                {UserID: "user_123"},
		"a user and the derived ID":   {UserID: "user_123", AnonymousID: derived},
		"the derived ID without user": {AnonymousID: derived},
		"the user ID as anonymous ID": {UserID: "user_123", AnonymousID: "user_123"},
	} {
		require.NoError(t, c.Track(ctx, "page_view", nil, loopkit.As(id)), name)
	}
	require.NoError(t, c.NewSession(loopkit.Identity{UserID: "user_123"}).Track(ctx, "page_view", nil))
	require.NoError(t, c.NewSession(loopkit.Identity{UserID: "user_123", AnonymousID: "anon_linked"}).Track(ctx, "page_view", nil))
	require.NoError(t, c.Track(ctx, "page_view", nil, loopkit.As(loopkit.Identity{UserID: "user_123", AnonymousID: "anon_456", SessionID: "sess_1"})))
	require.NoError(t, c.Close(t.Context()))
	assert.EqualValues(t, 7, c.Stats().Withheld)
	sent := server.Messages()
	require.Len(t, sent, 1)
	assert.Equal(t, "anon_456", sent[0].AnonymousID)
	assert.NotContains(t, string(sent[0].Raw), "user_123")
}

func TestAWithheldIdentifyDoesNotStickToTheSession(t *testing.T) {
	server := loopkittest.NewTransport(t)
	c := newClient(t, server)
	session := c.NewSession(loopkit.Identity{AnonymousID: "anon_456"})
	require.NoError(t, session.Identify(loopkit.WithConsent(t.Context(), loopkit.AnonymousOnly), "user_123", nil))
	assert.Equal(t, loopkit.Identity{AnonymousID: "anon_456"}, session.Identity())
	require.NoError(t, session.Track(t.Context(), "page_view", nil))
	require.NoError(t, c.Close(t.Context()))
	require.Len(t, server.Messages(), 1)
	assert.Empty(t, server.Messages()[0].UserID)
}

func TestAnIdentifiedSessionIsSentAgainUnderAnonymousOnlyAfterAReset(t *testing.T) {
	server := loopkittest.NewTransport(t)
	c := newClient(t, server)
	session := c.NewSession(loopkit.Identity{AnonymousID: "anon_456"})
	require.NoError(t, session.Identify(t.Context(), "user_123", nil))
	ctx := loopkit.WithConsent(t.Context(), loopkit.AnonymousOnly)
	require.NoError(t, session.Track(ctx, "withheld", nil), "LoopKit knows whose the anonymous ID is")
	require.NoError(t, session.Track(loopkit.WithIdentity(ctx, loopkit.Identity{AnonymousID: "anon_9"}), "sent", nil), "another's")
	session.Reset()
	require.NoError(t, session.Track(ctx, "sent", nil))
	require.NoError(t, c.Close(t.Context()))
	tracks := server.MessagesOf(loopkittest.KindTrack)
	require.Len(t, tracks, 2)
	for _, m := range tracks {
		assert.Equal(t, "sent", m.Name)
	}
	assert.EqualValues(t, 1, c.Stats().Withheld)
}

func TestConsentSeesTheMessage(t *testing.T) {
	server := loopkittest.NewTransport(t)
	type keyOfRegion struct{}
	var seen []loopkit.Message
	c := newClient(t, server, func(o *loopkit.Options) {
		o.Consent = func(ctx context.Context, m *loopkit.Message) loopkit.Consent {
			assert.Equal(t, "eu", ctx.Value(keyOfRegion{}))
			seen = append(seen, *m)
			return loopkit.Full
		}
	})
	ctx := context.WithValue(known("anon_456", "user_123"), keyOfRegion{}, "eu")
	require.NoError(t, c.Track(ctx, "page_view", loopkit.Properties{"page": "/"}))
	require.NoError(t, c.Group(ctx, "team_456", nil, loopkit.GroupType("guild"), loopkit.WithMessageID("message_1")))
	require.NoError(t, c.Close(t.Context()))
	require.Len(t, seen, 2)
	assert.Equal(t, loopkit.KindTrack, seen[0].Kind)
	assert.Equal(t, "page_view", seen[0].Name)
	assert.Equal(t, "user_123", seen[0].UserID)
	assert.Equal(t, "anon_456", seen[0].AnonymousID)
	assert.Equal(t, map[string]any{"page": "/"}, seen[0].Values)
	assert.Equal(t, server.MessagesOf(loopkittest.KindTrack)[0].MessageID, seen[0].MessageID)
	assert.Equal(t, "guild", seen[1].GroupType)
	assert.Equal(t, "message_1", seen[1].MessageID)
	assert.False(t, seen[1].Timestamp.IsZero())
}

func TestADeletionNeedsNoConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		c := newClient(t, server, func(o *loopkit.Options) {
			o.Consent = func(context.Context, *loopkit.Message) loopkit.Consent { return loopkit.Denied }
			o.BeforeSend = func(context.Context, *loopkit.Message) *loopkit.Message { return nil }
		})
		d, err := c.DeleteUser(loopkit.WithConsent(t.Context(), loopkit.Denied), "user_123")
		require.NoError(t, err)
		require.NoError(t, d.Wait(t.Context()))
		require.Len(t, server.MessagesOf(loopkittest.KindDeleteUser), 1)
	})
}

func TestConsentIsTextInCookiesAndFiles(t *testing.T) {
	for level, text := range map[loopkit.Consent]string{
		loopkit.Denied: "denied", loopkit.AnonymousOnly: "anonymous_only", loopkit.Pseudonymous: "pseudonymous", loopkit.Full: "full",
	} {
		assert.Equal(t, text, level.String())
		encoded, err := json.Marshal(level)
		require.NoError(t, err)
		assert.Equal(t, `"`+text+`"`, string(encoded))
		var back loopkit.Consent
		require.NoError(t, json.Unmarshal(encoded, &back))
		assert.Equal(t, level, back)
	}
	back := loopkit.Full
	require.Error(t, back.UnmarshalText([]byte("yes")))
	assert.Equal(t, loopkit.Denied, back, "what cannot be read is no consent")
	_, err := loopkit.Consent(7).MarshalText()
	require.Error(t, err)
	assert.Equal(t, "Consent(7)", loopkit.Consent(7).String())
}
