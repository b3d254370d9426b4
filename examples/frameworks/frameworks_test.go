package main

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestAVisitorIsOnePersonFromTheFirstPageToTheTeam(t *testing.T) {
	everyFramework(t, func(t *testing.T, s *site) {
		b := s.newBrowser(t)
		b.get("/pricing")
		visitor := b.anonymousID()
		b.post("/signup", url.Values{"user": {"user_123"}})
		b.post("/teams", url.Values{"team": {"team_456"}})
		b.get("/pricing")
		assert.Equal(t, visitor, b.anonymousID())
		require.NoError(t, s.client.Flush(t.Context()))

		person := loopkittest.RequireIdentified(t, s.loopkit, "user_123", visitor)
		assert.Equal(t, []string{visitor}, person.AnonymousIDs)
		assert.Equal(t, "trial", person.Traits["plan"])
		assert.Len(t, s.loopkit.People(), 1)
		assert.Empty(t, person.Events[0].UserID, "before the signup")
		for _, event := range person.Events[1:] {
			assert.Equal(t, "user_123", event.UserID, "%s at the signup or after it", event.Name)
			assert.Equal(t, visitor, event.AnonymousID)
		}
		signup := loopkittest.RequireTracked(t, s.loopkit, "user_123", "user_signup")
		assert.Equal(t, "/signup", page(signup))
		loopkittest.RequireMember(t, s.loopkit, "team_456", visitor)
	})
}

func TestALogoutAndAnotherLoginAreTwoPeople(t *testing.T) {
	everyFramework(t, func(t *testing.T, s *site) {
		b := s.newBrowser(t)
		b.post("/signup", url.Values{"user": {"user_123"}})
		first := b.anonymousID()
		b.post("/logout", nil)
		second := b.anonymousID()
		require.NoError(t, s.client.Flush(t.Context()))
		stranger := loopkittest.RequireAnonymous(t, s.loopkit, second)
		assert.Equal(t, "user_logout", stranger.Events[0].Name)

		b.post("/login", url.Values{"user": {"user_124"}})
		b.get("/pricing")
		require.NoError(t, s.client.Flush(t.Context()))
		loopkittest.RequireIdentified(t, s.loopkit, "user_123", first)
		loopkittest.RequireIdentified(t, s.loopkit, "user_124", second)
		assert.Equal(t, "user_124", loopkittest.RequireTracked(t, s.loopkit, "user_124", "user_login").UserID)
		assert.Equal(t, "/pricing", page(loopkittest.RequireTracked(t, s.loopkit, "user_124", "page_view")))
		loopkittest.RequireNoConflicts(t, s.loopkit)
		assert.Len(t, s.loopkit.People(), 2)
	})
}

func TestALoginOverAnotherIsTwoPeople(t *testing.T) {
	everyFramework(t, func(t *testing.T, s *site) {
		b := s.newBrowser(t)
		b.post("/signup", url.Values{"user": {"user_123"}})
		b.post("/login", url.Values{"user": {"user_124"}})
		require.NoError(t, s.client.Flush(t.Context()))
		loopkittest.RequireIdentified(t, s.loopkit, "user_123", "")
		loopkittest.RequireIdentified(t, s.loopkit, "user_124", b.anonymousID())
		loopkittest.RequireNoConflicts(t, s.loopkit)
	})
}

func TestThePageIsTheRouteAndNotThePath(t *testing.T) {
	everyFramework(t, func(t *testing.T, s *site) {
		b := s.newBrowser(t)
		b.headers.Set("Referer", s.URL+"/products/before")
		b.get("/products/number")
		b.get("/products/a%2Fslash") // escaped, where routers differ
		assert.Equal(t, http.StatusNotFound, b.get("/orders/lost").StatusCode)
		require.NoError(t, s.client.Flush(t.Context()))

		id := b.anonymousID()
		viewed := loopkittest.RequireTracked(t, s.loopkit, id, "page_view")
		assert.Contains(t, []any{"/products/{id}", "/products/:id"}, page(viewed))
		lost := loopkittest.RequireTracked(t, s.loopkit, id, "page_not_found")
		assert.Contains(t, []any{nil, "/*"}, page(lost))
		for _, secret := range []string{"before", "number", "slash", "lost"} {
			loopkittest.RequireNothingAbout(t, s.loopkit, secret)
		}
	})
}

func TestABrowserThatForbidsItIsLeftAlone(t *testing.T) {
	everyFramework(t, func(t *testing.T, s *site) {
		b := s.newBrowser(t)
		b.headers.Set("Sec-GPC", "1")
		b.get("/pricing")
		b.post("/signup", url.Values{"user": {"user_123"}})
		b.post("/teams", url.Values{"team": {"team_456"}})
		b.post("/logout", nil)
		assert.Empty(t, b.cookies())
		require.NoError(t, s.client.Flush(t.Context()))
		assert.Empty(t, s.loopkit.Requests())
		loopkittest.RequireNothingAbout(t, s.loopkit, "user_123")
	})
}

// The end of the request is the end of the handler: it is cancelled only after
// the first line has arrived, which takes a Flush that works.
func TestAStreamArrivesWhileItIsWritten(t *testing.T) {
	everyFramework(t, func(t *testing.T, s *site) {
		b := s.newBrowser(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		answer := b.do(ctx, http.MethodGet, "/live", nil)
		defer answer.Body.Close()
		line, err := bufio.NewReader(answer.Body).ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "data: hello", strings.TrimSpace(line))
		assert.NotEmpty(t, b.anonymousID(), "set before the first byte")
		cancel()
		require.NoError(t, s.client.Flush(t.Context()))
		loopkittest.RequireTracked(t, s.loopkit, b.anonymousID(), "live_opened")
	})
}

func TestOnlyThreeFrameworksHaveRecipes(t *testing.T) {
	_, err := newHandler("mux", nil, &logins{})
	assert.ErrorContains(t, err, `no recipe for "mux"`)
	assert.ErrorContains(t, run(nil), "usage")
}
