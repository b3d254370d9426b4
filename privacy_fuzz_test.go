package loopkit_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// needle is a value that must not be sent. It has no letter in upper case, so
// that it is the same after every way of writing it.
const needle = "needle-4711"

// personalWords and secretWords are written here again: the list that the
// library has is what is tested.
var (
	personalWords = strings.Split("email,mail,phone,mobile,full name,first name,last name,address,street,zip,postal,birth date,dob,ip,lat,lng,passport,national id", ",")
	secretWords   = strings.Split("password,passwd,secret,token,api key,authorization,cookie,private key,credit card,card number,cvv,ssn", ",")
)

// haystack makes values of all kinds around needles.
type haystack struct{ *rand.Rand }

func (h haystack) pick(words []string) string { return words[h.IntN(len(words))] }

// key returns a key that has the words of a term in it, in some spelling.
func (h haystack) key(term string) string {
	words := strings.Fields(term)
	if h.IntN(3) == 0 {
		words = append([]string{h.pick([]string{"user", "billing", "x", "old2"})}, words...)
	}
	if h.IntN(3) == 0 {
		words = append(words, h.pick([]string{"value", "1", "field"}))
	}
	switch h.IntN(5) {
	case 0:
		return strings.Join(words, "_")
	case 1:
		return strings.ToUpper(strings.Join(words, "-"))
	case 2:
		return strings.Join(words, ".")
	}
	for i, word := range words {
		if i > 0 || h.IntN(2) == 0 {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

// denied returns a value with a needle in it.
func (h haystack) denied() any {
	switch h.IntN(9) {
	case 0:
		return []string{needle}
	case 1:
		return map[string]any{"inner": needle}
	case 2:
		return []any{1, []any{map[string]string{"inner": needle}}}
	case 3:
		inner := needle
		return struct{ Inner *string }{&inner}
	case 4:
		return json.RawMessage(`["` + needle + `"]`)
	case 5:
		return map[string]any{needle: true}
	case 6:
		return []int{4711, 4711}
	}
	return needle
}

// wrap hides a value in others, none of which has a key that says anything.
func (h haystack) wrap(v any) any {
	for range h.IntN(4) {
		switch h.IntN(6) {
		case 0:
			v = map[string]any{"a": v, "plan": "pro"}
		case 1:
			v = []any{true, v}
		case 2:
			v = struct{ Field any }{v}
		case 3:
			v = map[string]struct{ V any }{"b": {v}}
		case 4:
			v = loopkit.Properties{"c": v}
		case 5:
			text, err := json.Marshal(v)
			if err != nil {
				panic(err)
			}
			v = json.RawMessage(" " + string(text))
		}
	}
	return v
}

func FuzzNoDeniedValueIsSent(f *testing.F) {
	for seed := range uint64(64) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		h := haystack{rand.New(rand.NewPCG(seed, 0))}
		var bodies strings.Builder
		server := loopkittest.NewTransport(t)
		level := []loopkit.Consent{loopkit.Denied, loopkit.AnonymousOnly, loopkit.Pseudonymous, loopkit.Full}[h.IntN(4)]
		policy := loopkit.PIIPolicy{Mode: piiModes[h.IntN(len(piiModes))], Extra: []string{"shoe size"}}
		if policy.Mode == loopkit.PIIHash || h.IntN(2) == 0 {
			policy.Key = piiKey
		}
		c := newClient(t, server, func(o *loopkit.Options) {
			o.PII = policy
			o.HTTPClient = &http.Client{Transport: recordingTransport{server.RoundTripper(), &bodies}}
			o.MaxMessageBytes = 100 << 10
		})

		words := secretWords
		if policy.Mode != loopkit.PIIWarn || level == loopkit.Pseudonymous || level == loopkit.Denied {
			words = append(append(words[:len(words):len(words)], personalWords...), policy.Extra...)
		}
		values, fields := loopkit.Traits{"plan": "pro"}, loopkit.Properties{"page": "/"}
		for range 1 + h.IntN(3) {
			values[h.pick([]string{"x", "y", "z"})] = h.wrap(map[string]any{h.key(h.pick(words)): h.denied()})
			values[h.key(h.pick(words))] = h.denied()
			fields[h.key(h.pick(words))] = h.denied()
		}
		ctx := loopkit.WithConsent(loopkit.WithContextFields(known("anon_456", "user_123"), fields), level)
		call := h.pick([]string{"identify", "group", "track"})
		err := callWithValues(c, ctx, call, values)
		if policy.Mode != loopkit.PIIRefuse {
			require.NoError(t, err)
		} else if err != nil {
			require.NotContains(t, err.Error(), needle)
		}
		require.NoError(t, c.Close(t.Context()))
		require.NotContains(t, bodies.String(), "[4711,4711]")
		require.NotContains(t, bodies.String(), needle, "%v, mode %d, %s of %v with %v", level, policy.Mode, call, values, fields)
		if level == loopkit.Denied || level == loopkit.AnonymousOnly {
			require.NotContains(t, bodies.String(), "user_123")
		}
	})
}

// recordingTransport writes down what is sent.
type recordingTransport struct {
	next http.RoundTripper
	to   *strings.Builder
}

func (r recordingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.to.Write(body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	return r.next.RoundTrip(req)
}
