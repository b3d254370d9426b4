package doctor

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

func probe(t testing.TB, server *loopkittest.Server) map[string][]Finding {
	env := healthy(t, server.BaseURL())
	env.Probe = true
	return examine(t, env)
}

func TestAKeyThatIsRefusedOnOneEndpointOnly(t *testing.T) {
	for _, status := range []int{401, 403} {
		server := loopkittest.NewServer(t)
		server.FailAll(loopkittest.Identifies, loopkittest.Fault{Status: status})
		found := probe(t, server)
		requireFinding(t, found, "probe tracks", OK, "takes the key")
		requireFinding(t, found, "probe groups", OK, "takes the key")
		requireFinding(t, found, "probe identifies", Failed, "while other endpoints take the key")
		assert.Contains(t, found["probe identifies"][0].Fix, "Verify API key has identify permissions")
	}
}

func TestAKeyThatIsRefusedEverywhere(t *testing.T) {
	found := probe(t, loopkittest.NewServer(t, loopkittest.WithKeys("lk_other")))
	for _, check := range []string{"probe tracks", "probe identifies", "probe groups"} {
		requireFinding(t, found, check, Failed, "the key from LOOPKIT_API_KEY is not accepted")
	}
	requireFinding(t, found, "probe deletion", Warning, "not accepted, and not only for deletions")
}

func TestASuccessStatusAloneProvesNothing(t *testing.T) {
	const json, page = "application/json", "text/html; charset=utf-8"
	for name, c := range map[string]struct {
		contentType, body string
		tracks, deletion  Status
		says              string
	}{
		"success":            {json, `{"success":true}`, OK, OK, ""},
		"another object":     {json, `{"accepted":0}`, OK, OK, ""},
		"nothing":            {"", "", OK, OK, ""},
		"refusal":            {json, `{"success":false,"message":"quota exceeded"}`, Failed, Warning, `answered 200 OK, but with "success": false: "quota exceeded"`},
		"refusal, no reason": {json, `{"success":false}`, Failed, Warning, `but with "success": false → `},
		"repeats the key":    {json, `{"success":false,"message":"` + testKey + ` is\u001b[2K unknown"}`, Failed, Warning, `"[API key] is [2K unknown"`},
		"login page":         {page, "<html>", Failed, Failed, "with a web page"},
		"page without type":  {"", " <!doctype html>", Failed, Failed, "with a web page"},
		"text":               {"text/plain", "OK", Warning, Warning, "nothing confirms"},
		"list":               {json, "[]", Warning, Warning, "nothing confirms"},
		"half of it":         {json, `{"success":tr`, Warning, Warning, "nothing confirms"},
		"endless":            {json, `{"success":true,"more":"` + strings.Repeat("x", mostRead) + `"}`, Warning, Warning, "nothing confirms"},
	} {
		t.Run(name, func(t *testing.T) {
			env := healthy(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Content-Type"] = nil
				if c.contentType != "" {
					w.Header().Set("Content-Type", c.contentType)
				}
				body := c.body
				if r.Method == http.MethodGet {
					w.Header().Set("Content-Type", json)
					body = `{"unity":"1.0.3"}`
				}
				_, _ = io.WriteString(w, body) // what fails is seen by the client
			}))
			env.Probe = true
			found := examine(t, env)
			requireFinding(t, found, "server", OK, "200 OK")
			requireFinding(t, found, "probe tracks", c.tracks, c.says)
			requireFinding(t, found, "probe deletion", c.deletion, c.says)
		})
	}
}

func TestAKeyWithoutPermissions(t *testing.T) {
	server := loopkittest.NewServer(t)
	for _, endpoint := range []loopkittest.Endpoint{loopkittest.Tracks, loopkittest.Identifies, loopkittest.Groups} {
		server.FailAll(endpoint, loopkittest.Fault{Status: 403})
	}
	requireFinding(t, probe(t, server), "probe groups", Failed, "Verify API key has group permissions")
}

func TestARefusedProbeProvesTheKeyIfItIsRefusedOtherwiseWithout(t *testing.T) {
	// Strict asks for the key first and refuses an envelope without messages.
	found := probe(t, loopkittest.NewServer(t, loopkittest.Strict(), loopkittest.WithKeys(testKey)))
	requireFinding(t, found, "probe tracks", OK, "400 Bad Request to an empty message")

	server := loopkittest.NewServer(t)
	server.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 400})
	found = probe(t, server)
	requireFinding(t, found, "probe tracks", Warning, "tells nothing of the key")
	assert.NotContains(t, found["probe tracks"][0].Fix, "user_123", "nobody is advised to send an event of a made-up user")

	for _, endpoint := range []loopkittest.Endpoint{loopkittest.Tracks, loopkittest.Identifies} {
		server.FailAll(endpoint, loopkittest.Fault{Status: 400})
	}
	server.FailAll(loopkittest.Groups, loopkittest.Fault{Status: 401})
	found = probe(t, server)
	requireFinding(t, found, "probe identifies", Warning, `"loopkit identify" tells`)
	requireFinding(t, found, "probe groups", Failed, "the key from LOOPKIT_API_KEY is not accepted") // for no endpoint is known to take it
}

func TestOtherAnswersToAProbe(t *testing.T) {
	for status, c := range map[int]struct {
		want Status
		says string
	}{
		402: {Failed, "plan"},
		404: {Failed, "no endpoint is there"},
		429: {Warning, "fewer requests"},
		500: {Failed, "the server has a problem"},
	} {
		server := loopkittest.NewServer(t)
		server.FailAll(loopkittest.Groups, loopkittest.Fault{Status: status})
		requireFinding(t, probe(t, server), "probe groups", c.want, c.says)
	}
	server := loopkittest.NewServer(t)
	server.FailAll(loopkittest.Groups, loopkittest.Fault{Reset: true})
	requireFinding(t, probe(t, server), "probe groups", Failed, "no answer")
}

func TestDeletionSupport(t *testing.T) {
	requireFinding(t, probe(t, loopkittest.NewServer(t)), "probe deletion", OK, "200 OK")
	requireFinding(t, probe(t, loopkittest.NewServer(t, loopkittest.WithoutDeletion())), "probe deletion", Warning, "not supported")
	for status, c := range map[int]struct {
		want Status
		says string
	}{
		202: {OK, "202 Accepted"},
		204: {OK, "204 No Content"},
		302: {Warning, "the address may be wrong"},
		400: {Warning, "ask LoopKit how users are deleted"},
		402: {Warning, "plan"},
		429: {Warning, "try again later"},
		401: {Warning, "may not delete"},
		403: {Warning, "may not delete"},
		405: {Warning, "exits with 3"},
		501: {Warning, "exits with 3"},
		503: {Failed, "the server has a problem"},
	} {
		server := loopkittest.NewServer(t)
		server.FailAll(loopkittest.UserDeletions, loopkittest.Fault{Status: status, Body: `{"message":"scripted"}`})
		requireFinding(t, probe(t, server), "probe deletion", c.want, c.says)
	}
}

func TestAKeyThatCannotBeSentIsNotProbed(t *testing.T) {
	server := loopkittest.NewServer(t)
	env := healthy(t, server.BaseURL())
	env.Probe, env.Key = true, "Bearer "+testKey
	found := examine(t, env)
	requireFinding(t, found, "probe", Skipped, "no key that could be sent")
	env.Key = ""
	requireFinding(t, examine(t, env), "probe", Skipped, "mend the key first")
	for _, r := range server.Requests() {
		assert.Equal(t, http.MethodGet, r.Method)
	}
}

func TestAnEndpointThatSaysNoWithA200DoesNotTakeTheKey(t *testing.T) {
	server := loopkittest.NewServer(t)
	for _, endpoint := range []loopkittest.Endpoint{loopkittest.Tracks, loopkittest.Groups} {
		server.FailAll(endpoint, loopkittest.Fault{Status: 200, Body: `{"success":false,"message":"unknown key"}`})
	}
	server.FailAll(loopkittest.Identifies, loopkittest.Fault{Status: 401})
	found := probe(t, server)
	requireFinding(t, found, "probe tracks", Failed, `"unknown key"`)
	requireFinding(t, found, "probe identifies", Failed, "is not accepted") // no "while other endpoints take the key"
}
