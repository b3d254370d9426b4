package page_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// titles returns the events of the page's rows from the top.
func titles(html string) []string {
	var out []string
	for _, match := range regexp.MustCompile(`<a class="row-link" href="[^"]*" title="([^"]*)"`).FindAllStringSubmatch(html, -1) {
		out = append(out, match[1])
	}
	return out
}

func TestAnEmptyPageSaysHowToSendSomething(t *testing.T) {
	s := newSite(t, 0)
	html := s.get("/")
	assert.Contains(t, html, `<section class="empty" id="nothing-yet">`)
	assert.Contains(t, html, `<section class="empty" id="no-match" hidden>`)
	assert.Contains(t, html, `<table class="table events" id="events" hidden>`)
	assert.Contains(t, html, s.url+"/v1/tracks")
	assert.Contains(t, html, `BaseURL: "`+s.url+`/v1"`)
	assert.Contains(t, html, "<title>Live (0) · LoopKit dev</title>")
	assert.Contains(t, html, `<html lang="en">`)
}

func TestTheFirstPaintHasTheRowsNewestFirst(t *testing.T) {
	s := newSite(t, 0)
	s.send("/v1/tracks", `{"tracks":[
		{"name":"page_view","anonymousId":"anon_1","timestamp":"2025-01-15T10:30:00Z","properties":{"page":"/pricing"}},
		{"name":"button_click","anonymousId":"anon_1","timestamp":"2025-01-15T10:30:01Z","properties":{"button":"start_trial"}}]}`)
	s.send("/v1/identifies", `{"userId":"user_123","anonymousId":"anon_1","traits":{"plan":"trial"},"timestamp":"2025-01-15T10:30:02Z"}`)
	s.send("/v1/groups", `{"groupId":"team_456","userId":"user_123","anonymousId":"anon_1","traits":{"size":25},"timestamp":"2025-01-15T10:30:03Z"}`)
	html := s.get("/")
	assert.Equal(t, []string{"team_456", "user_123", "button_click", "page_view"}, titles(html))
	assert.Contains(t, html, "<title>Live (4) · LoopKit dev</title>")
	assert.Contains(t, html, "<span>2 records</span><span class=\"http\">200</span>")
	assert.Equal(t, 4, strings.Count(html, `<a class="person" href="/people/user_123"`), "what came before the identify is the user's")
	assert.Equal(t, 4, strings.Count(html, `<a class="chip chip-group" href="/groups/team_456"`))
	assert.Contains(t, html, `<i>page</i>=<bdi>/pricing</bdi>`)
	assert.Contains(t, html, `<span class="wire wire-batch"`)
	assert.Contains(t, html, `<span class="wire wire-documented"`)
	assert.Contains(t, html, `<section class="empty" id="nothing-yet" hidden>`)
}

func TestARefusedRequestIsARowWithItsReason(t *testing.T) {
	s := newSite(t, 0)
	assert.Equal(t, http.StatusBadRequest, s.send("/v1/tracks", `{"tracks":[{"name":"page_view"}]}`))
	html := s.get("/")
	assert.Contains(t, html, `<tr class="request request-refused" data-seq="1"`)
	assert.Contains(t, html, `<span class="http http-error">400</span>`)
	assert.Contains(t, html, "message 1 of 1: a track needs anonymousId</span>")
	assert.Contains(t, s.get("/event/1"), "a track needs anonymousId")
}

func TestTheAddressHoldsAllOfTheState(t *testing.T) {
	s := newSite(t, 0)
	s.track("page_view", `{"plan":"pro"}`)
	s.track("page_view", `{"plan":"free"}`)
	s.send("/v1/identifies", `{"userId":"user_123","anonymousId":"anon_1","traits":{"plan":"pro"}}`)
	for address, want := range map[string][]string{
		"/?q=prop.plan%3Dpro":                        {"user_123", "page_view"},
		"/?q=prop.plan%3Dpro&kind=track":             {"page_view"},
		"/?kind=track&kind=identify":                 {"user_123", "page_view", "page_view"},
		"/?user=user_123":                            {"user_123"},
		"/?q=kind%3Atrack&kind=identify":             nil,
		"/?before=2":                                 {"page_view"},
		"/?q=kind%3Atrack+prop.plan%3Dfree&before=9": {"page_view"},
	} {
		assert.Equal(t, want, titles(s.get(address)), address)
		assert.Equal(t, want, titles(s.get(address+"&fragment=1")), address)
	}
	html := s.get("/?q=kind%3Atrack+prop.plan%3Dpro&kind=track&sel=1&tab=json")
	assert.Contains(t, html, `value="kind:track prop.plan=pro"`)
	assert.Contains(t, html, `<input type="checkbox" name="kind" value="track" checked>`)
	assert.Contains(t, html, `<span data-matched>1</span> of <span data-total>3</span> match`)
	assert.Contains(t, html, `href="/?kind=track&amp;q=prop.plan%3Dpro" data-filter`, "a chip is a link to the page without it")
	assert.Contains(t, html, `data-seq="1" aria-selected="true"`)
	assert.Contains(t, html, `id="drawer" role="dialog" aria-modal="false" aria-labelledby="drawer-title" tabindex="-1">`)
	assert.Contains(t, html, `<section id="panel-json" role="tabpanel" aria-labelledby="tab-json">`)
	assert.Contains(t, html, `<section id="panel-summary" role="tabpanel" aria-labelledby="tab-summary" hidden>`)
}

func TestNoMatchIsNotNoData(t *testing.T) {
	s := newSite(t, 0)
	s.track("page_view", `{}`)
	html := s.get("/?q=name%3Anothing")
	assert.Contains(t, html, `<section class="empty" id="no-match">`)
	assert.Contains(t, html, `<h2>0 of <span data-total>1</span> match</h2>`)
	assert.Contains(t, html, `<section class="empty" id="nothing-yet" hidden>`)
}

func TestAFilterErrorIsShownAndNothingElse(t *testing.T) {
	s := newSite(t, 0)
	s.track("page_view", `{}`)
	html := s.get("/?q=usr%3Auser_123")
	assert.Contains(t, html, `id="filter-error"`)
	assert.Contains(t, html, "unknown filter usr: use one of user, anon")
	assert.Empty(t, titles(html))
	assert.Contains(t, html, `<section class="empty" id="no-match" hidden>`)
	status, _ := s.fetch("/rows?q=usr%3Ax")
	assert.Equal(t, http.StatusBadRequest, status)
	status, _ = s.fetch("/live?q=usr%3Ax")
	assert.Equal(t, http.StatusBadRequest, status)
}

func TestOlderRowsComeInParts(t *testing.T) {
	s := newSite(t, 0)
	var tracks []string
	for i := range 450 {
		tracks = append(tracks, fmt.Sprintf(`{"name":"event_%d","anonymousId":"anon_1","timestamp":"2025-01-15T10:30:00Z"}`, i+1))
	}
	s.send("/v1/tracks", `{"tracks":[`+strings.Join(tracks, ",")+`]}`)
	html := s.get("/")
	got := titles(html)
	require.Len(t, got, 200)
	assert.Equal(t, "event_450", got[0])
	assert.Contains(t, html, "<span>200 of 450 records</span>")
	assert.Contains(t, html, `href="/?before=251" data-before="251"`)

	older := s.rows("/rows?before=251")
	assert.Equal(t, "event_250", titles(older.HTML)[0])
	assert.EqualValues(t, 51, older.Older)
	assert.Equal(t, titles(older.HTML), titles(s.get("/?before=251")), "without JavaScript too")

	last := s.rows("/rows?before=51")
	assert.Len(t, titles(last.HTML), 50)
	assert.Zero(t, last.Older)
}

func TestEveryAssetIsRevalidated(t *testing.T) {
	s := newSite(t, 0)
	for _, match := range regexp.MustCompile(`(?:src|href)="(/static/[^"#]+)"`).FindAllStringSubmatch(s.get("/"), -1) {
		answer, err := http.Get(s.url + match[1])
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, http.StatusOK, answer.StatusCode, match[1])
		assert.Equal(t, "no-cache", answer.Header.Get("Cache-Control"), match[1])

		again, err := http.NewRequest(http.MethodGet, s.url+match[1], nil)
		require.NoError(t, err)
		again.Header.Set("If-None-Match", answer.Header.Get("ETag"))
		answer, err = http.DefaultClient.Do(again)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, http.StatusNotModified, answer.StatusCode, match[1])
	}
	status, _ := s.fetch("/static/nothing.js")
	assert.Equal(t, http.StatusNotFound, status)
	status, _ = s.fetch("/static/")
	assert.Equal(t, http.StatusNotFound, status)
}

var (
	values = regexp.MustCompile(`"[^"]*"`)
	inline = regexp.MustCompile(`\s(?:on[a-z]+|style)\s*=`)
	script = regexp.MustCompile(`(?i)(?:href|src|action)="\s*javascript:`)
	alien  = regexp.MustCompile(`^<(?i:img src=x|style|iframe|object|embed|base)`)
	loaded = regexp.MustCompile(`^<script (?:type="module" )?src="/static/[a-z]+\.js">$`)
)

// tags returns the different tags of a page.
func tags(html string) map[string]bool {
	out := make(map[string]bool)
	for {
		_, rest, ok := strings.Cut(html, "<")
		if !ok {
			return out
		}
		quoted := false
		end := strings.IndexFunc(rest, func(r rune) bool {
			quoted = quoted != (r == '"')
			return r == '>' && !quoted
		})
		if end < 0 {
			return out
		}
		out["<"+rest[:end+1]] = true
		html = rest[end:]
	}
}

// requireInert checks that a page runs nothing that the content security policy
// would stop, and has no tag that the templates do not have.
func requireInert(t *testing.T, html string) {
	t.Helper()
	for tag := range tags(html) {
		plain := values.ReplaceAllString(tag, `""`)
		if inline.MatchString(plain) || script.MatchString(tag) || alien.MatchString(tag) ||
			strings.HasPrefix(tag, "<script") && !loaded.MatchString(tag) {
			assert.Fail(t, "a tag that does something", tag)
		}
	}
}

func TestWhatWasReceivedIsInertEverywhere(t *testing.T) {
	s := newSite(t, 0)
	hostile := []string{
		`<img src=x onerror=alert(1)>`,
		`"><img src=x onerror="alert(1)">`,
		`' onmouseover='alert(1)`,
		`</script><script>alert(1)</script>`,
		`</title></textarea><script>alert(1)</script>`,
		"javascript:alert(1)",
		`{{.}}${alert(1)}`,
		"\u202euser_321\u2066",
		"line\u2028separator\x00\x1b[31m",
		strings.Repeat("x", 10<<10),
		"👩‍👩‍👧‍👦 été",
		"..",
	}
	for _, text := range hostile {
		q := quote(text)
		s.send("/v1/tracks", `{"tracks":[{"name":`+q+`,"userId":`+q+`,"anonymousId":`+q+`,"timestamp":"2025-01-15T10:30:00Z","properties":{`+q+`:`+q+`,"deep":{"a":[`+q+`]}},"system":{"sdk":{"name":`+q+`,"version":`+q+`},"sessionId":`+q+`}}]}`)
		s.send("/v1/identifies", `{"userId":`+q+`,"anonymousId":`+q+`,"traits":{"name":`+q+`}}`)
		s.send("/v1/groups", `{"groupId":`+q+`,"userId":`+q+`,"anonymousId":`+q+`,"groupType":`+q+`,"traits":{"name":`+q+`}}`)
		s.send("/v1/tracks", `{"tracks":`+q)
	}
	addresses := []string{"/", "/?fragment=1", "/people", "/groups", "/warnings", "/schema", "/?help=1"}
	for seq := range 4 * len(hostile) {
		addresses = append(addresses, fmt.Sprintf("/event/%d", seq+1))
	}
	for _, address := range addresses {
		html := s.get(address)
		requireInert(t, html)
		assert.False(t, strings.Contains(html, "\u202e"), "%s: what turns text around is escaped", address)
		assert.False(t, strings.Contains(html, "\x1b"), address)
	}
	requireInert(t, s.rows("/rows").HTML)
	for _, text := range hostile {
		requireInert(t, s.get("/?fragment=1&q="+url.QueryEscape(text)))
		requireInert(t, s.get("/?fragment=1&user="+url.QueryEscape(text)))
	}

	live := s.get("/")
	assert.True(t, strings.Contains(live, `&lt;img src=x onerror=alert(1)&gt;`))
	assert.True(t, strings.Contains(live, `\u202euser_321\u2066`))
	shown := regexp.MustCompile(`href="[^"]*"`).ReplaceAllString(live, "")
	assert.False(t, strings.Contains(shown, strings.Repeat("x", 501)), "a row shows the beginning")
	assert.True(t, strings.Contains(s.get("/event/37"), strings.Repeat("x", 10<<10)), "the drawer has all of it")
}
