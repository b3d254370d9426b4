package devserver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
)

func TestOnlyTheNamesOfThisMachineAreAnswered(t *testing.T) {
	s := start(t, devserver.Options{Addr: "127.0.0.2:0"})
	port := s.URL()[strings.LastIndex(s.URL(), ":"):]
	for host, allowed := range map[string]bool{
		"localhost" + port: true, "127.0.0.1" + port: true, "[::1]" + port: true, "127.0.0.2" + port: true,
		"localhost": true, "LocalHost" + port: true, "localhost:8080": true, // behind ssh -L
		"evil.example" + port: false, "evil.example": false, "127.0.0.3" + port: false, "localhost.evil.example" + port: false,
		"user@localhost" + port: false, "[::2]" + port: false, "[::1": false, "0.0.0.0" + port: false, "127.1" + port: false,
		"localhost." + port: false, "2130706433" + port: false,
	} {
		for _, path := range []string{"/", "/api/summary", "/livez", "/v1/sdk-versions", "/static/app.js"} {
			response, text := s.send(http.MethodGet, path, "", header{"Host", host})
			if allowed {
				assert.NotEqual(t, http.StatusMisdirectedRequest, response.StatusCode, "%s %s", host, path)
				continue
			}
			if assert.Contains(t, []int{http.StatusMisdirectedRequest, http.StatusBadRequest}, response.StatusCode, "%s %s", host, path) &&
				response.StatusCode == http.StatusMisdirectedRequest {
				assert.Contains(t, text, "answers to localhost, 127.0.0.1, ::1, 127.0.0.2 only")
			}
		}
	}
}

func TestAnAddressThatOthersCanReachIsRefused(t *testing.T) {
	for _, addr := range []string{
		"0.0.0.0:0", ":0", "[::]:0", "192.168.1.5:4850", "10.0.0.1:4850", "example.com:4850", "localhost.example.com:0", "[fe80::1]:0",
	} {
		_, err := devserver.Listen(devserver.Options{Addr: addr})
		assert.ErrorContains(t, err, "not of this machine alone", addr)
	}
	for _, addr := range []string{"4850", "127.0.0.1", "localhost", "127.0.0.1:4850:1"} {
		_, err := devserver.Listen(devserver.Options{Addr: addr})
		assert.ErrorContains(t, err, "no host and port, such as 127.0.0.1:4850", addr)
	}
	for _, addr := range []string{"127.0.0.1:0", "localhost:0", "127.0.0.9:0"} {
		s := start(t, devserver.Options{Addr: addr})
		assert.NotContains(t, s.URL(), ":0")
		s.track("page_view")
	}
}

func TestATakenAddressIsAnErrorOfItsOwn(t *testing.T) {
	first := start(t, devserver.Options{})
	addr := strings.TrimPrefix(first.URL(), "http://")
	_, err := devserver.Listen(devserver.Options{Addr: addr})
	var taken *devserver.InUseError
	require.ErrorAs(t, err, &taken)
	assert.Equal(t, addr, taken.Addr)
	assert.ErrorContains(t, err, "another program listens on "+addr)
}

func TestOtherOriginsGetNothing(t *testing.T) {
	s := start(t, devserver.Options{})
	own := s.URL()
	read := map[string]struct {
		header header
		page   int
		api    int
	}{
		"a program":                    {nil, 200, 200},
		"its own page":                 {header{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, 200, 200},
		"its own page, with Origin":    {header{"Origin", own, "Sec-Fetch-Site", "same-origin"}, 200, 200},
		"an address typed by the user": {header{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200, 200},
		"a link elsewhere":             {header{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200, 403},
		"a frame elsewhere":            {header{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403, 403},
		"a script of another site":     {header{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script"}, 403, 403},
		"a fetch of another site":      {header{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}, 403, 403},
		"another port of this machine": {header{"Origin", "http://localhost:3000", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, 403, 403},
		"an image on another port":     {header{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, 403, 403},
		"an old browser's Origin":      {header{"Origin", "https://evil.example"}, 403, 403},
		"a sandboxed frame":            {header{"Origin", "null"}, 403, 403},
		"the same name by https":       {header{"Origin", strings.Replace(own, "http", "https", 1)}, 403, 403},
	}
	for name, test := range read {
		for path, want := range map[string]int{"/": test.page, "/api/summary": test.api, "/api/events": test.api} {
			response, text := s.send(http.MethodGet, path, "", test.header)
			assert.Equal(t, want, response.StatusCode, "%s: %s: %s", name, path, text)
			assert.Empty(t, response.Header.Get("Access-Control-Allow-Origin"), name)
		}
	}
	response, _ := s.send(http.MethodOptions, "/api/reset", "", header{
		"Origin", "https://evil.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type",
	})
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	assert.Empty(t, response.Header.Get("Access-Control-Allow-Origin"))
}

func TestTheStateIsChangedByJSONOfTheOwnOriginOnly(t *testing.T) {
	s := start(t, devserver.Options{})
	s.track("page_view")
	own := s.URL()
	tests := map[string]struct {
		header header
		want   int
	}{
		"a form of another site":             {header{"Origin", "https://evil.example", "Content-Type", "application/x-www-form-urlencoded"}, 403},
		"text of another site":               {header{"Origin", "https://evil.example", "Content-Type", "text/plain"}, 403},
		"JSON of another site":               {header{"Origin", "https://evil.example", "Content-Type", "application/json"}, 403},
		"a form without an Origin":           {header{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		"text without an Origin":             {header{"Content-Type", "text/plain"}, 415},
		"no type":                            {nil, 415},
		"a navigation of another site":       {header{"Content-Type", "application/json", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403},
		"JSON of the other name of the host": {header{"Origin", strings.Replace(own, "127.0.0.1", "localhost", 1), "Content-Type", "application/json"}, 403},
	}
	for name, test := range tests {
		for _, call := range []string{"POST /api/reset", "POST /api/demo", "PUT /api/chaos"} {
			method, path, _ := strings.Cut(call, " ")
			response, text := s.send(method, path, "{}", test.header)
			assert.Equal(t, test.want, response.StatusCode, "%s: %s: %s", name, call, text)
		}
	}
	assert.Equal(t, []string{"page_view"}, s.names())

	for _, h := range []header{
		{"Content-Type", "application/json"},
		{"Content-Type", "application/json; charset=utf-8", "Origin", own, "Sec-Fetch-Site", "same-origin"},
	} {
		response, text := s.send(http.MethodPost, "/api/reset", "{}", h)
		assert.Equal(t, http.StatusOK, response.StatusCode, text)
	}
	assert.Empty(t, s.names())
}

func TestThePageAndTheAPIHaveTheirSecurityHeaders(t *testing.T) {
	s := start(t, devserver.Options{})
	for _, path := range []string{"/", "/people", "/api/summary", "/nothing"} {
		response, _ := s.send(http.MethodGet, path, "", nil)
		for name, want := range map[string]string{
			"Content-Security-Policy":      "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Cache-Control":                "no-store",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			assert.Equal(t, want, response.Header.Get(name), "%s of %s", name, path)
		}
	}
}

func TestProbesAreAnswered(t *testing.T) {
	s := start(t, devserver.Options{})
	for _, path := range []string{"/livez", "/readyz"} {
		response, _ := s.send(http.MethodGet, path, "", nil)
		assert.Equal(t, http.StatusOK, response.StatusCode, path)
	}
}

func TestABaseURLWithoutItsVersionIsExplained(t *testing.T) {
	s := start(t, devserver.Options{})
	for _, call := range []string{"POST /tracks", "POST /groups", "DELETE /users/user_123", "POST /v2/identifies"} {
		method, path, _ := strings.Cut(call, " ")
		response, text := s.send(method, path, trackBody("page_view"), header{"Authorization", "Bearer lk_dev", "Content-Type", "application/json"})
		assert.Equal(t, http.StatusNotFound, response.StatusCode, call)
		assert.Contains(t, text, "the base URL of this server is "+s.BaseURL(), call)

		response, text = s.send(method, path, trackBody("page_view"), header{"Origin", "http://localhost:3000", "Content-Type", "text/plain"})
		assert.Equal(t, "http://localhost:3000", response.Header.Get("Access-Control-Allow-Origin"), "a page may read why")
		assert.Contains(t, text, "the base URL of this server is "+s.BaseURL(), call)
	}
}
