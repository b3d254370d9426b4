package spool_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
	"github.com/loopkitai/loopkit-go/spool"
)

const (
	crashRounds   = 50
	crashWriters  = 4
	longestLife   = 60 * time.Millisecond // of a program that is running
	crashBatch    = 16
	crashInFlight = 2 // requests of events; identifies and groups go one at a time
)

// writer numbers its messages; the kinds take turns, so that each has its own order.
type writer struct {
	round, id int
	n         int // messages that were accepted
}

func (w *writer) write(c *loopkit.Client) error {
	ctx := known(fmt.Sprintf("user_%d_%d", w.round, w.id))
	number := map[string]any{"round": w.round, "writer": w.id, "n": w.n}
	var err error
	switch w.n % 8 {
	case 0:
		err = c.Identify(ctx, fmt.Sprintf("user_%d_%d", w.round, w.id), number)
	case 4:
		err = c.Group(ctx, "team_456", number)
	default:
		err = c.Track(ctx, "page_view", number)
	}
	if err == nil {
		w.n++
	}
	return err
}

// busy writes and flushes until it is killed. It prints what Flush has
// acknowledged: the writer, and how many of its messages.
func (p *program) busy() error {
	client, err := p.client(func(o *loopkit.Options) {
		o.BatchSize, o.MaxInFlight = crashBatch, crashInFlight
		o.QueueBytes = 256 << 10
		o.Overflow = loopkit.Block
		o.HTTPClient = &http.Client{Transport: &tagged{strconv.Itoa(p.Round), http.DefaultTransport}}
	})
	if err != nil {
		return err
	}
	fmt.Println("running")
	failed := make(chan error)
	for id := range crashWriters {
		go func() {
			random := rand.New(rand.NewPCG(p.Seed, uint64(p.Round*crashWriters+id)))
			w := writer{round: p.Round, id: id}
			for {
				for range 1 + random.IntN(40) {
					if err := w.write(client); err != nil {
						failed <- err
						return
					}
				}
				ctx, cancel := background()
				err := client.Flush(ctx)
				cancel()
				if err != nil {
					failed <- err
					return
				}
				fmt.Println(w.id, w.n)
			}
		}()
	}
	return <-failed
}

// lifeHeader tells the server which of the killed programs sent a request.
const lifeHeader = "X-Life"

type tagged struct {
	life string
	next http.RoundTripper
}

func (r *tagged) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set(lifeHeader, r.life)
	return r.next.RoundTrip(req)
}

func crashSeed(t *testing.T) uint64 {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("LOOPKIT_CRASH_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "LOOPKIT_CRASH_SEED")
	}
	t.Logf("LOOPKIT_CRASH_SEED=%d makes the same choices again", seed)
	return seed
}

func TestNothingThatFlushAcknowledgedIsLostToFiftyKills(t *testing.T) {
	seed := crashSeed(t)
	random := rand.New(rand.NewPCG(seed, 0))
	s, dir := loopkittest.NewServer(t), t.TempDir()
	acknowledged := map[[2]int]int{} // by round and writer

	for round := range crashRounds {
		s.Heal()
		for endpoint, f := range map[loopkittest.Endpoint]loopkittest.Fault{
			loopkittest.Tracks:     {Status: 503},
			loopkittest.Identifies: {Reset: true, ResetAfter: 100},
			loopkittest.Groups:     {Status: 429},
		} {
			switch random.IntN(4) {
			case 0:
				s.FailAll(endpoint, f)
			case 1:
				s.Script(endpoint, f, loopkittest.Fault{}, f)
			}
		}
		p := startProgram(t, program{
			Name: "busy", Dir: dir, BaseURL: s.BaseURL(), Round: round, Seed: seed,
			Sync: spool.SyncPolicy(random.IntN(3)), // all of them survive the process
		})
		if random.IntN(5) > 0 { // else it may be killed while it opens the spool
			p.expect("running")
		}
		end := time.AfterFunc(time.Duration(random.Int64N(int64(longestLife))), p.killSoon)
		for _, line := range p.wait() {
			if line == "running" {
				continue
			}
			var writer, n int
			_, err := fmt.Sscan(line, &writer, &n)
			require.NoError(t, err, line)
			acknowledged[[2]int{round, writer}] = n
		}
		end.Stop()
	}

	s.Heal()
	c := start(t, s, dir, func(o *loopkit.Options) { o.BatchSize = crashBatch })
	drain(t, c)
	stats := requireSettled(t, c)
	assert.Equal(t, stats.Restored, stats.Accepted, "this client has tracked nothing")
	assert.Equal(t, stats.Accepted, stats.Delivered)
	ctx, cancel := background()
	defer cancel()
	require.NoError(t, c.Close(ctx))
	requireEmpty(t, dir)

	arrived := arrivals(t, s)
	sum := 0
	for who, n := range acknowledged {
		sum += n
		for i := range n {
			if arrived[[3]int{who[0], who[1], i}] == 0 {
				t.Errorf("message %d of writer %d in round %d was acknowledged and is lost", i, who[1], who[0])
			}
		}
	}
	t.Logf("%d acknowledged, %d arrived, %d by the last client", sum, len(arrived), stats.Delivered)
	assert.Greater(t, sum, 2*crashRounds, "the test tests something")
	requireOnlyWhatWasInFlightRepeated(t, s)
	requireOrder(t, s)
}

// arrivals counts how often each message arrived, by round, writer and number.
func arrivals(t *testing.T, s *loopkittest.Server) map[[3]int]int {
	arrived := map[[3]int]int{}
	for _, m := range s.Messages() {
		arrived[numberOf(t, m)]++
	}
	return arrived
}

func numberOf(t *testing.T, m loopkittest.Message) [3]int {
	var number [3]int
	for i, key := range []string{"round", "writer", "n"} {
		value, ok := m.Values[key].(float64)
		require.True(t, ok, "%s", m.Raw)
		number[i] = int(value)
	}
	return number
}

// requireOnlyWhatWasInFlightRepeated asserts that what arrived twice was in flight
// when its program was killed: one request of identifies, one of groups, and two
// of events. A request is in flight until the spool has forgotten what it carried.
func requireOnlyWhatWasInFlightRepeated(t *testing.T, s *loopkittest.Server) {
	type lane struct {
		life string
		kind loopkittest.Kind
	}
	requests := s.Requests()
	first := map[string]int{} // the request that brought a message first, by its ID
	repeated := map[int]bool{}
	for _, m := range s.Messages() {
		if m.Duplicate {
			repeated[first[m.MessageID]] = true
		} else {
			first[m.MessageID] = m.Request
		}
	}
	kinds := map[int]loopkittest.Kind{}
	for _, m := range s.Messages() {
		kinds[m.Request] = m.Kind
	}
	again := map[lane]int{} // requests of the lane that were repeated
	for i, r := range requests {
		kind, stored := kinds[i]
		if !stored {
			continue
		}
		l := lane{r.Header.Get(lifeHeader), kind}
		if repeated[i] {
			again[l]++
		} else if kind != loopkittest.KindTrack {
			assert.Zero(t, again[l], "request %d of program %s (%s) follows one that was repeated, and was not", i, l.life, kind)
		}
	}
	inFlight := map[loopkittest.Kind]int{loopkittest.KindIdentify: 1, loopkittest.KindGroup: 1, loopkittest.KindTrack: 2}
	for l, n := range again {
		assert.LessOrEqual(t, n, inFlight[l.kind], "requests with %ss of program %s that were repeated", l.kind, l.life)
	}
}

// requireOrder asserts that of each writer, identifies arrived in order, and groups.
func requireOrder(t *testing.T, s *loopkittest.Server) {
	type line struct {
		round, writer int
		kind          loopkittest.Kind
	}
	last := map[line]int{}
	for _, m := range s.Messages() {
		if m.Kind == loopkittest.KindTrack || m.Duplicate {
			continue
		}
		number := numberOf(t, m)
		l := line{number[0], number[1], m.Kind}
		before, seen := last[l]
		require.True(t, !seen || number[2] > before, "%s %d of writer %d in round %d arrived after %d",
			m.Kind, number[2], l.writer, l.round, before)
		last[l] = number[2]
	}
}
