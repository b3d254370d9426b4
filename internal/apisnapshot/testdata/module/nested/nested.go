// Package nested has a module, and so an API, of its own.
package nested

func Exported() {}
