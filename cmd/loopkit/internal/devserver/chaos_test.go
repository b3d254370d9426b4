package devserver_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
)

func TestChaosIsParsed(t *testing.T) {
	for text, want := range map[string]devserver.Chaos{
		"":                      {},
		"  ":                    {},
		"fail=20%:503":          {FailPercent: 20, FailStatus: 503},
		"fail=20%":              {FailPercent: 20, FailStatus: 503},
		"fail=0.5%:429":         {FailPercent: 0.5, FailStatus: 429},
		"fail=100%:400":         {FailPercent: 100, FailStatus: 400},
		"latency=500ms":         {Latency: 500 * time.Millisecond},
		"ratelimit=10/s":        {RateLimit: 10},
		"ratelimit=10":          {RateLimit: 10},
		"ratelimit=120/m":       {RateLimit: 2},
		"ratelimit=1/h":         {RateLimit: 1.0 / 3600},
		" latency=1s , fail=1%": {FailPercent: 1, FailStatus: 503, Latency: time.Second},
		"fail=20%:503,latency=500ms,ratelimit=10/s": {FailPercent: 20, FailStatus: 503, Latency: 500 * time.Millisecond, RateLimit: 10},
	} {
		got, err := devserver.ParseChaos(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
}

func TestChaosThatMakesNoSenseIsExplained(t *testing.T) {
	for text, want := range map[string]string{
		"fail":                    "chaos fail has no value",
		"fail=":                   "chaos fail has no value",
		"fail=20":                 "must be a share of the requests and a status, such as 20%:503",
		"fail=101%":               "must be a share of the requests",
		"fail=-1%":                "must be a share of the requests",
		"fail=NaN%":               "must be a share of the requests",
		"fail=20%:200":            `the status "200"; it must be 400 to 599`,
		"fail=20%:":               "it must be 400 to 599",
		"fail=20%:teapot":         "it must be 400 to 599",
		"latency=500":             "must be a duration up to 5m, such as 500ms",
		"latency=-1s":             "must be a duration up to 5m",
		"latency=1h":              "must be a duration up to 5m",
		"ratelimit=0/s":           "must be a number of requests in a time, such as 10/s",
		"ratelimit=10/d":          "must be a number of requests in a time",
		"ratelimit=Inf":           "must be a number of requests in a time",
		"speed=10":                `"speed" is unknown; the rules are fail=20%:503, latency=500ms and ratelimit=10/s`,
		"fail=1%,fail=2%":         "chaos fail is given twice",
		"fail=1%,":                `chaos "" is unknown`,
		"fail=20%:503;latency=1s": "it must be 400 to 599",
	} {
		_, err := devserver.ParseChaos(text)
		assert.ErrorContains(t, err, want, text)
	}
}

func FuzzParseChaos(f *testing.F) {
	for _, seed := range []string{"", "fail=20%:503,latency=500ms,ratelimit=10/s", "fail=1e-3%", "ratelimit=1e300/h", "latency=1ns", ",", "="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := devserver.ParseChaos(text)
		if err != nil {
			assert.Equal(t, devserver.Chaos{}, c)
			return
		}
		assert.True(t, c.FailPercent >= 0 && c.FailPercent <= 100)
		assert.True(t, c.Latency >= 0)
		assert.True(t, c.RateLimit >= 0)
		again, err := devserver.ParseChaos(c.String())
		require.NoError(t, err, c.String())
		assert.Equal(t, c.String(), again.String())
	})
}

// sequence is a generator of the given numbers.
func sequence(numbers ...float64) func() float64 {
	return func() float64 {
		next := numbers[0]
		numbers = append(numbers[1:], next)
		return next
	}
}

func TestChaosFailsItsShareOfTheRequestsAndShowsThem(t *testing.T) {
	s := start(t, devserver.Options{
		Chaos:  devserver.Chaos{FailPercent: 20, FailStatus: 503},
		Random: sequence(0.5, 0.1999, 0.2),
	})
	var statuses []int
	for range 3 {
		response, _ := s.send(http.MethodPost, "/v1/tracks", trackBody("page_view"), header{"Authorization", "Bearer lk_dev"})
		statuses = append(statuses, response.StatusCode)
	}
	assert.Equal(t, []int{200, 503, 200}, statuses)
	assert.Equal(t, []string{"page_view", "refused", "page_view"}, s.names())

	refused := s.Store().Snapshot().Entries[1].Request
	assert.Equal(t, 503, refused.Status)
	assert.Equal(t, 1, refused.Messages)
	assert.Contains(t, string(refused.Body), "page_view")
	assert.Equal(t, "refused on purpose, by the chaos or the name of the key", refused.Refusal)
}

func TestKeysAreRefusedAsTheirNamesSay(t *testing.T) {
	s := start(t, devserver.Options{})
	calls := map[string]string{
		"identifies": "POST /v1/identifies",
		"groups":     "POST /v1/groups",
		"tracks":     "POST /v1/tracks",
		"users":      "DELETE /v1/users/user_123",
		"members":    "DELETE /v1/groups/team_456",
	}
	all := func(status int) map[string]int {
		return map[string]int{"identifies": status, "groups": status, "tracks": status, "users": status, "members": status}
	}
	only := func(endpoint string, status int) map[string]int {
		want := all(200)
		want[endpoint] = status
		return want
	}
	deletions := all(200)
	deletions["users"], deletions["members"] = 404, 404
	for key, want := range map[string]map[string]int{
		"lk_dev":                all(200),
		"lk_anything":           all(200),
		"lk_dev_401":            all(401),
		"lk_dev_500":            all(500),
		"lk_dev_403_identifies": only("identifies", 403),
		"lk_dev_503_tracks":     only("tracks", 503),
		"lk_dev_404_deletions":  deletions,
		"lk_dev_403_nothing":    all(200),
		"lk_dev_403_":           all(200),
		"lk_dev_200":            all(200),
		"lk_dev_999":            all(200),
		"lk_dev_x":              all(200),
		"lk_dev_":               all(200),
	} {
		for name, call := range calls {
			method, path, _ := strings.Cut(call, " ")
			body := map[string]string{
				"identifies": `{"userId":"user_123","anonymousId":"anon_456","traits":{"plan":"pro"},"timestamp":"2025-01-15T10:30:00Z"}`,
				"groups":     `{"groupId":"team_456","userId":"user_123","anonymousId":"anon_456","traits":{"plan":"pro"},"timestamp":"2025-01-15T10:30:00Z"}`,
				"tracks":     trackBody("page_view"),
			}[name]
			response, text := s.send(method, path, body, header{"Authorization", "Bearer " + key})
			assert.Equal(t, want[name], response.StatusCode, "%s %s: %s", key, call, text)
			assert.NotContains(t, text, key+"_", "keys are not shown")
		}
	}
	for _, h := range []header{{"Authorization", "lk_dev_401"}, nil} {
		response, _ := s.send(http.MethodPost, "/v1/tracks?apiKey=lk_dev_401", trackBody("page_view"), h)
		assert.Equal(t, http.StatusUnauthorized, response.StatusCode, "however the key is sent")
	}
}

func TestARefusalForTooManyRequestsSaysWhenToComeBack(t *testing.T) {
	s := start(t, devserver.Options{})
	response, _ := s.send(http.MethodPost, "/v1/tracks", trackBody("page_view"), header{"Authorization", "Bearer lk_dev_429"})
	assert.Equal(t, http.StatusTooManyRequests, response.StatusCode)
	assert.Equal(t, "1", response.Header.Get("Retry-After"))
}

func TestTheRateLimitLetsItsRateThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trouble := devserver.NewTroublemaker(devserver.Chaos{RateLimit: 0.5})
		var accepted, waits []string
		for range 3 {
			status, wait := trouble.Serve(t)
			accepted, waits = append(accepted, status), append(waits, wait)
			time.Sleep(1500 * time.Millisecond)
		}
		assert.Equal(t, []string{"200", "429", "200"}, accepted)
		assert.Equal(t, []string{"", "1", ""}, waits, "half a second is rounded up")
	})
}

func TestLatencyDelaysAnswersAndEndsWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trouble := devserver.NewTroublemaker(devserver.Chaos{Latency: 500 * time.Millisecond})
		began := time.Now()
		status, _ := trouble.Serve(t)
		assert.Equal(t, "200", status)
		assert.Equal(t, 500*time.Millisecond, time.Since(began))

		began = time.Now()
		status, _ = trouble.ServeFor(t, 100*time.Millisecond)
		assert.Equal(t, "broken", status, "net/http would answer 200 if there were none")
		assert.Equal(t, 100*time.Millisecond, time.Since(began))
	})
}

func TestChaosIsChangedWhileTheServerRuns(t *testing.T) {
	s := start(t, devserver.Options{Random: sequence(0)})
	var got map[string]string
	s.get("/api/chaos", &got)
	assert.Equal(t, map[string]string{"fail": "", "latency": "", "ratelimit": ""}, got)

	response, text := s.send(http.MethodPut, "/api/chaos", `{"fail":"20%:500","ratelimit":"600/m"}`, asJSON)
	require.Equal(t, http.StatusOK, response.StatusCode, text)
	s.get("/api/chaos", &got)
	assert.Equal(t, map[string]string{"fail": "20%:500", "latency": "", "ratelimit": "10/s"}, got)
	response, _ = s.send(http.MethodPost, "/v1/tracks", trackBody("page_view"), header{"Authorization", "Bearer lk_dev"})
	assert.Equal(t, 500, response.StatusCode)

	for body, want := range map[string]string{
		`{"fail":"much"}`: "chaos fail is",
		`{"fial":"20%"}`:  "fial",
		`{`:               "the body is not what this call takes",
		`{} {}`:           "something behind its JSON",
		`[]`:              "the body is not what this call takes",
	} {
		response, text := s.send(http.MethodPut, "/api/chaos", body, asJSON)
		assert.Equal(t, http.StatusBadRequest, response.StatusCode, body)
		assert.Contains(t, text, want)
	}
	s.get("/api/chaos", &got)
	assert.Equal(t, "20%:500", got["fail"], "an error changes nothing")

	response, _ = s.send(http.MethodPut, "/api/chaos", `{}`, asJSON)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	s.track("page_view")
}
