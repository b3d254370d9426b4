// Command loopkit sends analytics to LoopKit from a shell, imports and checks
// files of messages, finds out why data does not arrive, and serves a local
// LoopKit with a web page to develop against.
package main

import (
	"os"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/command"
)

func main() {
	os.Exit(command.Main(os.Args[1:]))
}
