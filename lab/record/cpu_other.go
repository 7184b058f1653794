//go:build !unix

package record

import "time"

// ownCPU is what this process has used so far; 0 where that is not to be had.
func ownCPU() time.Duration { return 0 }
