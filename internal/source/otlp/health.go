package otlp

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	recent     = 64               // batches whose lag is remembered
	fresh      = 15 * time.Minute // how long a notice stands
	tooEarly   = 10 * time.Minute // further in the future a clock is wrong
	tooLate    = 24 * time.Hour   // further in the past too
	unknownLag = -1
)

// signal counts what came in of traces, metrics or logs.
type signal struct {
	name, items, blind string
	kind               pitwall.SignalKind

	mu                 sync.Mutex
	accepted, rejected uint64
	last               time.Time
	trouble            string
	failing            bool // what came last could not be stored
	lags               [recent]time.Duration
	samples            int // of lags, ever
	turned             uint64
	turnedAt           time.Time
	turnedFor          string
	ahead, behind      skew
}

// skew counts items whose times cannot be right.
type skew struct {
	items   uint64
	service pitwall.ServiceName
	at      time.Time // when the last came
}

// arrival is what the times of one accepted request say.
type arrival struct {
	now           time.Time
	lag           time.Duration // of one item; below 0: unknown
	ahead, behind int
	aheadOf       pitwall.ServiceName // whose last one was ahead
	behindOf      pitwall.ServiceName
}

// see notes the time of one item.
func (a *arrival) see(at int64, service func() pitwall.ServiceName) {
	switch late := a.now.UnixNano() - at; {
	case late < -int64(tooEarly):
		a.ahead++
		a.aheadOf = service()
	case late > int64(tooLate):
		a.behind++
		a.behindOf = service()
	}
}

func arrivalOfSpans(b *pitwall.SpanBatch, now time.Time) arrival {
	a := arrival{now: now, lag: unknownLag}
	early, late := now.Add(tooEarly).UnixNano(), now.Add(-tooLate).UnixNano()
	for i, start := range b.Start {
		if end := start + b.Duration[i]; end > early || end < late {
			a.see(end, func() pitwall.ServiceName { return pitwall.ServiceName(b.Strings[b.Service[i]]) })
		}
	}
	if n := b.Len(); n > 0 {
		a.lag = max(0, time.Duration(now.UnixNano()-b.Start[n/2]-b.Duration[n/2]))
	}
	return a
}

func arrivalOfLogs(b *pitwall.LogBatch, now time.Time) arrival {
	a := arrival{now: now, lag: unknownLag}
	for i := range b.Records {
		a.see(b.Records[i].At.UnixNano(), func() pitwall.ServiceName { return b.Records[i].Service })
	}
	if n := len(b.Records); n > 0 {
		a.lag = max(0, now.Sub(b.Records[n/2].At))
	}
	return a
}

func (s *signal) accept(n int, a arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted += uint64(n)
	s.last, s.trouble, s.failing = a.now, "", false
	if a.lag >= 0 {
		s.lags[s.samples%recent] = a.lag
		s.samples++
	}
	s.ahead.add(a.ahead, a.aheadOf, a.now)
	s.behind.add(a.behind, a.behindOf, a.now)
}

func (k *skew) add(n int, service pitwall.ServiceName, now time.Time) {
	if n > 0 {
		k.items, k.service, k.at = k.items+uint64(n), service, now
	}
}

// refuse counts and gives the error back.
func (s *signal) refuse(n int, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected += uint64(n)
	s.trouble, s.failing = err.Error(), asRefusal(err).again()
	return err
}

// turnAway counts a request that was asked to come again before it was read;
// how many items it had is not known.
func (s *signal) turnAway(err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turned++
	s.turnedAt, s.turnedFor = now, err.Error()
}

func (s *signal) health(now time.Time) pitwall.SourceHealth {
	s.mu.Lock()
	defer s.mu.Unlock()
	return pitwall.SourceHealth{
		Name: s.name, Signal: s.kind, Up: !s.last.IsZero() && !s.failing, LastSeen: s.last, Lag: s.lag().Seconds(),
		Accepted: s.accepted, Rejected: s.rejected, Message: s.message(now), Blind: s.blind,
	}
}

// lag is the median of the recent batches; 0: unknown.
func (s *signal) lag() time.Duration {
	known := slices.Clone(s.lags[:min(s.samples, recent)])
	if len(known) == 0 {
		return 0
	}
	slices.Sort(known)
	return known[len(known)/2]
}

func (s *signal) message(now time.Time) string {
	var list []string
	if s.trouble != "" {
		list = append(list, s.trouble)
	}
	if s.turned > 0 && now.Sub(s.turnedAt) < fresh {
		list = append(list, fmt.Sprintf("%d requests were asked to come again, the last because %s", s.turned, s.turnedFor))
	}
	for _, k := range []struct {
		skew
		when string
	}{{s.ahead, "the future"}, {s.behind, "the past"}} {
		if k.items > 0 && now.Sub(k.at) < fresh {
			list = append(list, fmt.Sprintf("%d %s from %s: check the clock of %s", k.items, s.items, k.when, k.service))
		}
	}
	return strings.Join(list, "; ")
}
