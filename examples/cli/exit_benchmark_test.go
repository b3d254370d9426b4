package main

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// BenchmarkExit measures whole runs of "notes add", from the start of the process
// to its end:
//
//	go test -run '^$' -bench Exit -benchtime 20x ./examples/cli
func BenchmarkExit(b *testing.B) {
	down := loopkittest.NewServer(b)
	down.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
	cases := holes(b)
	cases["a server that takes it"] = loopkittest.NewServer(b, loopkittest.Strict()).BaseURL()
	cases["a server that answers 503"] = down.BaseURL()
	cases["a server that is not there"] = refusing(b)
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		b.Run(name, func(b *testing.B) { benchmarkExit(b, "LOOPKIT_BASE_URL="+cases[name]) })
	}
	b.Run("telemetry is off", func(b *testing.B) { benchmarkExit(b, "DO_NOT_TRACK=1") })
}

func benchmarkExit(b *testing.B, environment string) {
	m := agreed(b)
	m.env = []string{environment}
	m.does("add", "Buy milk") // it creates the files
	var took []time.Duration
	for b.Loop() {
		r := m.run("add", "Buy milk")
		require.Zero(b, r.code)
		require.Empty(b, r.complaints)
		took = append(took, r.took)
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "median-ms")
	b.ReportMetric(took[len(took)-1].Seconds()*1000, "longest-ms")
}
