//go:build race

package spool_test

// raceFactor thins out tests of damage when the race detector slows everything.
const raceFactor = 4
