package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/filter"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/sse"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

func (p *program) tail() *cobra.Command {
	t := &tailing{p: p}
	cmd := &cobra.Command{
		Use:   "tail [FILTER]...",
		Short: "Print what the development server receives",
		Long: `Print what the development server receives, one line each, as "loopkit dev"
itself does. The server is that of ` + envBaseURL + `, else the one at
` + devserver.DefaultAddr + `.

Filters are those of the page's search box: user:user_123 anon:anon_456
group:team_456 kind:track name:user_* prop.plan=pro warn:* status:>=400. All of
them must hold, but those with the same key are alternatives.`,
		Example: `  loopkit tail kind:track user:user_123
  loopkit tail -n 100 warn:*
  loopkit tail --json | jq .name`,
		RunE: func(cmd *cobra.Command, args []string) error { return t.run(cmd.Context(), args) },
	}
	cmd.Flags().IntVarP(&t.lines, "lines", "n", 10, "how many of the newest events to begin with")
	cmd.Flags().BoolVar(&t.asJSON, "json", false, "write JSON, one event a line")
	return cmd
}

// tailing follows a stream of the development server over its restarts.
type tailing struct {
	p      *program
	lines  int
	asJSON bool

	address *url.URL
	printer *eventPrinter
	last    string // ID to resume after
	lost    bool   // the connection was, and the person knows
	anew    bool   // the server has begun anew: what it read from its journal was shown before
	retry   time.Duration
}

func (t *tailing) run(ctx context.Context, terms []string) error {
	if t.lines < 0 {
		return usageErrorf("--lines is %d; it must not be negative", t.lines)
	}
	query := strings.Join(terms, " ")
	if _, err := filter.Parse(query); err != nil {
		return usageErrorf("the filter: %w", err)
	}
	base, err := t.p.devServer()
	if err != nil {
		return err
	}
	parameters := url.Values{"latest": {strconv.Itoa(t.lines)}}
	if query != "" {
		parameters.Set("q", query)
	}
	t.address = &url.URL{Scheme: base.Scheme, Host: base.Host, Path: "/api/stream", RawQuery: parameters.Encode()}
	t.printer = &eventPrinter{p: t.p, out: t.p.out, asJSON: t.asJSON}

	stream, err := t.connect(ctx)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf(`no development server answers at %s, start one with "loopkit dev": %w`, base.Host, err)
	}
	for ctx.Err() == nil {
		if stream != nil {
			if err := t.follow(stream); err != nil {
				return err
			}
		}
		if ctx.Err() == nil && !t.lost {
			t.lost = true
			t.p.note("the connection to %s is lost, waiting for the server to come back", base.Host)
		}
		if !wait(ctx, t.retry) {
			break
		}
		stream, _ = t.connect(ctx) // the person knows that it is lost
	}
	return nil // Ctrl-C is how this command ends
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (t *tailing) connect(ctx context.Context) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.address.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "text/event-stream")
	if t.last != "" {
		request.Header.Set("Last-Event-ID", t.last)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		_ = response.Body.Close() // what is there instead is of no interest
		return nil, fmt.Errorf("what listens there answers %s", response.Status)
	}
	return response.Body, nil
}

// follow prints the stream until it ends. An error is one of the output.
func (t *tailing) follow(stream io.ReadCloser) error {
	defer func() { _ = stream.Close() }() // it was only read
	if t.lost {
		t.lost = false
		t.p.note("connected again")
	}
	reader := sse.NewReader(stream)
	defer func() { t.last, t.retry = reader.LastEventID(), reader.Retry() }()
	for {
		event, err := reader.Next()
		if err != nil {
			return nil
		}
		if err := t.show(event); err != nil {
			return err
		}
	}
}

func (t *tailing) show(event sse.Event) error {
	switch event.Name {
	case "record":
		var record store.Event
		if err := json.Unmarshal(event.Data, &record); err != nil {
			return fmt.Errorf("the server sent something that is no event, is it of another version? %w", err)
		}
		if t.anew && record.Restored {
			return nil
		}
		return t.printer.print(record)
	case "gap":
		var gap struct{ Missed int64 }
		if err := json.Unmarshal(event.Data, &gap); err != nil {
			return fmt.Errorf("the server sent something that is no event, is it of another version? %w", err)
		}
		t.p.note("%d events are missing here, because the server has forgotten them", gap.Missed)
	case "reset":
		t.anew = true
		t.p.note("the server has begun anew")
	}
	return nil
}
