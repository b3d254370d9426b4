//go:build !unix

package main

import (
	"errors"
	"fmt"
	"time"
)

// cpu is measured on Unix only.
func cpu() (time.Duration, error) {
	return 0, fmt.Errorf("processor time: %w on this system", errors.ErrUnsupported)
}
