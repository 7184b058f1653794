//go:build !linux

package load

import "time"

// deviceTime is the time f takes. Elsewhere than on Linux it includes waiting
// for a processor.
func deviceTime(f func() error) (time.Duration, error) {
	start := time.Now()
	err := f()
	return time.Since(start), err
}
