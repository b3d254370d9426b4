package devserver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/journey"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
)

// travelled is a server that the documentation's journey was sent to.
func travelled(t testing.TB, opts devserver.Options) *server {
	s := start(t, opts)
	stats, err := journey.Send(t.Context(), devserver.Key, s.BaseURL())
	require.NoError(t, err)
	require.Equal(t, int64(7), stats.Delivered)
	return s
}

func TestTheSummaryCounts(t *testing.T) {
	s := travelled(t, devserver.Options{})
	s.send(http.MethodPost, "/v1/tracks", "{}", nil)
	s.send(http.MethodDelete, "/v1/users/user_123", "", header{"Authorization", "Bearer lk_dev"})
	s.send(http.MethodGet, "/v1/sdk-versions", "", nil)
	var got map[string]any
	s.get("/api/summary", &got)
	assert.Equal(t, s.Store().Instance(), got["instance"])
	for name, want := range map[string]float64{
		"events": 8, "identifies": 1, "groupCalls": 1, "tracks": 5, "deletions": 1, "people": 1, "groups": 1,
		"requests": 9, "refused": 1, "forgotten": 0,
	} {
		assert.InDelta(t, want, got[name], 0, name)
	}
	warnings, _ := got["warnings"].(map[string]any)
	for _, severity := range []string{"error", "warning", "info"} {
		assert.Contains(t, warnings, severity)
	}
	assert.NotContains(t, got, "forward")
}

func TestEventsAreFiltered(t *testing.T) {
	s := travelled(t, devserver.Options{})
	for query, want := range map[string][]string{
		"":                                     {"page_view", "button_click", "user_signup", "user_123", "team_invitation_accepted", "team_456", "feature_used"},
		"kind=identify":                        {"user_123"},
		"kind=identify,group":                  {"user_123", "team_456"},
		"user=user_123":                        {"user_123", "team_invitation_accepted", "team_456", "feature_used"},
		"user=user_123&kind=track":             {"team_invitation_accepted", "feature_used"},
		"q=name:user_*":                        {"user_signup"},
		"q=kind:track&kind=group":              {},
		"q=kind:track&since=4":                 {"team_invitation_accepted", "feature_used"},
		"since=" + s.Store().Instance() + ".5": {"team_456", "feature_used"},
		"since=another.5&kind=identify":        {"user_123"},
		"since=99":                             {},
		"latest=0":                             {},
		"latest=2":                             {"team_456", "feature_used"},
		"q=kind:track&latest=1":                {"feature_used"},
		`user=no"body`:                         {},
	} {
		var got struct {
			Events []struct{ Name, UserID, GroupID, Type string }
		}
		s.get("/api/events?"+strings.NewReplacer(`"`, "%22").Replace(query), &got)
		names := []string{}
		for _, e := range got.Events {
			switch e.Type {
			case "identify":
				names = append(names, e.UserID)
			case "group":
				names = append(names, e.GroupID)
			default:
				names = append(names, e.Name)
			}
		}
		assert.Equal(t, want, names, query)
	}
	for query, want := range map[string]string{
		"q=nonsense:1": "unknown filter nonsense",
		"kind=none":    "unknown kind none",
		"since=x":      "since is",
		"since=-1":     "since is",
		"since=a.b":    "since is",
		"latest=-1":    "latest is",
		"latest=many":  "latest is",
	} {
		for _, path := range []string{"/api/events", "/api/stream"} {
			response, text := s.send(http.MethodGet, path+"?"+query, "", nil)
			assert.Equal(t, http.StatusBadRequest, response.StatusCode, query)
			assert.Contains(t, text, want)
		}
	}
}

func TestPeopleAndGroupsAreShownMerged(t *testing.T) {
	s := travelled(t, devserver.Options{})
	var person struct {
		UserID, Status                          string
		AnonymousIDs, Groups, Events, Conflicts []string
		Traits                                  map[string]any
	}
	s.get("/api/people/user_123", &person)
	assert.Equal(t, "identified", person.Status)
	require.Len(t, person.AnonymousIDs, 1)
	assert.Equal(t, []string{"team_456"}, person.Groups)
	assert.Equal(t, []string{"page_view", "button_click", "user_signup", "team_invitation_accepted", "feature_used"}, person.Events)
	assert.Equal(t, map[string]any{"email": "john@acme.com", "plan": "trial", "signup_date": "2025-01-15", "source": "pricing_page"}, person.Traits)
	assert.Empty(t, person.Conflicts)
	assert.NotNil(t, person.Conflicts, "a list, also when it is empty")
	byAnonymousID := person
	s.get("/api/people/"+person.AnonymousIDs[0], &byAnonymousID)
	assert.Equal(t, person, byAnonymousID)

	var people struct{ People []struct{ UserID string } }
	s.get("/api/people", &people)
	assert.Len(t, people.People, 1)

	var group struct {
		GroupID, GroupType, Status string
		Members                    []string
		Traits                     map[string]any
	}
	s.get("/api/groups/team_456", &group)
	assert.Equal(t, "organization", group.GroupType)
	assert.Equal(t, "active", group.Status)
	assert.Equal(t, []string{"user_123"}, group.Members)
	assert.Equal(t, "Acme Corp", group.Traits["name"])
	var groups struct{ Groups []any }
	s.get("/api/groups", &groups)
	assert.Len(t, groups.Groups, 1)

	for _, path := range []string{"/api/people/nobody", "/api/groups/none"} {
		response, text := s.send(http.MethodGet, path, "", nil)
		assert.Equal(t, http.StatusNotFound, response.StatusCode)
		assert.Contains(t, text, `"success": false`)
	}

	s.send(http.MethodDelete, "/v1/users/user_123", "", header{"Authorization", "Bearer lk_dev"})
	s.send(http.MethodDelete, "/v1/groups/team_456", "", header{"Authorization", "Bearer lk_dev"})
	s.get("/api/people/user_123", &person)
	assert.Equal(t, "deleted", person.Status)
	assert.Empty(t, person.AnonymousIDs)
	s.get("/api/groups/team_456", &group)
	assert.Equal(t, "deleted", group.Status)
}

func TestAnIDMayHoldASlash(t *testing.T) {
	s := start(t, devserver.Options{})
	body := `{"userId":"acme/user 1","anonymousId":"anon_456","traits":{"plan":"pro"},"timestamp":"2025-01-15T10:30:00Z"}`
	s.send(http.MethodPost, "/v1/identifies", body, header{"Authorization", "Bearer lk_dev"})
	var person struct{ UserID string }
	s.get("/api/people/acme%2Fuser%201", &person)
	assert.Equal(t, "acme/user 1", person.UserID)
}

func TestWarningsAreGroupedByRule(t *testing.T) {
	s := travelled(t, devserver.Options{})
	var got struct {
		Warnings []struct {
			Rule, Severity, Title, Section, Why, Fix string
			Findings                                 []struct {
				Event  int64
				Detail string
			}
		}
	}
	s.get("/api/warnings", &got)
	for _, w := range got.Warnings {
		if w.Rule != "W-PII" {
			continue
		}
		assert.NotEmpty(t, w.Why+w.Fix)
		require.NotEmpty(t, w.Findings)
		assert.Equal(t, int64(4), w.Findings[0].Event)
		assert.NotContains(t, w.Findings[0].Detail, "john@acme.com")
		return
	}
	assert.Fail(t, "the journey sends an e-mail address", "%+v", got)
}

func TestTheExportIsReadBack(t *testing.T) {
	s := travelled(t, devserver.Options{})
	s.send(http.MethodDelete, "/v1/users/user_456", "", header{"Authorization", "Bearer lk_dev"})
	response, text := s.send(http.MethodGet, "/api/export", "", nil)
	assert.Equal(t, "application/x-ndjson", response.Header.Get("Content-Type"))
	var kinds []string
	for _, line := range lines(text) {
		m, err := records.Decode([]byte(line))
		require.NoError(t, err)
		kinds = append(kinds, string(m.Kind))
	}
	assert.Equal(t, []string{"track", "track", "track", "identify", "track", "group", "track", "deleteUser"}, kinds)
}

func TestResetForgets(t *testing.T) {
	s := travelled(t, devserver.Options{})
	response, _ := s.send(http.MethodPost, "/api/reset", "", asJSON)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Empty(t, s.names())
	s.track("page_view")
	assert.Equal(t, []string{"page_view"}, s.names())
	response, _ = s.send(http.MethodPost, "/api/reset", `{"all":true}`, asJSON)
	assert.Equal(t, http.StatusBadRequest, response.StatusCode)
}

func TestTheServerSendsTheDemoToItself(t *testing.T) {
	s := start(t, devserver.Options{})
	for range 2 {
		response, text := s.send(http.MethodPost, "/api/demo", "{}", header{"Content-Type", "application/json", "Origin", s.URL()})
		assert.Equal(t, http.StatusOK, response.StatusCode, text)
		assert.Contains(t, text, "7 messages were delivered")
	}
	assert.Len(t, s.names(), 14)
	person, _ := s.Store().Snapshot().Person("user_123")
	assert.Len(t, person.AnonymousIDs, 2, "each visit is somebody new who signs up as the same user")

	s.send(http.MethodPut, "/api/chaos", `{"fail":"100%:400"}`, asJSON)
	response, text := s.send(http.MethodPost, "/api/demo", "{}", asJSON)
	assert.Equal(t, http.StatusBadGateway, response.StatusCode)
	assert.Contains(t, text, "0 of 7 messages")
}

func TestTheMethodsAreThoseOfTheAPI(t *testing.T) {
	s := start(t, devserver.Options{})
	for _, call := range []string{"GET /api/reset", "GET /api/demo", "POST /api/events", "DELETE /api/people/user_123", "POST /api/chaos"} {
		method, path, _ := strings.Cut(call, " ")
		response, _ := s.send(method, path, "{}", asJSON)
		assert.Equal(t, http.StatusMethodNotAllowed, response.StatusCode, call)
	}
	response, _ := s.send(http.MethodGet, "/api/nothing", "", nil)
	assert.Equal(t, http.StatusNotFound, response.StatusCode)
}

func TestNobodyIsCalledIdentifiedWithoutAnIdentify(t *testing.T) {
	s := start(t, devserver.Options{})
	bearer := header{"Authorization", "Bearer lk_dev"}
	track := func(user, anonymous string) {
		body := `{"name":"page_view","userId":"` + user + `","anonymousId":"` + anonymous + `","timestamp":"2025-01-15T10:30:00Z"}`
		response, text := s.send(http.MethodPost, "/v1/tracks", body, bearer)
		require.Equal(t, http.StatusOK, response.StatusCode, text)
	}
	identify := func(user string) {
		s.send(http.MethodPost, "/v1/identifies", `{"userId":"`+user+`","traits":{"plan":"pro"}}`, bearer)
	}
	track("", "anon_456")
	track("named", "anon_1")
	identify("identified")
	for _, user := range []string{"deleted", "named_again", "identified_again"} {
		identify(user)
		s.send(http.MethodDelete, "/v1/users/"+user, "", bearer)
	}
	track("named_again", "anon_2")
	identify("identified_again")

	want := map[string]string{
		"": "anonymous", "named": "not identified", "identified": "identified", "deleted": "deleted",
		"named_again": "not identified", "identified_again": "identified",
	}
	type person struct {
		UserID, Status string
		Recreated      bool `json:"recreatedAfterDeletion"`
	}
	var all struct{ People []person }
	s.get("/api/people", &all)
	require.Len(t, all.People, len(want))
	for _, p := range all.People {
		assert.Equal(t, want[p.UserID], p.Status, p.UserID)
		assert.Equal(t, strings.HasSuffix(p.UserID, "_again"), p.Recreated, p.UserID)
		if p.UserID != "" {
			var one person
			s.get("/api/people/"+p.UserID, &one)
			assert.Equal(t, p, one)
		}
	}
}

func TestLongAnswersAreNotIndented(t *testing.T) {
	s := start(t, devserver.Options{})
	_, short := s.send(http.MethodGet, "/api/events", "", nil)
	assert.Contains(t, short, "\n  ")
	body := `{"userId":"user_123","traits":{"a":[` + strings.Repeat(`[[[[[[[[[[{}]]]]]]]]]],`, 4000) + `{}]}}`
	response, text := s.send(http.MethodPost, "/v1/identifies", body, header{"Authorization", "Bearer lk_dev"})
	require.Equal(t, http.StatusOK, response.StatusCode, text)
	_, long := s.send(http.MethodGet, "/api/events", "", nil)
	assert.Less(t, len(long), 2*len(body))
}

func TestAnAnonymousIDThatIsAlsoAUserIDIsFound(t *testing.T) {
	s := start(t, devserver.Options{})
	bearer := header{"Authorization", "Bearer lk_dev"}
	s.send(http.MethodPost, "/v1/identifies", `{"userId":"u1","traits":{}}`, bearer)
	s.send(http.MethodPost, "/v1/tracks", `{"name":"page_view","anonymousId":"u1","timestamp":"2025-01-15T10:30:00Z"}`, bearer)
	s.send(http.MethodPost, "/v1/identifies", `{"userId":"..","traits":{}}`, bearer)
	for path, want := range map[string]string{"u1": "u1", "-?anon=u1": "", "-?id=u1": "u1", "-?id=..": ".."} {
		var person struct{ UserID string }
		s.get("/api/people/"+path, &person)
		assert.Equal(t, want, person.UserID, path)
	}
	response, _ := s.send(http.MethodGet, "/api/people/-?anon=nobody", "", nil)
	assert.Equal(t, http.StatusNotFound, response.StatusCode)
}
