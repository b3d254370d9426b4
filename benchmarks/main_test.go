package main

import (
	"io"
	"os"
	"regexp"
	"strings"
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
	libraries := []string{"LoopKit", "Segment", "PostHog"}
	for workload, who := range map[string][]string{
		"saturated, goroutines: 8":          libraries,
		"in bursts":                         libraries,
		"producers: 1":                      append([]string{floorCopy, floorPost}, libraries...),
		"made for each":                     append([]string{floorCall}, libraries...),
		"no memory before":                  libraries,
		"answers 503":                       libraries,
		"20ms away, requests in flight: 16": {"LoopKit"},
		"messages: 10,000":                  {"LoopKit"},
		"idle sessions":                     {"LoopKit"},
		"A million people":                  libraries,
	} {
		t.Run(workload, func(t *testing.T) {
			report, err := compete(io.Discard, 1, 0.005, workload, "")
			require.NoError(t, err)
			table := report[strings.LastIndex(report, "\n## "):]
			rows := regexp.MustCompile(`(?m)^\| (\w[^|]*) \|`).FindAllStringSubmatch(table, -1)
			var names []string
			for _, row := range rows {
				names = append(names, row[1])
			}
			assert.ElementsMatch(t, who, names)
		})
	}
}

func TestNothingThatIsStreamedIsLost(t *testing.T) {
	s, err := startServer()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.stop()) })
	for _, c := range contestants[:3] {
		o, r, err := s.conduct(trial{Contestant: c.name, Story: "stream", Messages: 1000, Producers: 3, InFlight: 4, Blocks: true, Within: time.Minute}, sinkMode{})
		require.NoError(t, err)
		assert.Equal(t, 1000, o.Accepted, c.name)
		assert.Equal(t, int64(1000), r.Arrived(), c.name)
		assert.Zero(t, r.Duplicates, c.name)
	}
}

func TestNumbersAreReadable(t *testing.T) {
	for want, got := range map[string]string{
		"0": whole(0), "999": whole(999), "1,000": whole(1000), "-1,234,567": whole(-1234567),
		"650 ns": nanoseconds(650), "12.3 µs": nanoseconds(12_300), "5.8 ms": nanoseconds(5_800_000),
		"512 B": bytesOf(512), "1.5 KiB": bytesOf(1536), "32.0 MiB": bytesOf(32 << 20),
	} {
		assert.Equal(t, want, got)
	}
}

func TestTheSinkCountsEachNumberOnce(t *testing.T) {
	events := makeEventNames(70_001)
	s := &sink{}
	s.count([]byte(`{"tracks":[{"name":"` + events.name(1) + `"},{"name":"` + events.name(70_000) + `"}]}`))
	s.count([]byte(`[{"event":"` + events.name(1) + `"},{"event":"quiz_done_"}]`))
	assert.Equal(t, sinkReport{Requests: 2, Messages: 3, Duplicates: 1, Bytes: s.report.Bytes}, s.report)
	assert.Equal(t, int64(2), s.report.Arrived())
}
