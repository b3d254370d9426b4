package filter_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/filter"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func decoded(t testing.TB, kind collector.Kind, raw string) *collector.Message {
	m, err := collector.Decode(kind, []byte(raw))
	require.NoError(t, err)
	return &m
}

func signup(t testing.TB) *store.Entry {
	return &store.Entry{
		Seq:     1,
		Request: &collector.Request{Method: "POST", Path: "/v1/tracks", Auth: "bearer", Form: "envelope", Status: 200},
		Message: decoded(t, collector.KindTrack, `{"name":"user_signup","messageId":"m-1","userId":"user_123","anonymousId":"anon_1r8",
			"timestamp":"2025-01-15T10:30:00Z",
			"properties":{"plan":"pro","size":25,"ratio":0.5,"trial":true,"note":"Caf\u00e9 at noon","left":null,"a.b":"dotted","address":{"city":"Oslo"},"quote":"say \"hi\""},
			"system":{"sdk":{"name":"loopkit-go","version":"0.1.0"},"sessionId":"s-1"}}`),
		Findings: []rules.Finding{{Rule: &rules.Rule{ID: "W-NESTED", Severity: rules.Warning}}},
	}
}

func TestATermMatchesWhatItNames(t *testing.T) {
	for query, want := range map[string]bool{
		"":                          true,
		"user:user_123":             true,
		"USER:user_123":             true,
		"user:User_123":             false, // IDs that differ in case are different people
		"user:user_12":              false,
		"user:user_*":               true,
		"user:*_1*3":                true,
		"user:*":                    true,
		"group:*":                   false,
		"-group:*":                  true,
		"anon:anon_1r8":             true,
		"id:m-1":                    true,
		"session:s-1":               true,
		"kind:track":                true,
		"kind:Track":                true,
		"kind:identify":             false,
		"kind:delete":               false,
		"kind:refused":              false,
		"kind:*":                    true,
		"-kind:track":               false,
		"name:user_signup":          true,
		"name:user_*":               true,
		`name:"user_*"`:             false, // quotes take it as it is
		"name:signup":               false,
		"prop.plan=pro":             true,
		"prop.plan:pro":             true,
		"traits.plan=pro":           true,
		"prop.plan=free":            false,
		"-prop.plan=free":           true,
		"prop.plan=*":               true,
		"prop.none=*":               false,
		"prop.left=*":               true,
		"prop.left=null":            true,
		"prop.size=25":              true,
		"prop.size:>=25":            true,
		"prop.size:>25":             false,
		"prop.size=<25.5":           true,
		"prop.plan:>1":              false,
		"prop.size>=25":             true,
		"prop.size>25":              false,
		"prop.size<26":              true,
		"prop.size!=25":             false,
		"prop.plan!=free":           true,
		"prop.plan!=pro":            false,
		"-prop.plan!=pro":           true,
		`prop.plan!="pro"`:          false,
		"name!=user_signup":         false,
		"status>=400":               false,
		"status<300":                true,
		"status!=200":               false,
		"plan>3":                    false, // of no key: it is text
		"prop.trial=true":           true,
		"prop.a.b=dotted":           true,
		"prop.address.city=Oslo":    true,
		"prop.address.street=*":     false,
		`prop.quote="say \"hi\""`:   true,
		"warn:*":                    true,
		"warn:W-NESTED":             true,
		"warn:nested":               true,
		"warn:warning":              true,
		"warn:error":                false,
		"sdk:loopkit-go":            true,
		"sdk:loopkit-go/0.1.0":      true,
		`sdk:"loopkit-go 0.1.0"`:    true,
		"sdk:loopkit-*":             true,
		"sdk:unity":                 false,
		"status:200":                true,
		"status:>=400":              false,
		"status:2xx":                true,
		"status:>=200 status:<300":  true,
		"status:>=200 status:<200":  false,
		"status:*":                  true,
		"auth:bearer form:envelope": true,
		"path:/v1/*":                true,
		"signup":                    true,
		"SIGNUP":                    true,
		"pri*cing":                  false,
		"sign*track":                true,
		"café":                      true, // also where the message has an escape
		`"café at"`:                 true,
		`"at café"`:                 false,
		"-pricing":                  true,
		"-signup":                   false,
		"plan=pro":                  false, // free text: the message has "plan":"pro"
		"10:30:00":                  true,
		"signup pro":                true,
		"signup free":               false,
		"kind:track kind:group":     true,
		"kind:identify kind:group":  false,
		"kind:identify kind:track signup -warn:error": true,
	} {
		f, err := filter.Parse(query)
		require.NoError(t, err, query)
		assert.Equal(t, want, f.Match(signup(t)), query)
	}
}

func TestDeletionsAndRefusedRequestsAreFound(t *testing.T) {
	deletion := &store.Entry{
		Request: &collector.Request{Method: "DELETE", Path: "/v1/users/user_123", Status: 200},
		Message: &collector.Message{Kind: collector.KindDeleteUser, UserID: "user_123"},
	}
	refused := &store.Entry{Request: &collector.Request{
		Method: "POST", Path: "/v1/tracks", Status: 400, Refusal: "the body is not JSON", Body: []byte(`{"name":`),
	}}
	for query, want := range map[string]struct{ deletion, refused bool }{
		"kind:delete":              {true, false},
		"kind:deleteUser":          {true, false},
		"kind:deletegroup":         {false, false},
		"kind:refused":             {false, true},
		"kind:*":                   {true, false},
		"user:user_123":            {true, false},
		"USER_123":                 {true, false},
		"status:>=400":             {false, true},
		`"not json"`:               {false, true},
		"/v1/tracks":               {false, true},
		`"{\"name\":"`:             {false, true},
		"prop.plan=pro":            {false, false},
		"-prop.plan=pro":           {true, true},
		"sdk:*":                    {false, false},
		"warn:*":                   {false, false},
		"kind:delete status:>=400": {false, false},
	} {
		f, err := filter.Parse(query)
		require.NoError(t, err, query)
		assert.Equal(t, want.deletion, f.Match(deletion), "deletion, %s", query)
		assert.Equal(t, want.refused, f.Match(refused), "refused, %s", query)
	}
}

func TestAnErrorSaysWhatToWrite(t *testing.T) {
	for query, want := range map[string]string{
		"usr:user_123":       `unknown filter usr: use one of user, anon, group, kind, name, warn, sdk, status, id, session, auth, form, path, prop.…, or quote it to search for the text: "usr:user_123"`,
		"http://example.com": `quote it to search for the text: "http://example.com"`,
		`name:"user_signup`:  `a quote is open: end the value with " in name:"user_signup`,
		`name:"a"b`:          `text follows the closing quote: put all of the value in quotes, with \" for a quote in name:"a"b`,
		"user: user_123":     "user: has no value: write user:… without a space, or user:* for any",
		"kind:page":          "unknown kind page: use track, identify, group, delete, deleteUser, deleteGroup or refused",
		"status:many":        "many is no status: write status:200, status:4xx or status:>=400",
		"status:9xx":         "9xx is no status",
		"prop.size:>big":     "big is no number: > needs one, such as prop.size:>25",
		"user:>5":            "user cannot be compared: write user:5",
		"prop.:x":            "unknown filter prop.",
	} {
		_, err := filter.Parse(query)
		assert.ErrorContains(t, err, want, query)
	}
}

func TestTermsCanBeTakenAway(t *testing.T) {
	f, err := filter.Parse(`  kind:track   -name:"Page View"  "free text" prop.size:>=25 `)
	require.NoError(t, err)
	var got []filter.Term
	for _, term := range f.Terms() {
		got = append(got, filter.Term{Text: term.Text, Key: term.Key, Value: term.Value, Negated: term.Negated})
	}
	assert.Equal(t, []filter.Term{
		{Text: "kind:track", Key: "kind", Value: "track"},
		{Text: `-name:"Page View"`, Key: "name", Value: "Page View", Negated: true},
		{Text: `"free text"`, Value: "free text"},
		{Text: "prop.size:>=25", Key: "prop.size", Value: "25"},
	}, got)
	assert.Equal(t, `kind:track -name:"Page View" "free text" prop.size:>=25`, f.String())
	assert.Equal(t, `kind:track "free text" prop.size:>=25`, f.Without(1))
	assert.Len(t, f.Terms(), 4, "Without leaves the filter as it is")
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`user:user_123 anon:anon_1r8 group:team_456 kind:track name:user_* prop.plan=pro warn:* sdk:loopkit-go status:>=400`,
		`-name:"Page \" View" free "free text" prop.a.b:>=2.5 status:4xx kind:refused --x "" \ * ***`,
		"caf\u00e9 \xff \u202e user:\u2028",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		parsed, err := filter.Parse(query)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		again, err := filter.Parse(parsed.String())
		require.NoError(t, err, "what a filter says of itself can be parsed")
		assert.Equal(t, parsed.String(), again.String())
		for _, e := range []*store.Entry{signup(t), {Request: &collector.Request{Refusal: "no API key", Status: 401}}} {
			assert.Equal(t, parsed.Match(e), again.Match(e))
		}
		for i := range parsed.Terms() {
			_, err := filter.Parse(parsed.Without(i))
			require.NoError(t, err, "each term stands for itself")
		}
	})
}

func TestLongIntegersAreComparedInAllTheirDigits(t *testing.T) {
	e := &store.Entry{
		Request: &collector.Request{},
		Message: decoded(t, collector.KindTrack, `{"name":"a","anonymousId":"b","timestamp":"2025-01-15T10:30:00Z",
			"properties":{"id":9007199254740993,"long":12345678901234567890123,"even":9007199254740992}}`),
	}
	for query, want := range map[string]bool{
		"prop.id=9007199254740993":                 true,
		"prop.id=9007199254740992":                 false,
		"prop.id>9007199254740992":                 true,
		"prop.id>=9007199254740994":                false,
		"prop.even>=9007199254740993":              false,
		"prop.even<9007199254740993":               true,
		"prop.long=12345678901234567890123":        true,
		"prop.long<12345678901234567890124":        true,
		"prop.long>1e22":                           true,
		"prop.id<1e-300 -prop.id>1 prop.id>1e-300": false,
	} {
		f, err := filter.Parse(query)
		require.NoError(t, err, query)
		assert.Equal(t, want, f.Match(e), query)
	}
}
