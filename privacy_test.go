package loopkit_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// sentUnder returns what arrives of traits or properties under a policy.
func sentUnder(t *testing.T, policy loopkit.PIIPolicy, call string, values map[string]any) map[string]any {
	t.Helper()
	server := loopkittest.NewTransport(t)
	c := newClient(t, server, func(o *loopkit.Options) { o.PII = policy })
	require.NoError(t, callWithValues(c, known("anon_456", "user_123"), call, values))
	require.NoError(t, c.Close(t.Context()))
	require.Len(t, server.Messages(), 1)
	return server.Messages()[0].Values
}

func TestPersonalDataIsToldByTheWordsOfItsKey(t *testing.T) {
	drop := loopkit.PIIPolicy{Mode: loopkit.PIIDrop}
	for _, key := range []string{
		"email", "Email", "EMAIL", "e-mail", "user_email", "userEmail", "emailAddress", "email2", "emails", "contact.email", "work email",
		"mail", "phone", "phoneNumber", "mobile", "full_name", "fullName", "fullname", "firstName", "last-name",
		"address", "addresses", "street", "zip", "zip_code", "postal_code", "birth_date", "birthDate", "birthdate", "birthday", "dob",
		"ip", "IP", "clientIP", "userIPs", "ip_address", "IPAddress", "lat", "lng", "latitude", "longitude", "passport", "passport_no", "nationalId", "national_id",
	} {
		assert.Empty(t, sentUnder(t, drop, "track", map[string]any{key: "x"}), key)
	}
	for _, key := range []string{
		"plan", "emailing", "mailbox", "ipsum", "zipper", "flat", "relate", "streetwise", "description", "nation", "id",
		"name", "team_name", "email_hash", "emailHash", "phone_sha256", "address_hmac", "hashed", "",
	} {
		assert.Len(t, sentUnder(t, drop, "track", map[string]any{key: "x"}), 1, key)
	}
}

func TestANameIsPersonalInAnIdentifyOnly(t *testing.T) {
	for call, personal := range map[string]bool{"identify": true, "group": false, "track": false} {
		for _, key := range []string{"name", "user_name", "names"} {
			assert.Equal(t, personal, len(sentUnder(t, loopkit.PIIPolicy{Mode: loopkit.PIIDrop}, call, map[string]any{key: "Acme Corp"})) == 0, "%s of %s", key, call)
		}
		assert.Empty(t, sentUnder(t, loopkit.PIIPolicy{Mode: loopkit.PIIDrop}, call, map[string]any{"full_name": "x"}))
	}
}

func TestSecretsAreLeftOutInEveryMode(t *testing.T) {
	for _, mode := range piiModes {
		policy := loopkit.PIIPolicy{Mode: mode, Key: piiKey, Allow: []string{"session_token"}}
		for _, key := range []string{
			"password", "passwd", "db_password", "password_hash", "secret", "client_secret", "token", "accessToken", "api_key", "apiKey", "APIKey", "apikey",
			"authorization", "Authorization", "cookie", "Set-Cookie", "private_key", "privateKey", "credit_card", "creditCard", "card_number", "cvv", "ssn",
		} {
			assert.Empty(t, sentUnder(t, policy, "track", map[string]any{key: "x"}), key)
		}
		kept := map[string]any{
			"session_token": "allowed", "token_type": "bearer", "tokens_used": 1500.0, "tokens": map[string]any{"input": 512.0, "output": 64.0},
			"has_password": true, "secret": nil, "cookie": "", "cookies": map[string]any{}, "token": []any{},
		}
		assert.Equal(t, kept, sentUnder(t, policy, "track", kept), "allowed, about a token, counts, a boolean, nothing")
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		assert.Empty(t, sentUnder(t, policy, "track", map[string]any{
			"private_key": key, "secret": [4]byte{1, 2, 3, 4}, "api_key": 12345, "tokens": []int{1, 2},
			"cookies": map[string]any{"needle": 1}, "token": map[string]any{"needle": true}, "authorization": []bool{true},
		}), "numbers and keys can be secrets, too")
		assert.Empty(t, sentUnder(t, policy, "track", map[string]any{"ssn": 123456789, "cvv": 123, "card_number": int64(4111111111111111)}), "numbers that are secrets")
		assert.Equal(t, map[string]any{"token_expires": "2026-11-24T00:00:00Z"},
			sentUnder(t, policy, "track", map[string]any{"token_expires": time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}), "a time is no secret")
	}
}

func TestWhatIsNotPersonalStays(t *testing.T) {
	values := map[string]any{"email": "", "email_verified": true, "phone": nil, "addresses": []any{}, "plan": "pro"}
	for _, mode := range piiModes {
		assert.Equal(t, values, sentUnder(t, loopkit.PIIPolicy{Mode: mode, Key: piiKey}, "identify", values))
	}
}

type account struct {
	Email  string   `json:"email"`
	Plan   string   `json:"plan"`
	Tokens []string `json:"tokens,omitempty"`
}

type secretive struct{}

func (secretive) MarshalJSON() ([]byte, error) {
	return []byte(`{"deep":[{"email":"needle@acme.com"}],"password":"needle"}`), nil
}

func TestThePolicyReachesEveryDepthAndEveryType(t *testing.T) {
	for name, value := range map[string]any{
		"a map":              map[string]any{"email": "needle"},
		"a map of strings":   map[string]string{"email": "needle"},
		"a named map":        loopkit.Properties{"email": "needle"},
		"maps in a list":     []any{1, []any{map[string]any{"email": "needle"}}},
		"a list of maps":     []map[string]any{{"email": "needle"}},
		"a struct":           account{Email: "needle", Plan: "pro"},
		"a pointer":          &account{Email: "needle"},
		"a list of structs":  []account{{Email: "needle"}},
		"raw JSON":           json.RawMessage(`{ "a" : [ {"email" : "needle"} ] }`),
		"escaped raw JSON":   json.RawMessage(`{"\u0065mail":"needle"}`),
		"a map of structs":   map[string]account{"first": {Email: "needle"}},
		"a MarshalJSON":      secretive{},
		"under a phone":      map[string]any{"phone": map[string]any{"home": "needle", "needle": true}},
		"a list of strings":  map[string]any{"emails": []string{"needle", "needle"}},
		"a number":           map[string]any{"phone": 49301234},
		"a list of numbers":  map[string]any{"lat": []float64{52.1}},
		"a UUID":             map[string]any{"passport": uuid.NameSpaceDNS},
		"a time":             map[string]any{"birth_date": time.Date(1990, 1, 2, 0, 0, 0, 0, time.UTC)},
		"bytes":              map[string]any{"address": []byte("needle")},
		"keys that are data": map[string]any{"emails": map[string]bool{"needle@acme.com": true}},
	} {
		for _, policy := range []loopkit.PIIPolicy{{Mode: loopkit.PIIDrop}, {Mode: loopkit.PIIHash, Key: piiKey}} {
			sent, err := json.Marshal(sentUnder(t, policy, "track", map[string]any{"value": value, "plan": "pro"}))
			require.NoError(t, err)
			for _, needle := range []string{"needle", "49301234", "52.1", uuid.NameSpaceDNS.String(), "1990", "bmVlZGxl"} {
				assert.NotContains(t, string(sent), needle, name)
			}
			assert.Contains(t, string(sent), `"plan":"pro"`)
			assert.Equal(t, policy.Mode == loopkit.PIIHash, strings.Contains(string(sent), "_hash"), "%s: %s", name, sent)
		}
	}
}

func TestSecretsInOpaqueValuesAreFoundWithoutAnyPolicy(t *testing.T) {
	sent := sentUnder(t, loopkit.PIIPolicy{}, "track", map[string]any{"account": account{Plan: "pro", Tokens: []string{"needle"}}, "answer": secretive{}})
	assert.Equal(t, map[string]any{
		"account": map[string]any{"email": "", "plan": "pro"},
		"answer":  map[string]any{"deep": []any{map[string]any{"email": "needle@acme.com"}}},
	}, sent)
}

func TestHashes(t *testing.T) {
	policy := loopkit.PIIPolicy{Mode: loopkit.PIIHash, Key: piiKey}
	sent := sentUnder(t, policy, "identify", map[string]any{
		"email": " John@ACME.com ", "phone": 49301234, "emails": []string{"a@acme.com", "B@acme.com"}, "mobile": json.Number("49301234"),
		"address": map[string]any{"street": "Main St 1", "city": "Springfield"},
	})
	assert.Equal(t, map[string]any{
		"email_hash":   loopkit.HashPII(piiKey, "john@acme.com"),
		"phone_hash":   loopkit.HashPII(piiKey, "49301234"),
		"mobile_hash":  loopkit.HashPII(piiKey, "49301234"),
		"emails_hash":  []any{loopkit.HashPII(piiKey, "a@acme.com"), loopkit.HashPII(piiKey, "b@acme.com")},
		"address_hash": loopkit.HashPII(piiKey, `{"city":"Springfield","street":"Main St 1"}`),
	}, sent)

	at, id := time.Date(1990, 1, 2, 0, 0, 0, 0, time.UTC), uuid.NameSpaceDNS
	for _, v := range []any{
		map[string]any{"birth_date": at, "passport": id, "address": []byte("x"), "phones": []int{1, 2}},
		struct {
			BirthDate time.Time `json:"birth_date"`
			Passport  uuid.UUID `json:"passport"`
			Address   []byte    `json:"address"`
			Phones    []int     `json:"phones"`
		}{at, id, []byte("x"), []int{1, 2}},
	} {
		assert.Equal(t, map[string]any{
			"birth_date_hash": loopkit.HashPII(piiKey, "1990-01-02T00:00:00Z"), "passport_hash": loopkit.HashPII(piiKey, id.String()),
			"address_hash": loopkit.HashPII(piiKey, "eA=="), "phones_hash": []any{loopkit.HashPII(piiKey, "1"), loopkit.HashPII(piiKey, "2")},
		}, sentUnder(t, policy, "identify", map[string]any{"v": v})["v"], "one value has one hash, whatever its type")
	}
	long := sentUnder(t, policy, "identify", map[string]any{"emails": make([]string, 101), "phones": []string{"", "1"}})
	assert.IsType(t, "", long["emails_hash"], "a long list has one hash")
	assert.Equal(t, []any{"", loopkit.HashPII(piiKey, "1")}, long["phones_hash"])

	own := sentUnder(t, policy, "identify", map[string]any{"email": "john@acme.com", "email_hash": "the program's own"})
	assert.Equal(t, map[string]any{"email_hash": "the program's own"}, own)

	// RFC 4231, test case 2.
	assert.Equal(t, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", loopkit.HashPII([]byte("Jefe"), "what do ya want for nothing?"))
}

func TestExtraAndAllowedKeys(t *testing.T) {
	policy := loopkit.PIIPolicy{Mode: loopkit.PIIDrop, Extra: []string{"employee number", "salary"}, Allow: []string{"ip_class", "StreetView"}}
	sent := sentUnder(t, policy, "track", map[string]any{
		"employeeNumber": "1", "old_employee_numbers": "2", "Salary": 3, "email": "x", "ip": "1.2.3.4",
		"ip_class": 6.0, "ipClass": 4.0, "street_view": "on", "number": 5.0, "my_ip_class": "x",
	})
	assert.Equal(t, map[string]any{"ip_class": 6.0, "ipClass": 4.0, "street_view": "on", "number": 5.0}, sent)
}

func TestThePolicyHoldsForTheContextToo(t *testing.T) {
	server := loopkittest.NewTransport(t)
	c := newClient(t, server, func(o *loopkit.Options) {
		o.Context = loopkit.Properties{"app": "shop", "support_email": "help@acme.com", "name": "an application has a name"}
		o.PII = loopkit.PIIPolicy{Mode: loopkit.PIIHash, Key: piiKey}
	})
	ctx := loopkit.WithContextFields(known("anon_456", "user_123"), loopkit.Properties{"ip": "203.0.113.7", "page": "/", "session_token": "needle"})
	require.NoError(t, c.Track(ctx, "page_view", nil))
	require.NoError(t, c.Identify(ctx, "user_123", nil))
	require.NoError(t, c.Close(t.Context()))
	for _, m := range server.Messages() {
		assert.Equal(t, map[string]any{
			"app": "shop", "page": "/", "name": "an application has a name",
			"support_email_hash": loopkit.HashPII(piiKey, "help@acme.com"), "ip_hash": loopkit.HashPII(piiKey, "203.0.113.7"),
		}, m.System["context"])
	}
	assert.EqualValues(t, 6, c.Stats().Redacted, "three values of two messages")

	none := newClient(t, server, func(o *loopkit.Options) { o.Context = loopkit.Properties{"email": "help@acme.com", "app": "shop"} })
	server.Reset()
	require.NoError(t, none.Track(loopkit.WithConsent(visitor("anon_456"), loopkit.Pseudonymous), "page_view", nil))
	require.NoError(t, none.Close(t.Context()))
	drops := newClient(t, server, func(o *loopkit.Options) { o.PII.Mode = loopkit.PIIDrop })
	require.NoError(t, drops.Identify(loopkit.WithContextFields(visitor("anon_456"), loopkit.Properties{"name": "checkout", "email": "x"}), "user_123", nil))
	require.NoError(t, drops.Close(t.Context()))
	assert.Equal(t, map[string]any{"app": "shop"}, server.MessagesOf(loopkittest.KindTrack)[0].System["context"])
	assert.Equal(t, map[string]any{"name": "checkout"}, server.MessagesOf(loopkittest.KindIdentify)[0].System["context"], "not a person's name")

	refusing := newClient(t, server, func(o *loopkit.Options) { o.PII.Mode = loopkit.PIIRefuse })
	var wrong *loopkit.ArgumentError
	require.ErrorAs(t, refusing.Track(ctx, "page_view", nil), &wrong)
	assert.Equal(t, "context.ip", wrong.Field)
	_, err := loopkit.New(testKey, &loopkit.Options{PII: loopkit.PIIPolicy{Mode: loopkit.PIIRefuse}, Context: loopkit.Properties{"email": "help@acme.com"}})
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, "Context.email", wrong.Field)
	emails := make([]string, 90) // the hashes are longer than they
	for i := range emails {
		emails[i] = "a@b.c"
	}
	_, err = loopkit.New(testKey, &loopkit.Options{PII: loopkit.PIIPolicy{Key: piiKey}, MaxMessageBytes: 2000, Context: loopkit.Properties{"emails": emails}})
	require.ErrorContains(t, err, "Context is longer as JSON than 1000 bytes after")
}

func TestOneContextServesClientsWithDifferentPolicies(t *testing.T) {
	server := loopkittest.NewTransport(t)
	keeps := newClient(t, server)
	drops := newClient(t, server, func(o *loopkit.Options) { o.PII.Mode = loopkit.PIIDrop })
	ctx := loopkit.WithContextFields(visitor("anon_456"), loopkit.Properties{"ip": "203.0.113.7"})
	for range 3 {
		require.NoError(t, keeps.Track(ctx, "kept", nil))
		require.NoError(t, drops.Track(ctx, "dropped", nil))
		require.NoError(t, keeps.Track(loopkit.WithConsent(ctx, loopkit.Pseudonymous), "dropped", nil))
	}
	require.NoError(t, keeps.Close(t.Context()))
	require.NoError(t, drops.Close(t.Context()))
	require.Len(t, server.Messages(), 9)
	for _, m := range server.Messages() {
		assert.Equal(t, m.Name == "kept", strings.Contains(string(m.Raw), "203.0.113.7"), string(m.Raw))
	}
}

func TestTheLogNamesEachKindOfPersonalDataOnceAndNoKeyOfTheProgram(t *testing.T) {
	server := loopkittest.NewTransport(t)
	logger, log := newLog()
	c := newClient(t, server, func(o *loopkit.Options) {
		o.Logger, o.Context = logger, loopkit.Properties{"support_phone": "1"}
	})
	ctx := known("anon_456", "user_123")
	for i := range 100 {
		require.NoError(t, c.Identify(ctx, "user_123", loopkit.Traits{fmt.Sprintf("needle%d_email", i): "x", "needle_ip": "y", "needle_password": "z"}))
	}
	require.NoError(t, c.Identify(ctx, "user_123", loopkit.Traits{"zip": "", "street": []string{}, "mobile": map[string]any{}, "lat": nil, "dob": true}), "nothing to warn of")
	require.NoError(t, c.Close(t.Context()))
	for _, term := range []string{"email", "ip", "phone", "password"} {
		assert.Len(t, log.lines("key="+term), 1, term)
	}
	assert.Len(t, log.lines(""), 4)
	assert.NotContains(t, log.String(), "needle")
	assert.EqualValues(t, 100, c.Stats().Redacted)
}

func TestNewNamesEveryWrongPartOfThePolicy(t *testing.T) {
	for name, row := range map[string]struct {
		policy loopkit.PIIPolicy
		wrong  string
	}{
		"no key":          {loopkit.PIIPolicy{Mode: loopkit.PIIHash}, "PII.Key is empty"},
		"a short key":     {loopkit.PIIPolicy{Key: []byte("needle")}, "PII.Key has 6 bytes"},
		"an unknown mode": {loopkit.PIIPolicy{Mode: 9}, "PII.Mode is 9"},
		"an empty extra":  {loopkit.PIIPolicy{Extra: []string{"salary", " - "}}, "PII.Extra[1]"},
		"an empty allow":  {loopkit.PIIPolicy{Allow: []string{""}}, "PII.Allow[0]"},
	} {
		_, err := loopkit.New(testKey, &loopkit.Options{PII: row.policy})
		require.ErrorContains(t, err, row.wrong, name)
		assert.NotContains(t, err.Error(), "needle")
	}
}

func TestThePolicysKeyIsCopiedAndNeverPrinted(t *testing.T) {
	key := []byte("needle needle needle")
	opts := loopkit.Options{PII: loopkit.PIIPolicy{Mode: loopkit.PIIHash, Key: key}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("options", "pii", opts.PII, "options", opts)
	encoded, err := json.Marshal(opts.PII)
	require.NoError(t, err)
	for _, printed := range []string{string(encoded), fmt.Sprintf("%v %+v %#v %s %x %v", opts.PII, opts.PII, opts.PII, opts.PII, opts.PII, opts), log.String()} {
		assert.NotContains(t, printed, "needle")
		assert.NotContains(t, printed, fmt.Sprintf("%x", "needle"))
		assert.NotContains(t, printed, "110 101 101 100")
		assert.NotContains(t, printed, base64.StdEncoding.EncodeToString([]byte("needle"))[:6])
	}

	server := loopkittest.NewTransport(t)
	c := newClient(t, server, func(o *loopkit.Options) { o.PII = opts.PII })
	want := loopkit.HashPII(key, "john@acme.com")
	clear(key)
	require.NoError(t, c.Track(visitor("anon_456"), "page_view", loopkit.Properties{"email": "john@acme.com"}))
	require.NoError(t, c.Close(t.Context()))
	assert.Equal(t, want, server.Messages()[0].Values["email_hash"])
}

func TestRedactedCountsOnlyMessagesThatWereAccepted(t *testing.T) {
	server := loopkittest.NewTransport(t)
	c := newClient(t, server, func(o *loopkit.Options) { o.PII.Mode = loopkit.PIIDrop })
	require.NoError(t, c.Close(t.Context()))
	require.ErrorIs(t, c.Track(visitor("anon_456"), "page_view", loopkit.Properties{"email": "x"}), loopkit.ErrClosed)
	assert.Zero(t, c.Stats().Redacted)
}

func TestTheCallersMapIsNeverChanged(t *testing.T) {
	nested := map[string]any{"email": "john@acme.com"}
	values := map[string]any{"password": "x", "ip": "y", "nested": nested, "list": []any{nested}}
	server := loopkittest.NewTransport(t)
	c := newClient(t, server, func(o *loopkit.Options) {
		o.PII.Mode = loopkit.PIIDrop
		o.BeforeSend = func(_ context.Context, m *loopkit.Message) *loopkit.Message {
			m.Values["added"] = true
			m.Values["nested"].(map[string]any)["added"] = true
			m.Values["list"].([]any)[0].(map[string]any)["added"] = true
			return m
		}
	})
	require.NoError(t, c.Track(visitor("anon_456"), "page_view", values))
	assert.Equal(t, map[string]any{"password": "x", "ip": "y", "nested": nested, "list": []any{nested}}, values)
	assert.Equal(t, map[string]any{"email": "john@acme.com"}, nested)
}
