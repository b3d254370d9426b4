package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	loopkit "github.com/loopkitai/loopkit-go"
)

// heading says what was measured where and how.
func heading(rounds int, scale float64) string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\n`make bench-report` writes this file with the numbers of your machine; `make bench-peers` prints them.\n\n| | |\n|---|---|\n")
	row := func(what, text string) { fmt.Fprintf(&b, "| %s | %s |\n", what, text) }
	row("Machine", fmt.Sprintf("%s, %d processors, %s/%s, %s, %s", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().UTC().Format("2006-01-02")))
	if scale != 1 {
		row("Scale", fmt.Sprintf("all numbers of messages times %v, whatever the titles say", scale))
	}
	row("A cell", fmt.Sprintf("median of %d rounds (least to most), and how many times LoopKit's median that is", rounds))
	row("Order", "in each round the clients take turns, beginning with another one each time, so that whatever else the machine does meets all of them")
	row("Processes", "the server has one of its own on the same machine, and each trial another; CPU is that of the client's process alone. Plain HTTP")
	row("Before the clock starts", fmt.Sprintf("unless the title says otherwise, %s messages have arrived and the process has used %s of memory, so that connections and memory are there as in a server at work. "+
		"On a virtual machine the first touch of a page can take as long as thirty calls", whole(rehearsal), bytesOf(usualWarmth)))
	row("Heap", "GOGC=100, and little in it but what the client keeps. A larger heap makes collections rarer and longer: what a client allocates costs about the same")
	row("Events", "one name each, by which the server counts them, and six properties that are made once, unless the title says otherwise. No client's word about what arrived is believed")
	row("Single calls", fmt.Sprintf("are accepted ones, and include reading the clock twice, at least %s here", nanoseconds(float64(clockTime()))))
	b.WriteString("\n| | Version | Settings |\n|---|---|---|\n")
	for _, e := range entrants {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", e.name, versionOf(e.name), e.settings)
	}
	b.WriteString("\nBoth peers hand the arguments over a channel of 100 to one goroutine, which encodes them: a call that finds room is shorter than one that encodes, and keeps using the map after it returned. " +
		"They close answers without reading them, so most requests need a new connection unless Config.Transport is one that reads; on this machine, without TLS, that costs little. When about a thousand batches are in work they drop what comes.\n")
	return b.String()
}

// clockTime is the shortest of many pairs of readings.
func clockTime() time.Duration {
	least := time.Hour
	for range 1000 {
		begin := time.Now()
		least = min(least, time.Since(begin))
	}
	return least
}

func versionOf(name string) string {
	paths := map[string]string{"Segment": "gopkg.in/segmentio/analytics-go.v3", "PostHog": "github.com/posthog/posthog-go"}
	if strings.HasPrefix(name, ours) {
		return loopkit.Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && paths[name] != "" {
		for _, m := range info.Deps {
			if m.Path == paths[name] {
				return m.Path + " " + m.Version
			}
		}
	}
	return ""
}

// processor is the name of the processor, as the system has it.
func processor() string {
	if runtime.GOOS == "darwin" {
		if out, err := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output(); err == nil {
			return strings.TrimSpace(string(out))
		}
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(text), "model name"); ok {
			_, rest, _ = strings.Cut(rest, ": ")
			name, _, _ := strings.Cut(rest, "\n")
			return strings.TrimSpace(name)
		}
	}
	return "an unknown processor"
}
