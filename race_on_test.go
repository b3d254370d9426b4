//go:build race

package loopkit_test

// raceFactor widens bounds on time when the race detector slows everything.
const raceFactor = 10
