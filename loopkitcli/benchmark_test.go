package loopkitcli_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkitcli"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// BenchmarkRun measures what telemetry adds to a run, without the network.
func BenchmarkRun(b *testing.B) {
	for _, c := range []struct{ name, choice string }{{"NotAsked", ""}, {"Off", "off"}, {"On", "on"}} {
		b.Run(c.name, func(b *testing.B) {
			clearEnvironment(b)
			options := &loopkitcli.Options{
				App: "mytool", Dir: b.TempDir(), Stderr: discard{},
				Client: &loopkit.Options{HTTPClient: loopkittest.NewTransport(b).HTTPClient()},
			}
			if c.choice != "" {
				require.Zero(b, loopkitcli.New("lk_test", options).Command([]string{c.choice}, discard{}))
			}
			b.ReportAllocs()
			for b.Loop() {
				t := loopkitcli.New("lk_test", options)
				t.Start("deploy", "force")
				t.Finish(0)
			}
		})
	}
}
