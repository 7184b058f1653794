//go:build unix

package trace_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/pitwall/pitwall/internal/trace"
)

// TestNoShapeIsSlow: twenty times the spans take some twenty times the work,
// whatever their form; a walk that looks again and again would take four
// hundred times, and seconds. It counts processor time: other work on the
// machine does not matter.
func TestNoShapeIsSlow(t *testing.T) {
	for _, s := range shapes() {
		took := func(n int) time.Duration {
			b := s.make(n)
			begin := processorTime(t)
			f := trace.Build(b)
			trace.SelfTimes(b, f)
			trace.CriticalPath(b, f, 0)
			trace.CriticalPathCRISP(b, f, 0)
			trace.Repeats(b, f)
			trace.Exemplars(trace.Group{Batch: b, Forest: f, Requests: []int32{0}}, trace.Wanted{At: []float64{0.5}})
			return processorTime(t) - begin
		}
		small, large := took(2_000), took(40_000)
		if large > 200*small && large > time.Second {
			t.Errorf("%s: 2,000 spans take %v, 40,000 take %v", s.name, small, large)
		}
	}
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
