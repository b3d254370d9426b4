package loopkithttp_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// discarded is an answer that nobody reads.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header         { return d.header }
func (d discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d discarded) WriteHeader(int)             {}

// BenchmarkMiddleware measures what the middleware adds to a request whose
// handler does nothing.
func BenchmarkMiddleware(b *testing.B) {
	client, err := loopkit.New("lk_test", &loopkit.Options{HTTPClient: loopkittest.NewTransport(b).HTTPClient(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, client.Close(context.Background())) })
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := http.NewServeMux()
	mux.Handle("GET /pricing", nothing)
	options := &loopkithttp.Options{
		User: user("user_123"), Sessions: true, Page: loopkithttp.RoutePattern(mux),
		Consent: loopkithttp.ConsentFromCookie(loopkit.Full),
	}
	set := ask(refreshing(client, options, true), get("/pricing"))
	lines := []string{"User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "Referer: https://example.com/a?b=c"}
	known := []string{"own=abcdef"}
	for _, cookie := range set.Cookies() {
		known = append(known, cookie.Name+"="+cookie.Value)
	}
	for _, c := range []struct {
		name  string
		lines []string
	}{
		{"KnownUser", append(known, lines...)},
		{"NewVisitor", lines},
		{"Denied", append(lines, "Sec-GPC: 1")},
	} {
		b.Run(c.name, func(b *testing.B) {
			handler, r := refreshing(client, options, false)(nothing), get("/pricing", c.lines...)
			b.ReportAllocs()
			for b.Loop() {
				handler.ServeHTTP(discarded{header: http.Header{}}, r)
			}
		})
	}
}
