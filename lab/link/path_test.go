package link_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitwall/pitwall/lab/link"
)

// carried is how long n bytes take, on a clock that does not wait.
func carried(t *testing.T, l link.Link, n int) time.Duration {
	t.Helper()
	c := &pathClock{now: time.Unix(0, 0)}
	l.Clock = c
	if got, err := l.Copy(context.Background(), io.Discard, bytes.NewReader(make([]byte, n))); err != nil || got != int64(n) {
		t.Fatalf("%d bytes, %v", got, err)
	}
	return c.now.Sub(time.Unix(0, 0))
}

type pathClock struct{ now time.Time }

func (c *pathClock) Now() time.Time { return c.now }

func (c *pathClock) Sleep(_ context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	return nil
}

func TestALongWayDelaysOnce(t *testing.T) {
	long := link.Link{Rate: 1_000_000, Path: link.Path{Delay: 30 * time.Millisecond}}
	if got, want := carried(t, long, 500_000), 530*time.Millisecond; got != want {
		t.Errorf("500 kB took %s, want %s", got, want)
	}
	if got := carried(t, link.Link{Path: link.Path{Delay: time.Second}}, 9); got != time.Second {
		t.Errorf("without a rate it took %s", got)
	}
}

func TestALossyWaySendsAgain(t *testing.T) {
	loss := link.NewLoss(.05, 20*time.Millisecond, rand.New(rand.NewPCG(1, 2)))
	lossy := link.Link{Rate: 10_000_000, Path: link.Path{Loss: loss}}
	var total time.Duration
	const flows = 2_000
	for range flows {
		total += carried(t, lossy, 8_760) // six segments
	}
	// Of six segments 0.3 are lost: half early, for one round trip, half among
	// the last three, for a timeout.
	mean := total / flows
	if mean < 30*time.Millisecond || mean > 50*time.Millisecond {
		t.Errorf("a flow takes %s, want 30 to 50 ms", mean)
	}
	if n := loss.Retransmits(); n < 540 || n > 720 {
		t.Errorf("%d segments were sent again, want about %d", n, flows*6*5/100)
	}
}
