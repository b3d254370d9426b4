package main

import (
	"cmp"
	"context"
	"net/http"
	"sync"

	"github.com/loopkitai/loopkit-go"
)

// sendToLoopKit runs the journey against LoopKit and prints what was delivered.
func sendToLoopKit(ctx context.Context, p *printer, key, baseURL string) error {
	baseURL = cmp.Or(baseURL, loopkit.DefaultURL)
	p.printf("The user journey of LoopKit's documentation, sent to %s\n", baseURL)
	p.printf("It writes user_123 and team_456 into the project of this key: use one for tests.\n")
	seen := &exchanges{next: http.DefaultTransport}
	stats, err := travel(ctx, key, baseURL, &http.Client{Transport: seen})
	p.section("Requests and what was answered")
	p.table(seen.rows)
	p.section("The client's accounting")
	p.stats(stats)
	return err
}

// exchanges notes the requests that pass through it.
type exchanges struct {
	next http.RoundTripper

	mu   sync.Mutex
	rows [][]string
}

func (e *exchanges) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := e.next.RoundTrip(r)
	outcome := "no answer"
	if err == nil {
		outcome = answer.Status
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rows = append(e.rows, []string{r.Method, r.URL.Path, outcome})
	return answer, err
}
