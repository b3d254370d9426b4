package spool_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// quarantine is short, for it passes in real time.
const quarantine = 400 * time.Millisecond

// deletion deletes a user, of whom messages are waiting and more follow, and waits
// to be killed. Each line says what Flush has acknowledged.
func (p *program) deletion() error {
	client, err := p.client(func(o *loopkit.Options) { o.DeletionQuarantine = quarantine / 4 })
	if err != nil {
		return err
	}
	acknowledge := func(what string) error {
		ctx, cancel := background()
		defer cancel()
		if err := client.Flush(ctx); err != nil {
			return err
		}
		fmt.Println(what)
		return nil
	}
	ctx := known("user_123")
	if err := client.Identify(ctx, "user_123", loopkit.Traits{"plan": "pro"}); err != nil {
		return err
	}
	for range 3 {
		if err := client.Track(ctx, "before", nil); err != nil {
			return err
		}
		if err := client.Track(known("user_124"), "other", nil); err != nil {
			return err
		}
	}
	if err := acknowledge("before"); err != nil {
		return err
	}
	if _, err := client.DeleteUser(ctx, "user_123"); err != nil {
		return err
	}
	if err := acknowledge("deletion"); err != nil {
		return err
	}
	for range 3 {
		if err := client.Track(ctx, "after", nil); err != nil {
			return err
		}
	}
	if err := acknowledge("after"); err != nil {
		return err
	}
	return untilStdinCloses()
}

func TestADeletionThatWasAcceptedSurvivesAKill(t *testing.T) {
	for _, c := range []struct {
		when   string
		killed func(t *testing.T, s *loopkittest.Server, p *process)
		after  int // events that were acknowledged after the deletion
	}{
		{"when it is on disk", func(_ *testing.T, _ *loopkittest.Server, p *process) {
			p.expect("before")
			p.expect("deletion")
		}, 0},
		{"when it is on disk with what follows it", func(_ *testing.T, _ *loopkittest.Server, p *process) {
			p.expect("before")
			p.expect("deletion")
			p.expect("after")
		}, 3},
		{"when LoopKit does not answer it", func(t *testing.T, s *loopkittest.Server, p *process) {
			p.expect("before")
			p.expect("deletion")
			p.expect("after")
			awaitRequest(t, s, loopkittest.UserDeletions)
		}, 3},
	} {
		t.Run(c.when, func(t *testing.T) {
			s, dir := loopkittest.NewServer(t), t.TempDir()
			s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
			s.FailAll(loopkittest.UserDeletions, loopkittest.Fault{Hang: true})
			p := startProgram(t, program{Name: "deletion", Dir: dir, BaseURL: s.BaseURL()})
			c.killed(t, s, p)
			p.kill()

			s.Heal()
			s.Reset()
			begin := time.Now()
			client := start(t, s, dir, func(o *loopkit.Options) { o.DeletionQuarantine = quarantine })
			drain(t, client)
			requireSettled(t, client)
			require.NoError(t, client.Close(t.Context()))
			requireEmpty(t, dir)

			var of, others []string
			for _, m := range s.Messages() {
				if m.UserID == "user_124" {
					others = append(others, m.Name)
					continue
				}
				of = append(of, string(m.Kind)+" "+m.Name)
			}
			require.NotEmpty(t, of)
			assert.Equal(t, "deleteUser ", of[0], "nothing of before: it was purged")
			assert.GreaterOrEqual(t, len(of)-1, c.after)
			for _, m := range of[1:] {
				assert.Equal(t, "track after", m)
			}
			assert.Equal(t, []string{"other", "other", "other"}, others, "nobody else is purged")
			deleted := awaitRequest(t, s, loopkittest.UserDeletions)
			assert.GreaterOrEqual(t, deleted.Time.Sub(begin), quarantine,
				"a request of the program that was killed may be executed until then")
		})
	}
}

// awaitRequest returns the first request to an endpoint.
func awaitRequest(t *testing.T, s *loopkittest.Server, e loopkittest.Endpoint) (found loopkittest.Request) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, r := range s.Requests() {
			if r.Endpoint == e {
				found = r
				return true
			}
		}
		return false
	}, patience, time.Millisecond, "no request to %s", e)
	return found
}
