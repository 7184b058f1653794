package slo

import (
	"time"

	"github.com/pitwall/pitwall"
)

// Seen is how long an objective has been counted; zero: nothing yet.
func (l *Ledger) Seen(name pitwall.SLOName, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.seen(name, now))
}
