//go:build !linux

package cli

import "syscall"

// dieWithParent has no counterpart outside Linux; children are stopped on the way out.
func dieWithParent() *syscall.SysProcAttr { return nil }
