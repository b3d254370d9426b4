//go:build !linux

package spool_test

import "errors"

// full needs a limit on the size of files, as Linux has it.
func (p *program) full() error { return errors.ErrUnsupported }
