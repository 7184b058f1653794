// Package link makes a bandwidth-limited network link out of two streams.
//
// In: a rate in bytes per second and a stream of bytes. Out: the same bytes,
// each delivered no earlier than the link could have carried it. It refuses to
// know services, versions and faults: a flow is slow here because it is big,
// and for no other reason.
//
// A link may also be long and lossy; see Path. It has no more to say about why.
//
// Every flow has the whole rate for itself (a per-flow limit, as a cloud
// network or a shaped VPN gives), so two flows never wait for one another.
package link

import (
	"context"
	"errors"
	"io"
	"time"
)

// DefaultQuantum is how much link time one write carries. Shorter is smoother
// and costs more wake-ups; 25 ms is what a shaper with a small bucket does.
const DefaultQuantum = 25 * time.Millisecond

// Clock is the time a link lives in; tests pass one that does not wait.
type Clock interface {
	// Now is the current time.
	Now() time.Time
	// Sleep waits for d, or returns the context's error if that ends first.
	Sleep(ctx context.Context, d time.Duration) error
}

// Rate is bytes per second. Zero means no limit.
type Rate int64

// Duration is how long n bytes occupy the link: n / rate.
func (r Rate) Duration(n int64) time.Duration {
	if r <= 0 || n <= 0 {
		return 0
	}
	return time.Duration(float64(n) / float64(r) * float64(time.Second))
}

// Link carries flows at a fixed rate each. The zero value has no limit.
type Link struct {
	Rate    Rate
	Quantum time.Duration // link time per write; DefaultQuantum when zero
	Clock   Clock         // WallClock when nil
	Path    Path          // the zero value is short and clean
}

// Copy carries src to dst at the link's rate and returns the bytes carried.
// The clock is anchored at the start of the flow, so late wake-ups do not add
// up: the whole copy takes bytes/rate, plus at most one late wake-up.
func (l Link) Copy(ctx context.Context, dst io.Writer, src io.Reader) (int64, error) {
	if l.Rate <= 0 && l.Path == (Path{}) {
		return io.Copy(dst, src)
	}
	clock := l.Clock
	if clock == nil {
		clock = WallClock{}
	}
	buf := make([]byte, l.chunk())
	start := clock.Now().Add(l.Path.Delay)
	var sent int64
	for {
		n, err := io.ReadFull(src, buf)
		if n > 0 {
			start = start.Add(l.Path.stalled(n))
			due := start.Add(l.Rate.Duration(sent + int64(n)))
			if werr := waitUntil(ctx, clock, due); werr != nil {
				return sent, werr
			}
			if werr := deliver(dst, buf[:n]); werr != nil {
				return sent, werr
			}
			sent += int64(n)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return sent, nil
		}
		if err != nil {
			return sent, err
		}
	}
}

// chunk is the number of bytes one quantum carries, never less than one.
func (l Link) chunk() int {
	q := l.Quantum
	if q <= 0 {
		q = DefaultQuantum
	}
	if l.Rate <= 0 {
		return 32 << 10 // no limit: only the path counts
	}
	return max(1, int(float64(l.Rate)*q.Seconds()))
}

// waitUntil waits until the link has had time to carry what is sent next.
func waitUntil(ctx context.Context, clock Clock, due time.Time) error {
	wait := due.Sub(clock.Now())
	if wait <= 0 {
		return nil
	}
	return clock.Sleep(ctx, wait)
}

// deliver writes p at once: what is written arrives now.
func deliver(dst io.Writer, p []byte) error {
	if _, err := dst.Write(p); err != nil {
		return err
	}
	if f, ok := dst.(interface{ Flush() }); ok {
		f.Flush()
	}
	return nil
}

// WallClock is the real clock.
type WallClock struct{}

// Now returns time.Now.
func (WallClock) Now() time.Time { return time.Now() }

// Sleep waits for d or for the context.
func (WallClock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
