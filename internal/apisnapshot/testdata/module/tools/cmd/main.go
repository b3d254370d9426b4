// Cmd is a command, not an API.
package main

func Exported() {}

func main() { Exported() }
