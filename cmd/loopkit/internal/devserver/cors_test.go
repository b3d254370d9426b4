package devserver_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
)

func TestPreflightsAreAnsweredSoThatBeaconsArrive(t *testing.T) {
	s := start(t, devserver.Options{})
	tests := map[string]struct {
		header  header
		headers string // that are allowed
	}{
		"Chromium, for a beacon of JSON": {
			header{"Origin", "http://localhost:3000", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type"},
			"content-type",
		},
		"Firefox, for a fetch": {
			header{"Origin", "https://shop.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,user-agent"},
			"authorization,content-type,user-agent",
		},
		"headers of LoopKit's own": {
			header{"Origin", "http://localhost:3000", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type, x-loopkit-anonymous-id"},
			"content-type, x-loopkit-anonymous-id",
		},
		"no headers asked for": {
			header{"Origin", "http://localhost:3000", "Access-Control-Request-Method", "DELETE"},
			"content-type, authorization, user-agent",
		},
		"a page in a file": {
			header{"Origin", "null", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type"},
			"content-type",
		},
		"a page of the web, which Chromium asks about": {
			header{"Origin", "https://shop.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Private-Network", "true"},
			"content-type, authorization, user-agent",
		},
	}
	for name, test := range tests {
		for _, path := range []string{"/v1/tracks?apiKey=lk_dev", "/v1/identifies", "/v1/groups", "/v1/users/user_123"} {
			response, body := s.send(http.MethodOptions, path, "", test.header)
			assert.Equal(t, http.StatusNoContent, response.StatusCode, name)
			assert.Empty(t, body)
			h := response.Header
			assert.Equal(t, test.header[1], h.Get("Access-Control-Allow-Origin"), "%s: the origin itself, or credentials are refused", name)
			assert.Equal(t, "true", h.Get("Access-Control-Allow-Credentials"), name)
			assert.Equal(t, "Origin", h.Get("Vary"), name)
			assert.Equal(t, test.headers, h.Get("Access-Control-Allow-Headers"), name)
			assert.Equal(t, "GET, POST, DELETE", h.Get("Access-Control-Allow-Methods"), name)
			assert.Equal(t, "600", h.Get("Access-Control-Max-Age"), name)
			assert.Equal(t, "true", h.Get("Access-Control-Allow-Private-Network"), name)
		}
	}
	assert.Empty(t, s.names(), "preflights are not shown")
}

func TestPagesMayReadTheAnswers(t *testing.T) {
	s := start(t, devserver.Options{Chaos: devserver.Chaos{}})
	for key, want := range map[string]int{"lk_dev": 200, "": 401, "lk_dev_429": 429} {
		response, _ := s.send(http.MethodPost, "/v1/tracks?apiKey="+key, trackBody("page_view"), header{"Origin", "http://localhost:3000"})
		assert.Equal(t, want, response.StatusCode)
		assert.Equal(t, "http://localhost:3000", response.Header.Get("Access-Control-Allow-Origin"), "also of a refusal")
		assert.Equal(t, "true", response.Header.Get("Access-Control-Allow-Credentials"))
		assert.Equal(t, "Origin", response.Header.Get("Vary"))
	}
}

func TestWithoutAnOriginThereIsNothingToAllow(t *testing.T) {
	s := start(t, devserver.Options{})
	response, _ := s.send(http.MethodPost, "/v1/tracks", trackBody("page_view"), header{"Authorization", "Bearer lk_dev"})
	assert.Empty(t, response.Header.Get("Access-Control-Allow-Origin"))
	assert.Empty(t, response.Header.Get("Access-Control-Allow-Credentials"))
	assert.Equal(t, "Origin", response.Header.Get("Vary"))
}
