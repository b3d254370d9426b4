package loopkithttp_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
	"github.com/loopkitai/loopkit-go/loopkithttp"
)

// example is a LoopKit-like server in this process, a client that sends to it,
// and a browser. A test would use loopkittest.NewServer.
type example struct {
	loopkit *collector.Collector
	client  *loopkit.Client
	browser *http.Client
	close   func()
}

func newExample() example {
	e := example{loopkit: collector.New(collector.Options{Strict: true})}
	server := httptest.NewServer(e.loopkit)
	var err error
	e.client, err = loopkit.New("lk_example", &loopkit.Options{BaseURL: server.URL + "/v1", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err)
	}
	e.browser, e.close = &http.Client{Jar: jar}, server.Close
	return e
}

// visit lets the browser send requests to a handler, and cookies with them.
func (e example) visit(handler http.Handler, paths ...string) {
	server := httptest.NewServer(handler)
	defer server.Close()
	for _, path := range paths {
		answer, err := e.browser.Get(server.URL + path)
		if err == nil {
			err = answer.Body.Close()
		}
		if err != nil {
			fmt.Println(err)
		}
	}
}

// print shows the people that came out of it. Anonymous IDs are random, so it
// counts them.
func (e example) print() {
	people := e.loopkit.People()
	slices.SortFunc(people, func(a, b collector.Person) int { return strings.Compare(b.UserID, a.UserID) })
	for _, person := range people {
		fmt.Printf("user %q, %d anonymous ID\n", person.UserID, len(person.AnonymousIDs))
		for _, event := range person.Events {
			fmt.Println(" ", event.Name, event.System["context"])
		}
	}
}

// One line around the handlers gives every call the identity of its visitor, and
// the page.
func ExampleMiddleware() {
	e := newExample()
	defer e.close()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /articles/{id}", func(_ http.ResponseWriter, r *http.Request) {
		_ = e.client.Track(r.Context(), "article_read", nil)
	})
	handler := loopkithttp.Middleware(e.client, &loopkithttp.Options{
		Skip: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/assets/") },
		Page: loopkithttp.RoutePattern(mux),
	})(mux)

	e.visit(handler, "/articles/1", "/articles/2")
	if err := e.client.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	e.print()
	// Output:
	// user "", 1 anonymous ID
	//   article_read map[page:/articles/{id} userAgent:Go-http-client/1.1]
	//   article_read map[page:/articles/{id} userAgent:Go-http-client/1.1]
}

// What a visitor did before the login is the user's; what comes after the logout
// is a stranger's.
func ExampleLogin() {
	e := newExample()
	defer e.close()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /pricing", func(_ http.ResponseWriter, r *http.Request) {
		_ = e.client.Track(r.Context(), "page_view", nil)
	})
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) { // once the password was right
		r = loopkithttp.Login(w, r, "user_123", loopkit.Traits{"plan": "trial"})
		_ = e.client.Track(r.Context(), "user_login", nil)
	})
	mux.HandleFunc("GET /logout", func(w http.ResponseWriter, r *http.Request) {
		loopkithttp.Logout(w, r)
	})
	handler := loopkithttp.Middleware(e.client, &loopkithttp.Options{
		Page: func(*http.Request) string { return "" },
	})(mux)

	e.visit(handler, "/pricing", "/login", "/logout", "/pricing")
	if err := e.client.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	e.print()
	// Output:
	// user "user_123", 1 anonymous ID
	//   page_view map[userAgent:Go-http-client/1.1]
	//   user_login map[userAgent:Go-http-client/1.1]
	// user "", 1 anonymous ID
	//   page_view map[userAgent:Go-http-client/1.1]
}

// A logout gives the browser a new anonymous ID.
func ExampleLogout() {
	e := newExample()
	defer e.close()

	handler := loopkithttp.Middleware(e.client, nil)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before, _ := loopkit.IdentityFrom(loopkithttp.Login(w, r, "user_123", nil).Context())
		after, _ := loopkit.IdentityFrom(loopkithttp.Logout(w, r).Context())
		fmt.Printf("user %q, then %q\n", before.UserID, after.UserID)
		fmt.Println("the same anonymous ID:", before.AnonymousID == after.AnonymousID)
	}))

	e.visit(handler, "/")
	if err := e.client.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// user "user_123", then ""
	// the same anonymous ID: false
}

// Nothing is sent and no cookie is set until the visitor has agreed.
func ExampleConsentFromCookie() {
	e := newExample()
	defer e.close()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /pricing", func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println(loopkit.ConsentFrom(r.Context()))
		_ = e.client.Track(r.Context(), "page_view", nil)
	})
	mux.HandleFunc("GET /agree", func(w http.ResponseWriter, r *http.Request) {
		loopkithttp.SetConsent(w, r, loopkit.AnonymousOnly)
	})
	handler := loopkithttp.Middleware(e.client, &loopkithttp.Options{
		Consent: loopkithttp.ConsentFromCookie(loopkit.Denied),
	})(mux)

	e.visit(handler, "/pricing", "/agree", "/pricing")
	if err := e.client.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println("sent:", len(e.loopkit.Messages()))
	// Output:
	// denied
	// anonymous_only
	// sent: 1
}

// The route is what many pages have in common, and holds no ID of anybody.
func ExampleRoutePattern() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", func(http.ResponseWriter, *http.Request) {})
	page := loopkithttp.RoutePattern(mux)
	fmt.Println(page(httptest.NewRequest(http.MethodGet, "/users/42", nil)))
	// Output: /users/{id}
}
