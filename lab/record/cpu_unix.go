//go:build unix

package record

import (
	"syscall"
	"time"
)

// ownCPU is what this process has used so far; 0 where that is not to be had.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
