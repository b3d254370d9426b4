//go:build !race

package spool_test

// raceFactor is 1: nothing slows the program.
const raceFactor = 1
