// Command benchmarks measures this library and its peers side by side: the same
// workloads against the same server, each in a process of its own, in turn.
//
//	go run . -rounds 5
//	go run . -write ../docs/benchmarks.md
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	role := flag.String("role", "", "what a child process is: sink or client")
	spec := flag.String("trial", "", "the trial of a client, as JSON")
	rounds := flag.Int("rounds", 5, "how often each client has its turn")
	only := flag.String("only", "", "run only workloads whose title contains this")
	scale := flag.Float64("scale", 1, "multiply the numbers of messages")
	profile := flag.String("profile", "", "write a processor profile of our last trial to this file")
	write := flag.String("write", "", "write the report to this file, too")
	flag.Parse()
	switch *role {
	case "sink":
		return runSink()
	case "client":
		return runClient(*spec)
	case "":
	default:
		return errors.New("-role is sink or client")
	}
	if *write != "" && (*only != "" || *scale != 1) {
		return errors.New("a report that is written is whole: leave out -only and -scale")
	}
	report, err := compete(os.Stdout, *rounds, *scale, *only, *profile)
	if err != nil || *write == "" {
		return err
	}
	return os.WriteFile(*write, []byte(report), 0o644)
}

func runClient(spec string) error {
	go exitWithParent()
	var t trial
	if err := json.Unmarshal([]byte(spec), &t); err != nil {
		return err
	}
	o, err := t.run()
	if err != nil {
		return err
	}
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(text))
	return err
}
