package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryContestantIsMeasuredAndLosesNothingThatItStreams(t *testing.T) {
	program := filepath.Join(t.TempDir(), "benchmarks.exe") // Windows asks for the ending
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command(program, "-rounds", "1", "-scale", "0.005", "-only", "producers: 1").CombinedOutput()
	require.NoError(t, err, "%s", out)

	_, table, ok := strings.Cut(string(out), "| connections |\n")
	require.True(t, ok, "%s", out)
	arrived := regexp.MustCompile(`\| 1,000 \| 0 \| \d+ \| \d+ \|`)
	rows := strings.Split(strings.TrimSpace(table), "\n")[1:]
	streaming := []string{"LoopKit", "Segment", "PostHog", floorCopy, floorPost}
	require.Len(t, rows, len(streaming))
	for i, name := range streaming {
		assert.True(t, strings.HasPrefix(rows[i], "| "+name+" |"), rows[i])
		assert.Regexp(t, arrived, rows[i], "all of them arrived, by the sink's count")
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
