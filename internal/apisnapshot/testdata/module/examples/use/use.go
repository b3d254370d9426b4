// Package use is an example, not an API.
package use

func Exported() {}
