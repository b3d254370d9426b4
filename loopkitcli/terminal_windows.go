package loopkitcli

import (
	"os"
	"syscall"
)

// isTerminal asks the console: what discards everything is a character device,
// too.
func isTerminal(file *os.File) bool {
	var mode uint32
	return syscall.GetConsoleMode(syscall.Handle(file.Fd()), &mode) == nil
}
