package loopkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// loss is a Drop that outlives its hook.
type loss struct {
	kind     loopkit.Kind
	reason   loopkit.Reason
	err      error
	messages []map[string]any
}

func keepLosses(t *testing.T, to *[]loss) func(*loopkit.Options) {
	return func(o *loopkit.Options) {
		o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) {
			l := loss{kind: d.Kind, reason: d.Reason, err: d.Err}
			for _, text := range d.Messages {
				var m map[string]any
				assert.NoError(t, json.Unmarshal(text, &m), string(text))
				l.messages = append(l.messages, m)
			}
			*to = append(*to, l)
		}
	}
}

// refuse makes the server refuse every request that holds an event of this name.
func refuse(s *loopkittest.Server, status int, event string) {
	s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: status, If: func(body []byte) bool {
		return bytes.Contains(body, []byte(`"name":"`+event+`"`))
	}})
}

func TestEveryLossIsToldOnceWithItsReasonItsCauseAndItsMessages(t *testing.T) {
	refusal := func(status int) func(*testing.T, error) {
		return func(t *testing.T, err error) {
			var api *loopkit.APIError
			require.ErrorAs(t, err, &api)
			assert.Equal(t, status, api.StatusCode)
		}
	}
	is := func(target error) func(*testing.T, error) {
		return func(t *testing.T, err error) { assert.ErrorIs(t, err, target) }
	}
	says := func(text string) func(*testing.T, error) {
		return func(t *testing.T, err error) { assert.ErrorContains(t, err, text) }
	}
	track := func(t *testing.T, c *loopkit.Client) {
		require.NoError(t, c.Track(visitor("anon_1"), "lost", loopkit.Properties{"n": 1}))
	}
	flush := func(t *testing.T, c *loopkit.Client) { _ = c.Flush(t.Context()) }
	deletion := func(t *testing.T, c *loopkit.Client) {
		_, err := c.DeleteUser(t.Context(), `user "1"`)
		require.NoError(t, err)
		flush(t, c)
	}
	down := func(s *loopkittest.Server) { s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503}) }
	answers := func(status int) func(*loopkittest.Server) {
		return func(s *loopkittest.Server) { s.FailAll(loopkittest.Any, loopkittest.Fault{Status: status}) }
	}
	stories := map[loopkit.Reason]struct {
		kind   loopkit.Kind
		change func(*loopkit.Options)
		server func(*loopkittest.Server)
		story  func(*testing.T, *loopkit.Client)
		cause  func(*testing.T, error)
	}{
		loopkit.ReasonQueueFull: {
			kind: loopkit.KindTrack, server: down, cause: is(loopkit.ErrQueueFull),
			change: func(o *loopkit.Options) {
				o.Overflow, o.QueueSize, o.BatchSize, o.RetryMin, o.RetryMax = loopkit.DropOldest, 1, 1, time.Minute, time.Minute
			},
			story: func(t *testing.T, c *loopkit.Client) {
				track(t, c)
				time.Sleep(time.Second)
				require.NoError(t, c.Track(visitor("anon_1"), "newer", nil))
			},
		},
		loopkit.ReasonExpired: {
			kind: loopkit.KindTrack, server: down, cause: says("MaxAge"),
			change: func(o *loopkit.Options) { o.MaxAge = time.Minute },
			story:  func(t *testing.T, c *loopkit.Client) { track(t, c); time.Sleep(2 * time.Minute) },
		},
		loopkit.ReasonRejected: {
			kind: loopkit.KindTrack, server: answers(400), cause: refusal(400),
			story: func(t *testing.T, c *loopkit.Client) { track(t, c); flush(t, c) },
		},
		loopkit.ReasonTooLarge: {
			kind: loopkit.KindTrack, server: answers(413), cause: refusal(413),
			story: func(t *testing.T, c *loopkit.Client) { track(t, c); flush(t, c) },
		},
		loopkit.ReasonConsent: {
			kind: loopkit.KindTrack, cause: says("opted out"),
			story: func(t *testing.T, c *loopkit.Client) {
				track(t, c)
				c.NewSession(loopkit.Identity{AnonymousID: "anon_1"}).OptOut()
			},
		},
		loopkit.ReasonDeleted: {
			kind: loopkit.KindGroup, cause: says("deletion"),
			story: func(t *testing.T, c *loopkit.Client) {
				require.NoError(t, c.Group(visitor("anon_1"), "team_1", loopkit.Traits{"n": 1}))
				_, err := c.DeleteGroup(t.Context(), "team_1")
				require.NoError(t, err)
			},
		},
		loopkit.ReasonUnsupported: {kind: loopkit.KindDeleteUser, server: answers(404), story: deletion, cause: is(loopkit.ErrDeletionUnsupported)},
		loopkit.ReasonClosed: {
			kind: loopkit.KindTrack, server: down, cause: is(loopkit.ErrClosed),
			story: func(t *testing.T, c *loopkit.Client) { track(t, c); assert.Error(t, c.Close(t.Context())) },
		},
	}
	for reason, story := range stories {
		t.Run(string(reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := loopkittest.NewTransport(t)
				if story.server != nil {
					story.server(server)
				}
				if story.change == nil {
					story.change = func(*loopkit.Options) {}
				}
				var losses []loss
				c := newClient(t, server, story.change, keepLosses(t, &losses))
				story.story(t, c)
				time.Sleep(time.Millisecond)
				synctest.Wait()

				require.Len(t, losses, 1)
				lost := losses[0]
				assert.Equal(t, reason, lost.reason)
				assert.Equal(t, story.kind, lost.kind)
				story.cause(t, lost.err)
				require.Len(t, lost.messages, 1)
				switch m := lost.messages[0]; story.kind {
				case loopkit.KindDeleteUser:
					assert.Equal(t, map[string]any{"userId": `user "1"`}, m)
				default:
					assert.Equal(t, map[string]any{"n": 1.0}, m["properties"])
					assert.Equal(t, "anon_1", m["anonymousId"])
				}
				assert.Equal(t, map[loopkit.Reason]int64{reason: 1}, requireBalanced(t, c).Dropped)
				assert.Zero(t, c.Stats().NoticesLost)
			})
		})
	}
}

func TestAHookMayAppendToTheMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []byte
		c := newClient(t, loopkittest.NewTransport(t), func(o *loopkit.Options) {
			o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) {
				for _, message := range d.Messages {
					lines = append(lines, append(message, "\r\n"...)...)
				}
			}
		})
		for range 3 {
			require.NoError(t, c.Session().Track(t.Context(), "e", nil))
		}
		c.Session().OptOut()
		synctest.Wait()
		for line := range bytes.Lines(lines) {
			assert.True(t, json.Valid(line), "%s", line)
		}
		assert.Equal(t, 3, bytes.Count(lines, []byte("\r\n")))
	})
}

func TestOnErrorIsToldOnceOfEachHalt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []error
		server := loopkittest.NewTransport(t)
		c := newClient(t, server, func(o *loopkit.Options) {
			o.OnError = func(_ context.Context, err error) { told = append(told, err) }
		})
		halt := func() {
			server.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 401})
			require.NoError(t, c.Track(visitor("anon_1"), "e", nil))
			time.Sleep(30 * time.Minute)
			synctest.Wait()
		}
		halt()
		require.Len(t, told, 1)
		var api *loopkit.APIError
		require.ErrorAs(t, told[0], &api)
		assert.Equal(t, loopkit.APIError{Endpoint: "tracks", StatusCode: 401, Message: "scripted fault"}, *api)
		assert.ErrorContains(t, told[0], "check the API key")
		assert.Greater(t, len(server.Requests()), 3, "it is probed meanwhile")
		assert.ErrorAs(t, c.Stats().Halted["tracks"], &api)

		server.Heal()
		time.Sleep(10 * time.Minute)
		assert.Empty(t, c.Stats().Halted)
		halt()
		assert.Len(t, told, 2, "a second halt is news")
	})
}

func TestTheContextOfACallbackMarksIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Tracks, loopkittest.Fault{Delay: time.Second})
		refuse(server, 400, "refused")
		called := make(chan struct{})
		var c *loopkit.Client
		c = newClient(t, server, func(o *loopkit.Options) {
			o.QueueSize, o.Overflow = 1, loopkit.Block
			o.Hooks.Dropped = func(ctx context.Context, _ loopkit.Drop) {
				defer close(called)
				start := time.Now()
				require.NoError(t, ctx.Err())
				ctx = loopkit.WithUser(ctx, "user_1") // a context made from it is marked too
				require.NoError(t, c.Track(ctx, "fits", nil))
				require.ErrorIs(t, c.Track(ctx, "does not", nil), loopkit.ErrQueueFull, "Block does not block")
				var undelivered *loopkit.UndeliveredError
				require.ErrorAs(t, c.Flush(ctx), &undelivered)
				assert.Equal(t, int64(1), undelivered.Pending)
				assert.ErrorContains(t, undelivered, "callback")
				require.ErrorAs(t, c.Close(ctx), &undelivered)
				assert.Equal(t, int64(1), undelivered.Pending)
				assert.Zero(t, time.Since(start), "nothing of this waits")
			}
		})
		require.NoError(t, c.Track(visitor("anon_1"), "refused", nil))
		<-called
		require.NoError(t, c.Close(t.Context()), "a second Close waits for the one of the callback")
		assert.Equal(t, int64(1), requireBalanced(t, c).Delivered)
		loopkittest.RequireTracked(t, server, "user_1", "fits")
	})
}

func TestTheContextOfAnotherClientsCallbackIsOrdinary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing, working := loopkittest.NewTransport(t), loopkittest.NewTransport(t)
		failing.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 400})
		working.FailAll(loopkittest.Tracks, loopkittest.Fault{Delay: time.Second})
		second := newClient(t, working)
		first := newClient(t, failing, func(o *loopkit.Options) {
			o.Hooks.Dropped = func(ctx context.Context, _ loopkit.Drop) {
				assert.NoError(t, second.Track(visitor("anon_1"), "lost elsewhere", nil))
				assert.NoError(t, second.Flush(ctx))
			}
		})
		require.NoError(t, first.Track(visitor("anon_1"), "e", nil))
		assert.Error(t, first.Close(t.Context()))
		assert.Equal(t, int64(1), requireBalanced(t, second).Delivered)
	})
}

func TestACallbackThatUsesTheClientDoesNotDeadlock(t *testing.T) {
	for name, use := range map[string]func(*loopkit.Client) error{
		"Track": func(c *loopkit.Client) error { return c.Track(visitor("anon_1"), "from the hook", nil) },
		"Flush": func(c *loopkit.Client) error { return c.Flush(context.Background()) },
		"Close": func(c *loopkit.Client) error { return c.Close(context.Background()) },
		"Stats": func(c *loopkit.Client) error { c.Stats(); c.Session().Reset(); c.Session().OptOut(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := loopkittest.NewTransport(t)
				server.FailAll(loopkittest.Tracks, loopkittest.Fault{Delay: time.Second})
				refuse(server, 400, "refused")
				returned := make(chan time.Time, 1)
				var c *loopkit.Client
				c = newClient(t, server, func(o *loopkit.Options) {
					o.BatchSize = 1
					o.Hooks.Dropped = func(context.Context, loopkit.Drop) {
						assert.NoError(t, use(c))
						returned <- time.Now()
					}
				})
				start := time.Now()
				require.NoError(t, c.Track(visitor("anon_2"), "fine", nil))
				require.NoError(t, c.Track(visitor("anon_1"), "refused", nil)) // the hook may close the client at once
				assert.LessOrEqual(t, (<-returned).Sub(start), 10*time.Second+100*time.Millisecond, "CloseTimeout at most")
				require.NoError(t, c.Close(context.Background()))
				loopkittest.RequireTracked(t, server, "anon_2", "fine")
				requireBalanced(t, c)
			})
		})
	}
}

func TestCloseWaitsForCallbacksUntilItsContextEnds(t *testing.T) {
	for _, test := range []struct{ hook, least, most time.Duration }{
		{hook: time.Second, least: time.Second, most: time.Second},
		{hook: time.Hour, least: 3 * time.Second, most: 3100 * time.Millisecond},
	} {
		t.Run(test.hook.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := loopkittest.NewTransport(t)
				server.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 400})
				c := newClient(t, server, func(o *loopkit.Options) {
					o.Hooks.Dropped = func(context.Context, loopkit.Drop) { time.Sleep(test.hook) }
				})
				require.NoError(t, c.Track(visitor("anon_1"), "e", nil))
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				start := time.Now()
				assert.Error(t, c.Close(ctx))
				assert.GreaterOrEqual(t, time.Since(start), test.least)
				assert.LessOrEqual(t, time.Since(start), test.most)
				time.Sleep(test.hook)
			})
		})
	}
}
