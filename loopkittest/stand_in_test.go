package loopkittest_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// standIn is the testing.TB of a test that is to fail, or that an example shows:
// go test gives examples none.
type standIn struct {
	testing.TB
	message  string
	cleanups []func()
}

func (s *standIn) Helper() {}

func (s *standIn) Context() context.Context { return context.Background() }

func (s *standIn) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *standIn) Fatal(args ...any) { s.Fatalf("%s", fmt.Sprint(args...)) }

func (s *standIn) Fatalf(format string, args ...any) {
	s.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failed runs a test and returns the message with which it ended.
func failed(test func(testing.TB)) string {
	s := &standIn{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(s)
	}()
	<-done
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
	return s.message
}

// run prints what go test -v would.
func run(name string, test func(t testing.TB)) {
	message := failed(test)
	if message == "" {
		fmt.Println("--- PASS:", name)
		return
	}
	fmt.Println("--- FAIL:", name)
	fmt.Println("    " + strings.ReplaceAll(message, "\n", "\n    "))
}
