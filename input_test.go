package loopkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

type (
	panicking struct{ with any }
	failing   struct{ text string }
	knot      struct{ Next *knot }
)

func (p panicking) MarshalJSON() ([]byte, error) { panic(p.with) }
func (f failing) MarshalJSON() ([]byte, error)   { return nil, errors.New(f.text) }

func nestedMap(levels int) map[string]any {
	if levels == 1 {
		return map[string]any{}
	}
	return map[string]any{"in": nestedMap(levels - 1)}
}

// refusedCall makes a call between two good ones and asserts that it alone is lost.
func refusedCall(t *testing.T, call func(*loopkit.Client) error) (refused error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		c := newClient(t, server)
		require.NoError(t, c.Track(visitor("anon_1"), "before", nil))
		refused = call(c)
		require.Error(t, refused)
		require.NoError(t, c.Track(visitor("anon_1"), "after", nil))
		require.NoError(t, c.Close(context.Background()))
		stats := requireBalanced(t, c)
		assert.Equal(t, int64(1), stats.Refused)
		assert.Equal(t, int64(2), stats.Delivered)
		require.Len(t, server.Messages(), 2)
		assert.Equal(t, "before", server.Messages()[0].Name)
		assert.Equal(t, "after", server.Messages()[1].Name)
	})
	return refused
}

func requireArgument(t *testing.T, err error, call, field string) {
	t.Helper()
	var argument *loopkit.ArgumentError
	require.ErrorAs(t, err, &argument)
	assert.Equal(t, call, argument.Call)
	assert.Equal(t, field, argument.Field)
	assert.NotEmpty(t, argument.Reason)
}

func TestIDsThatWouldMergeStrangersAreRefused(t *testing.T) {
	bad := map[string]string{
		"empty": "", "undefined": "undefined", "null": "null", "nil": "nil", "nil interface": "<nil>", "NaN": "NaN",
		"object": "[object Object]", "formatted nil": "%!s(<nil>)",
		"space before": " user_123", "space after": "user_123 ", "tab": "\tuser_123", "line break": "user_123\n", "wide space": "user_123\u3000",
		"spaces alone": "   ", "too long": strings.Repeat("x", 257), "too long in bytes": strings.Repeat("é", 129), "invalid UTF-8": "user_\xff",
	}
	calls := map[string]struct {
		call, field string
		try         func(*loopkit.Client, string) error
		mayBeEmpty  bool // there, empty means none
	}{
		"user":  {call: "Identify", field: "userId", try: func(c *loopkit.Client, id string) error { return c.Identify(visitor("a"), id, nil) }},
		"group": {call: "Group", field: "groupId", try: func(c *loopkit.Client, id string) error { return c.Group(visitor("a"), id, nil) }},
		"group type": {call: "Group", field: "groupType", try: func(c *loopkit.Client, id string) error {
			return c.Group(visitor("a"), "g", nil, loopkit.GroupType(id))
		}},
		"message": {call: "Track", field: "messageId", try: func(c *loopkit.Client, id string) error {
			return c.Track(visitor("a"), "e", nil, loopkit.WithMessageID(id))
		}},
		"deleted user": {call: "DeleteUser", field: "userId", try: func(c *loopkit.Client, id string) error { _, err := c.DeleteUser(context.Background(), id); return err }},
		"deleted group": {call: "DeleteGroup", field: "groupId", try: func(c *loopkit.Client, id string) error {
			_, err := c.DeleteGroup(context.Background(), id)
			return err
		}},
		"user of ctx":    {call: "Track", field: "userId", try: func(c *loopkit.Client, id string) error { return c.Track(known("a", id), "e", nil) }, mayBeEmpty: true},
		"anonymous":      {call: "Track", field: "anonymousId", try: func(c *loopkit.Client, id string) error { return c.Track(known(id, "u"), "e", nil) }, mayBeEmpty: true},
		"anonymous user": {call: "Identify", field: "anonymousId", try: func(c *loopkit.Client, id string) error { return c.Identify(visitor(id), "u", nil) }, mayBeEmpty: true},
		"user of As": {call: "Group", field: "userId", try: func(c *loopkit.Client, id string) error {
			return c.Group(context.Background(), "g", nil, loopkit.As(loopkit.Identity{AnonymousID: "a", UserID: id}))
		}, mayBeEmpty: true},
		"session": {call: "Track", field: "sessionId", try: func(c *loopkit.Client, id string) error {
			return c.Track(context.Background(), "e", nil, loopkit.As(loopkit.Identity{AnonymousID: "a", SessionID: id}))
		}, mayBeEmpty: true},
	}
	for whose, call := range calls {
		t.Run(whose, func(t *testing.T) {
			for name, id := range bad {
				if id == "" && call.mayBeEmpty {
					continue
				}
				t.Run(name, func(t *testing.T) {
					err := refusedCall(t, func(c *loopkit.Client) error { return call.try(c, id) })
					requireArgument(t, err, call.call, call.field)
					assert.NotContains(t, err.Error(), "user_")
				})
			}
		})
	}
}

func TestIDsThatLookStrangeButNameSomebodyAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		c := newClient(t, server)
		ids := []string{"0", "-", "Null", "a b", "żółć", "alice@example.com", `"quoted"`, "a/../b?c#d%", "\u200b", strings.Repeat("x", 256)}
		for _, id := range ids {
			require.NoError(t, c.Identify(visitor("anon_1"), id, nil), id)
		}
		require.NoError(t, c.Close(t.Context()))
		for i, m := range server.Messages() {
			assert.Equal(t, ids[i], m.UserID)
		}
		assert.Len(t, server.Messages(), len(ids))
	})
}

func TestEventNamesAreRefusedIfEmptyOrUnreadable(t *testing.T) {
	for name, event := range map[string]string{
		"empty": "", "space": " signup", "too long": strings.Repeat("x", 257), "invalid UTF-8": "sign\xff",
	} {
		t.Run(name, func(t *testing.T) {
			err := refusedCall(t, func(c *loopkit.Client) error { return c.Track(visitor("a"), event, nil) })
			requireArgument(t, err, "Track", "event")
		})
	}
}

func TestValuesThatJSONCannotSayAreRefusedByPathAndNeverQuoted(t *testing.T) {
	cycle := map[string]any{}
	cycle["self"] = cycle
	for name, bad := range map[string]any{
		"NaN": math.NaN(), "infinity": math.Inf(-1), "NaN in a slice": []float64{math.NaN()}, "channel": make(chan int),
		"function": func() {}, "complex": 1i, "cycle": cycle, "cyclic pointer": func() *knot { k := &knot{}; k.Next = k; return k }(),
		"too deep": nestedMap(40), "map with struct keys": map[knot]int{{}: 1}, "raw": json.RawMessage("secret"), "number": json.Number("secret"),
		"MarshalJSON that panics": panicking{"secret"}, "MarshalJSON that panics with nil": panicking{nil},
		"MarshalJSON that panics in a struct": struct{ In *panicking }{&panicking{errors.New("secret")}},
		"MarshalJSON that fails":              failing{"secret"}, "year 10000": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			err := refusedCall(t, func(c *loopkit.Client) error {
				return c.Track(visitor("a"), "e", loopkit.Properties{"order": map[string]any{"price": bad, "email": "secret"}})
			})
			var argument *loopkit.ArgumentError
			require.ErrorAs(t, err, &argument)
			assert.True(t, strings.HasPrefix(argument.Field, "properties.order.price"), argument.Field)
			assert.NotContains(t, err.Error(), "secret")

			err = refusedCall(t, func(c *loopkit.Client) error { return c.Group(visitor("a"), "g", loopkit.Traits{"price": bad}) })
			require.ErrorAs(t, err, &argument)
			assert.True(t, strings.HasPrefix(argument.Field, "traits.price"), argument.Field)
		})
	}
}

func TestCodeOfTheProgramThatPanicsWhileEncodingIsCounted(t *testing.T) {
	c := newClient(t, loopkittest.NewTransport(t))
	for i, with := range []any{"text", errors.New("error"), nil} {
		assert.Error(t, c.Identify(visitor("a"), "u", loopkit.Traits{"t": panicking{with}}))
		assert.Equal(t, int64(i+1), requireBalanced(t, c).Panics)
	}
	assert.Error(t, c.Identify(visitor("a"), "u", loopkit.Traits{"t": failing{"error"}}))
	assert.Equal(t, int64(3), c.Stats().Panics, "an error is no panic")
}

func TestAMessageThatIsTooLargeIsRefused(t *testing.T) {
	for name, value := range map[string]any{
		"string": strings.Repeat("x", 1<<20), "bytes": make([]byte, 1<<20), "many": make([]int, 1<<20),
		"struct": struct{ S string }{strings.Repeat("x", 1<<20)}, "raw": json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`),
	} {
		t.Run(name, func(t *testing.T) {
			err := refusedCall(t, func(c *loopkit.Client) error {
				return c.Track(visitor("a"), "e", loopkit.Properties{"p": value})
			})
			assert.ErrorIs(t, err, loopkit.ErrTooLarge)
			assert.ErrorContains(t, err, "32768")
			assert.Less(t, len(err.Error()), 300)
		})
	}
}

func TestContextFieldsThatCannotBeSentAreAnErrorOfTheCalls(t *testing.T) {
	err := refusedCall(t, func(c *loopkit.Client) error {
		ctx := loopkit.WithContextFields(visitor("a"), loopkit.Properties{"page": map[string]any{"load": math.NaN()}})
		return c.Track(ctx, "e", nil)
	})
	var argument *loopkit.ArgumentError
	require.ErrorAs(t, err, &argument)
	assert.Equal(t, "context.page.load", argument.Field)

	for _, size := range []int{40 << 10, 2 << 20} {
		err = refusedCall(t, func(c *loopkit.Client) error {
			ctx := loopkit.WithContextFields(visitor("a"), loopkit.Properties{"page": strings.Repeat("x", size)})
			return c.Identify(ctx, "u", nil)
		})
		assert.ErrorIs(t, err, loopkit.ErrTooLarge, size)
	}
}

func TestTheTimeOfAMessageIsInTheYears1970To9999(t *testing.T) {
	for name, at := range map[string]time.Time{
		"zero": {}, "1969": time.Unix(-1, 0), "10000": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		"10000 in UTC": time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -2*3600)),
	} {
		t.Run(name, func(t *testing.T) {
			err := refusedCall(t, func(c *loopkit.Client) error { return c.Track(visitor("a"), "e", nil, loopkit.At(at)) })
			requireArgument(t, err, "Track", "time")
		})
	}
	c := newClient(t, loopkittest.NewTransport(t))
	assert.NoError(t, c.Track(visitor("a"), "e", nil, loopkit.At(time.Unix(0, 0))))
	assert.NoError(t, c.Track(visitor("a"), "e", nil, loopkit.At(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC))))
}

func TestNilsAreValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		c := newClient(t, server)
		require.NoError(t, c.Track(visitor("anon_1"), "e", loopkit.Properties{
			"nil": nil, "pointer": (*knot)(nil), "map": map[string]any(nil), "slice": []string(nil), "marshaler": (*json.RawMessage)(nil),
			"value receiver": (*panicking)(nil), "time": (*time.Time)(nil), "error": error(nil),
		}))
		require.NoError(t, c.Track(visitor("anon_1"), "e", nil))
		require.NoError(t, c.Identify(visitor("anon_1"), "u", nil))
		require.NoError(t, c.Group(visitor("anon_1"), "g", nil))
		require.NoError(t, c.Close(t.Context()))

		tracks := server.MessagesOf(loopkittest.KindTrack)
		require.Len(t, tracks, 2)
		assert.Len(t, tracks[0].Values, 8)
		for name, value := range tracks[0].Values {
			assert.Nil(t, value, name)
		}
		for _, m := range []loopkittest.Message{tracks[1], server.MessagesOf(loopkittest.KindIdentify)[0], server.MessagesOf(loopkittest.KindGroup)[0]} {
			assert.Regexp(t, `"(traits|properties)":\{\}`, string(m.Raw), "a nil map is an empty object")
		}
	})
}

func TestANilContextIsABackgroundContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		c := newClient(t, server)
		var none context.Context
		assert.ErrorIs(t, c.Track(none, "e", nil), loopkit.ErrNoIdentity)
		assert.NoError(t, c.Identify(none, "u", nil))
		assert.NoError(t, c.Group(loopkit.WithUser(none, "u"), "g", nil))
		assert.NoError(t, c.Track(loopkit.WithContextFields(loopkit.WithIdentity(none, loopkit.Identity{UserID: "u"}), nil), "e", nil))
		assert.NoError(t, c.Session().Track(none, "e", nil))
		_, ok := loopkit.IdentityFrom(none)
		assert.False(t, ok)
		d, err := c.DeleteUser(none, "v")
		require.NoError(t, err)
		assert.NoError(t, d.Wait(none))
		assert.NoError(t, c.Flush(none))
		assert.NoError(t, c.Close(none))
		assert.Len(t, server.Messages(), 5)
	})
}

func TestANilCallOptionIsNone(t *testing.T) {
	c := newClient(t, loopkittest.NewTransport(t))
	assert.NoError(t, c.Identify(visitor("a"), "u", nil, nil, loopkit.At(time.Now()), nil))
	assert.NoError(t, c.Group(visitor("a"), "g", nil, nil, loopkit.GroupType("team"), nil))
	assert.NoError(t, c.Track(visitor("a"), "e", nil, nil))
	var none context.Context
	assert.NoError(t, c.Session().Track(none, "e", nil, nil), "a nil context is context.Background")
}

func TestTheMapMayBeChangedAsSoonAsTheCallReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rounds = 2000
		server := loopkittest.NewTransport(t)
		c := newClient(t, server)
		list, inner := []any{0, "x"}, map[string]any{}
		props := loopkit.Properties{"list": list, "inner": inner, "bytes": []byte("0")}
		for i := range rounds {
			props["n"], list[0], inner["n"] = i, i, i
			require.NoError(t, c.Track(visitor("anon_1"), "e", props))
			props["n"], list[0], inner["n"], inner[fmt.Sprint(i)] = -1, -1, -1, -1
			clear(inner)
		}
		require.NoError(t, c.Close(t.Context()))
		require.Len(t, server.Messages(), rounds)
		seen := make([]bool, rounds)
		for _, m := range server.Messages() {
			n := m.Values["n"]
			require.Equal(t, map[string]any{"n": n, "list": []any{n, "x"}, "inner": map[string]any{"n": n}, "bytes": "MA=="}, m.Values)
			seen[int(n.(float64))] = true
		}
		assert.NotContains(t, seen, false)
	})
}

func TestTraitsOfAStructAreItsJSON(t *testing.T) {
	type address struct {
		City string `json:"city"`
	}
	type user struct {
		Plan    string `json:"plan"`
		Seats   int64  `json:"seats"`
		Email   string `json:"email,omitempty"`
		Hidden  string `json:"-"`
		private string
		*address
	}
	traits, err := loopkit.TraitsOf(user{Plan: "pro", Seats: 9007199254740993, private: "p", address: &address{"Łódź"}})
	require.NoError(t, err)
	assert.Equal(t, loopkit.Traits{"plan": "pro", "seats": json.Number("9007199254740993"), "city": "Łódź"}, traits)
	pointed, err := loopkit.TraitsOf(&user{Plan: "pro"})
	require.NoError(t, err)
	assert.Equal(t, "pro", pointed["plan"])

	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		c := newClient(t, server)
		require.NoError(t, c.Identify(visitor("anon_1"), "u", traits))
		require.NoError(t, c.Close(t.Context()))
		assert.Contains(t, string(server.Messages()[0].Raw), `"seats":9007199254740993`, "all digits arrive")
	})

	given := map[string]any{"a": "b"}
	copied, err := loopkit.TraitsOf(given)
	require.NoError(t, err)
	assert.True(t, maps.Equal(copied, loopkit.Traits(given)))
}

func TestTraitsOfAnythingElseIsAnError(t *testing.T) {
	for name, v := range map[string]any{
		"nil": nil, "number": 42, "string": "secret", "slice": []string{"secret"}, "null": json.RawMessage("null"), "nil pointer": (*knot)(nil),
		"channel": make(chan int), "NaN": map[string]any{"secret": math.NaN()}, "two objects": json.RawMessage("{} {}"),
		"MarshalJSON that panics": panicking{"secret"}, "MarshalJSON that panics with nil": panicking{nil}, "MarshalJSON that fails": failing{"secret"},
	} {
		t.Run(name, func(t *testing.T) {
			traits, err := loopkit.TraitsOf(v)
			var argument *loopkit.ArgumentError
			require.ErrorAs(t, err, &argument)
			assert.Equal(t, "TraitsOf", argument.Call)
			assert.NotContains(t, err.Error(), "secret")
			assert.Nil(t, traits)
		})
	}
}

func TestTraitsOfAListOfAMillionLinksAreRefusedAndEndNothing(t *testing.T) {
	type link struct{ Next *link }
	var list *link
	for range 1_000_000 {
		list = &link{list}
	}
	_, err := loopkit.TraitsOf(list)
	require.Error(t, err)
}
