//go:build !linux

package lab

import "syscall"

// favour does nothing here.
func favour() {}

// dieWithParent asks for nothing here: children watch their parent's id.
func dieWithParent() *syscall.SysProcAttr { return nil }

// yield does nothing here.
func yield(int) {}

// pin does nothing here: the neighbour then competes for all processors.
func pin(int) error { return nil }
