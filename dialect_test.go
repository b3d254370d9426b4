package loopkit_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func sendTwoOfEachAndOne(t *testing.T, c *loopkit.Client) {
	t.Helper()
	for _, n := range []int{2, 1} {
		for range n {
			require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
			require.NoError(t, c.Group(known("anon_1", "user_1"), "team_1", nil))
			require.NoError(t, c.Track(known("anon_1", "user_1"), "page_view", nil))
		}
		require.NoError(t, c.Flush(t.Context()))
	}
}

func TestEachDialectSendsItsForms(t *testing.T) {
	const identify, group, track = loopkittest.Identifies, loopkittest.Groups, loopkittest.Tracks
	for _, c := range []struct {
		dialect loopkit.Dialect
		strict  bool // no form that no source shows
		want    map[loopkittest.Endpoint]map[int]string
	}{
		{loopkit.DialectAuto, true, map[loopkittest.Endpoint]map[int]string{
			identify: {1: "object", 2: "envelope"},
			group:    {1: "object", 2: "envelope"},
			track:    {1: "envelope", 2: "envelope"},
		}},
		{loopkit.DialectObjects, false, map[loopkittest.Endpoint]map[int]string{
			identify: {1: "object"}, group: {1: "object"}, track: {1: "object"},
		}},
		{loopkit.DialectEnvelopes, true, map[loopkittest.Endpoint]map[int]string{
			identify: {1: "envelope", 2: "envelope"},
			group:    {1: "envelope", 2: "envelope"},
			track:    {1: "envelope", 2: "envelope"},
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var options []loopkittest.Option
			if c.strict {
				options = append(options, loopkittest.Strict())
			}
			s := loopkittest.NewTransport(t, options...)
			client := newClient(t, s, func(o *loopkit.Options) { o.Dialect = c.dialect })
			sendTwoOfEachAndOne(t, client)
			got := map[loopkittest.Endpoint]map[int]string{identify: {}, group: {}, track: {}}
			for _, r := range s.Requests() {
				got[r.Endpoint][r.Messages] = r.Form
				require.Equal(t, 200, r.Status)
			}
			assert.Equal(t, c.want, got)
			for _, m := range s.Messages() {
				documented := s.Requests()[m.Request].Form == "object" && m.Kind != loopkittest.KindTrack
				assert.Equal(t, documented, m.ValuesKey == "traits")
			}
			assert.Len(t, s.Messages(), 9)
		})
	}
}

func TestLoneEventsReachAServerThatKnowsOnlyOneForm(t *testing.T) {
	enveloped := func(body []byte) bool { return bytes.HasPrefix(body, []byte(`{"tracks":`)) }
	for name, c := range map[string]struct {
		refuses  func(body []byte) bool
		requests int // for 10 events
	}{
		"envelopes": {func(body []byte) bool { return !enveloped(body) }, 10},
		"objects":   {enveloped, 10 + 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loopkittest.NewTransport(t)
				s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 400, If: c.refuses})
				client := newClient(t, s)
				for range 10 {
					trackN(t, client, 1)
					require.NoError(t, client.Flush(t.Context()))
				}
				assert.Len(t, s.Messages(), 10)
				assert.Len(t, s.Requests(), c.requests)
			})
		})
	}
}

func TestAServerThatDoesNotKnowEnvelopesGetsSingleObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{
			Status: 400, If: func(body []byte) bool { return bytes.HasPrefix(body, []byte(`{"tracks"`)) }})
		c := newClient(t, s, func(o *loopkit.Options) { o.MaxInFlight = 1 })
		trackN(t, c, 64)
		require.NoError(t, c.Flush(t.Context()))
		assert.Len(t, s.Messages(), 64)
		refused := len(s.Requests()) - 64
		assert.Less(t, refused, 64, "it stops trying before all is split")

		trackN(t, c, 64)
		require.NoError(t, c.Flush(t.Context()))
		assert.Len(t, s.Messages(), 128)
		assert.Len(t, s.Requests(), refused+128, "from then on, not one envelope")
	})
}

func TestLoneIdentifiesReachAServerThatKnowsOnlyEnvelopes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		refuse := func(body []byte) bool { return !bytes.HasPrefix(body, []byte(`{"identifies":`)) }
		s.FailAll(loopkittest.Identifies, loopkittest.Fault{Status: 422, If: refuse})
		c := newClient(t, s)
		for range 10 {
			require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
			require.NoError(t, c.Flush(t.Context()))
		}
		assert.Len(t, s.Messages(), 10)
		assert.Len(t, s.Requests(), 10+3)
	})
}

func TestRequestsInFlightWhileTheFormChangesLoseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		refuse := func(body []byte) bool { return bytes.HasPrefix(body, []byte(`{"tracks"`)) }
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 400, If: refuse, Delay: 7 * time.Millisecond})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize, o.MaxInFlight = 1, 16 })
		for range 64 {
			trackN(t, c, 1)
			time.Sleep(time.Millisecond)
		}
		require.NoError(t, c.Close(t.Context()))
		assert.Len(t, s.Messages(), 64)
	})
}

func TestOneRefusedPairDoesNotEndEnvelopes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s)
		for range 10 { // refused and taken in turn
			s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 400})
			for range 2 {
				trackN(t, c, 2)
				require.NoError(t, c.Flush(t.Context()))
			}
		}
		last := s.Requests()[len(s.Requests())-1]
		assert.Equal(t, "envelope", last.Form)
	})
}
