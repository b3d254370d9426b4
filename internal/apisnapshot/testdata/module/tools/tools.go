// Package tools is a public package below the root.
package tools

import "example.com/sample"

func Use(o *sample.Options) {}
