package link

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Path is what a way does to a flow besides its rate.
type Path struct {
	Delay time.Duration // one way, for every flow once
	Loss  *Loss         // nil: nothing is lost
}

const (
	segment = 1460                   // bytes in a TCP segment on Ethernet
	minRTO  = 200 * time.Millisecond // shortest retransmission timeout of common systems (RFC 6298 asks for 1 s)
	dupACKs = 3                      // acknowledgements that trigger a fast retransmit (RFC 5681)
)

// Loss drops segments at random, each with the same probability, and has TCP
// send them again: after one round trip if enough segments follow the lost one
// in its flight, else after a timeout that doubles when the repetition is lost
// as well (RFC 6298).
type Loss struct {
	Share float64 // of segments, below 1
	RTT   time.Duration

	mu   sync.Mutex
	rand *rand.Rand
	sent atomic.Int64
}

// NewLoss returns a lossy way with its own randomness.
func NewLoss(share float64, rtt time.Duration, r *rand.Rand) *Loss {
	return &Loss{Share: share, RTT: rtt, rand: r}
}

// Retransmits is how many segments were sent again so far.
func (l *Loss) Retransmits() int64 { return l.sent.Load() }

// stalled is how long a flight of n bytes waits for segments sent again.
func (p Path) stalled(n int) time.Duration {
	l := p.Loss
	if l == nil || l.Share <= 0 {
		return 0
	}
	segments := (n + segment - 1) / segment
	var wait time.Duration
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range segments {
		timeout := minRTO + l.RTT
		for first := true; l.rand.Float64() < min(l.Share, .9); first = false {
			l.sent.Add(1)
			if first && segments-i > dupACKs {
				wait += l.RTT
				continue
			}
			wait += timeout
			timeout *= 2
		}
	}
	return wait
}
