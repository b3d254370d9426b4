package main

import (
	"io"
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain is the sink and the clients, too: each is this program in a process
// of its own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-role" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestEveryWorkloadMeasuresThoseThatTakePartInIt(t *testing.T) {
	libraries := []string{ours, "Segment", "PostHog"}
	with := func(invited ...string) []string { return append(invited, libraries...) }
	who := map[string][]string{
		asFastAsTaken(8):                libraries,
		inBursts:                        libraries,
		endToEnd(1):                     with(floorCopy, floorPost),
		fromHandlers:                    with(floorCall),
		inAFreshProcess(8):              libraries,
		outageOf("refuses connections"): with(largeQueue),
		farAway(20 * time.Millisecond):  with(withInFlight(1), withInFlight(16), withInFlight(64)),
		growthTo(10_000):                {ours},
		"1,000 idle sessions":           {ours},
		"What is left of a million people, one event each": libraries,
	}
	s, err := startServer()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.stop()) })
	for _, w := range workloads() {
		if who[w.title] == nil {
			continue
		}
		t.Run(w.title, func(t *testing.T) {
			w := w.scaled(0.005)
			r, err := s.contest(w, 1)
			require.NoError(t, err)
			var names []string
			for name, measured := range r {
				names = append(names, name)
				require.Len(t, measured, 1)
				assert.Zero(t, measured[0].lost(), name)
				assert.Equal(t, w.trial.Messages, measured[0].Accepted+measured[0].Refused, name)
			}
			assert.ElementsMatch(t, who[w.title], names)
			delete(who, w.title)
		})
	}
	assert.Empty(t, who, "workloads that there are not")
}

func TestAReportNeedsSomethingToReport(t *testing.T) {
	for _, err := range []error{
		func() error { _, err := compete(io.Discard, 0, 1, "", ""); return err }(),
		func() error { _, err := compete(io.Discard, 1, 0, "", ""); return err }(),
		func() error { _, err := compete(io.Discard, 1, 1, "no such title", ""); return err }(),
	} {
		assert.Error(t, err)
	}
}

// made is a measurement of a call's median, of how many arrived of a hundred, and
// of the calls' processor time.
func made(median time.Duration, arrived int64) []measurement {
	m := measurement{sink: sinkReport{Messages: arrived}}
	m.Accepted, m.Calls.Median = 100, median
	return []measurement{m}
}

func TestTheReportSaysWhoIsAhead(t *testing.T) {
	w := workload{title: "calls", columns: []column{median, arrived, slowest}}
	r := results{ours: made(400, 90), "Segment": made(200, 90), "PostHog": made(800, 100), floorCopy: made(1, 100)}
	assert.Equal(t, `
## calls

| | median call | arrived | slowest call |
|---|---:|---:|---:|
| LoopKit | 400 ns | 90 | 0 ns |
| Segment | 200 ns, 0.5× | 90, 1.0× | 0 ns |
| PostHog | 800 ns, 2.0× | 100, 1.1× | 0 ns |
| copying ready-made messages | 1 ns, 0.0× | 100, 1.1× | 0 ns |

Ahead of LoopKit: Segment, median call: 200 ns against 400 ns; PostHog, arrived: 100 against 90.
`, tableOf(w, r))
	assert.Empty(t, aheadOfUs(w, results{ours: made(400, 90), "Segment": made(400, 90)}), "a tie")
}

func TestTheBestPeerIsAmongThoseThatLostNothing(t *testing.T) {
	r := results{ours: made(1, 100), "Segment": made(200, 99), "PostHog": made(800, 100), floorCopy: made(1, 100)}
	name, best := bestPeer(median, r)
	assert.Equal(t, "PostHog", name)
	assert.Equal(t, 800.0, best)
	name, _ = bestPeer(median, results{ours: made(1, 100), "Segment": made(200, 99)})
	assert.Empty(t, name)
	assert.Contains(t, inShort(map[string]results{inBursts: r}), "| a call on an idle pipeline, median | 1 ns | PostHog 800 ns | 800.0× |")
}

func TestNumbersAreReadable(t *testing.T) {
	for want, got := range map[string]string{
		"0": whole(0), "999": whole(999), "1,000": whole(1000), "-1,234,567": whole(-1234567),
		"650 ns": nanoseconds(650), "12.3 µs": nanoseconds(12_300), "5.8 ms": nanoseconds(5_800_000),
		"512 B": bytesOf(512), "1.5 KiB": bytesOf(1536), "32.0 MiB": bytesOf(32 << 20), "? ns": nanoseconds(math.NaN()),
	} {
		assert.Equal(t, want, got)
	}
}

func TestTheSinkCountsEachNumberOnce(t *testing.T) {
	events, err := makeEventNames(70_001)
	require.NoError(t, err)
	s := &sink{}
	first, second := `{"tracks":[{"name":"`+events.name(1)+`"},{"name":"`+events.name(70_000)+`"}]}`, `[{"event":"`+events.name(1)+`"}]`
	s.count([]byte(first))
	s.count([]byte(second))
	assert.Equal(t, sinkReport{Requests: 2, Messages: 3, Duplicates: 1, Bytes: int64(len(first) + len(second))}, s.report)
	assert.Equal(t, int64(2), s.report.Arrived())
}

func TestTheSinkTakesNothingElseForANumber(t *testing.T) {
	s := &sink{}
	for _, body := range []string{`{"name":"quiz_done_"},{"name":"x"}`, `"quiz_done_12345678"`, `"quiz_done_123456`, `"quiz_done_123456x"`} {
		s.count([]byte(body))
	}
	assert.Zero(t, s.report.Messages)
	assert.Equal(t, int64(4), s.report.Malformed)
	_, err := makeEventNames(mostNames + 1)
	assert.Error(t, err)
}
