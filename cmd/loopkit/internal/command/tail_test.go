package command

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/journey"
)

func sendJourney(t testing.TB, url string) {
	t.Helper()
	_, err := journey.Send(t.Context(), devserver.Key, url+"/v1")
	require.NoError(t, err)
}

func TestTailPrintsTheLinesOfDev(t *testing.T) {
	dev, url := launchDev(t)
	sendJourney(t, url)
	tail := launch(t, devEnv(url), "tail")
	tail.waitFor(tail.out, "feature_used")
	sendJourney(t, url)
	tail.waitFor(tail.out, "(?s)feature_used.*feature_used")
	assert.Equal(t, statusOK, tail.end())
	require.Equal(t, statusOK, dev.end())
	_, shown, _ := strings.Cut(dev.out.String(), "Ctrl-C ends.\n\n")
	assert.Equal(t, shown, tail.out.String())
	assert.Empty(t, tail.err.String())
}

func TestTailFiltersAndBeginsWithTheNewest(t *testing.T) {
	_, url := launchDev(t)
	sendJourney(t, url)
	tail := launch(t, devEnv(url), "tail", "-n", "1", "kind:track", "user:user_123")
	tail.waitFor(tail.out, "feature_used")
	sendJourney(t, url)
	tail.waitFor(tail.out, "(?s)feature_used.*feature_used")
	assert.Equal(t, statusOK, tail.end())
	var titles []string
	for line := range strings.Lines(tail.out.String()) {
		titles = append(titles, strings.Fields(line)[2])
	}
	assert.Equal(t, []string{"feature_used", "team_invitation_accepted", "feature_used"}, titles)
}

func TestTailWritesJSON(t *testing.T) {
	_, url := launchDev(t)
	sendJourney(t, url)
	tail := launch(t, devEnv(url), "tail", "--json", "kind:group")
	tail.waitFor(tail.out, "\n")
	assert.Equal(t, statusOK, tail.end())
	var event struct {
		GroupID string
		Traits  map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(tail.out.String()), &event))
	assert.Equal(t, "team_456", event.GroupID)
	assert.Equal(t, "Acme Corp", event.Traits["name"])
}

func TestTailGoesOnAfterTheServerStartedAgain(t *testing.T) {
	dev, url := launchDev(t)
	addr := strings.TrimPrefix(url, "http://")
	tail := launch(t, devEnv(url), "tail")
	sendJourney(t, url)
	tail.waitFor(tail.out, "feature_used")
	require.Equal(t, statusOK, dev.end())
	tail.waitFor(tail.err, "the connection to "+addr+" is lost")

	again := launch(t, nil, "dev", "--addr", addr, "--demo")
	again.waitFor(again.out, "feature_used")
	tail.waitFor(tail.out, "(?s)feature_used.*feature_used")
	assert.Equal(t, statusOK, tail.end())
	assert.Equal(t, "loopkit: the connection to "+addr+" is lost, waiting for the server to come back\n"+
		"loopkit: connected again\nloopkit: the server has begun anew\n", tail.err.String())
	assert.Equal(t, 14, strings.Count(tail.out.String(), "\n"), "nothing twice, nothing missing")
}

func TestTailDoesNotRepeatTheJournalOfAServerThatStartedAgain(t *testing.T) {
	journal := filepath.Join(t.TempDir(), "events.ndjson")
	dev, url := launchDev(t, "--data", journal)
	sendJourney(t, url)
	tail := launch(t, devEnv(url), "tail", "-n", "2", "--json")
	tail.waitFor(tail.out, "feature_used")
	require.Equal(t, statusOK, dev.end())

	again := launch(t, nil, "dev", "--addr", strings.TrimPrefix(url, "http://"), "--data", journal)
	again.waitFor(again.out, "Ctrl-C ends")
	track := func(name string) {
		response, err := http.Post(url+"/v1/tracks?apiKey=lk_dev", "application/json", strings.NewReader(
			`{"name":"`+name+`","anonymousId":"anon_456","timestamp":"2025-01-15T10:30:00Z"}`))
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	track("while_away")
	tail.waitFor(tail.err, "the server has begun anew")
	track("after_it")
	tail.waitFor(tail.out, "after_it")
	assert.Equal(t, statusOK, tail.end())
	var names []string
	for line := range strings.Lines(tail.out.String()) {
		var event struct{ Type, Name string }
		require.NoError(t, json.Unmarshal([]byte(line), &event))
		names = append(names, event.Type+" "+event.Name)
	}
	assert.Equal(t, []string{"group ", "track feature_used", "track while_away", "track after_it"}, names)
}

func TestTailHearsThatTheServerWasCleared(t *testing.T) {
	_, url := launchDev(t)
	tail := launch(t, devEnv(url), "tail")
	sendJourney(t, url)
	tail.waitFor(tail.out, "feature_used")
	response, err := http.Post(url+"/api/reset", "application/json", strings.NewReader("{}"))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	tail.waitFor(tail.err, "the server has begun anew")
}

func TestTailWithoutAServerSaysHowToStartOne(t *testing.T) {
	dev, url := launchDev(t)
	require.Equal(t, statusOK, dev.end())
	tail := launch(t, devEnv(url), "tail")
	assert.Equal(t, statusFailed, <-tail.status)
	tail.status <- statusFailed
	assert.Contains(t, tail.err.String(), "no development server answers at "+strings.TrimPrefix(url, "http://")+`, start one with "loopkit dev"`)
}

func TestTailExplainsAWrongUse(t *testing.T) {
	for says, args := range map[string][]string{
		"the filter: unknown filter nonsense": {"nonsense:1"},
		"--lines is -1":                       {"-n", "-1"},
	} {
		r := launch(t, nil, append([]string{"tail"}, args...)...)
		assert.Equal(t, statusUsage, r.end())
		assert.Contains(t, r.err.String(), says)
	}
}
