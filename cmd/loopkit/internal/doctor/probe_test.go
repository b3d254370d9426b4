package doctor

import (
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
	requireFinding(t, found, "probe deletion", Warning, "may not delete")
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
	requireFinding(t, probe(t, server), "probe tracks", Warning, "tells nothing of the key")
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
		400: {Warning, "ask LoopKit"},
		401: {Warning, "may not delete"},
		403: {Warning, "may not delete"},
		405: {Warning, "exits with 3"},
		501: {Warning, "exits with 3"},
		503: {Failed, "the server has a problem"},
	} {
		server := loopkittest.NewServer(t)
		server.FailAll(loopkittest.UserDeletions, loopkittest.Fault{Status: status})
		requireFinding(t, probe(t, server), "probe deletion", c.want, c.says)
	}
}

func TestAKeyThatCannotBeSentIsNotProbed(t *testing.T) {
	server := loopkittest.NewServer(t)
	env := healthy(t, server.BaseURL())
	env.Probe, env.Key = true, "Bearer "+testKey
	found := examine(t, env)
	for check := range found {
		assert.False(t, strings.HasPrefix(check, "probe"))
	}
	for _, r := range server.Requests() {
		assert.Equal(t, http.MethodGet, r.Method)
	}
}
