package slo

import (
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// Feed counts a batch of spans. A server span of the SLI's service and
// operation counts in the step in which it ended, in whatever order spans
// arrive. It is good if it did not fail and, for latency, took at most the
// threshold.
func (l *Ledger) Feed(b *pitwall.SpanBatch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := map[uint64][]*book{} // service and operation numbers of this batch
	var last uint64
	var books []*book
	for i := range b.Len() {
		if b.Kind[i] != pitwall.SpanServer {
			continue
		}
		key := uint64(b.Service[i])<<32 | uint64(b.Operation[i])
		if key != last || books == nil {
			var seen bool
			if books, seen = known[key]; !seen {
				books = l.booksOf(b.Strings[b.Service[i]], b.Strings[b.Operation[i]])
				known[key] = books
			}
			last = key
		}
		for _, k := range books {
			l.count(k, b, i)
		}
	}
}

// booksOf gives the books that count an operation: its own, and those of the
// whole service.
func (l *Ledger) booksOf(service, operation string) []*book {
	all := l.routes[route{service: service}]
	if operation == "" {
		return all
	}
	own := l.routes[route{service, operation}]
	if len(all) == 0 {
		return own
	}
	return append(slices.Clone(own), all...)
}

func (l *Ledger) count(k *book, b *pitwall.SpanBatch, i int) {
	one := pitwall.Counts{Bad: 1}
	if !Bad(k.slo.SLI, b, i) {
		one = pitwall.Counts{Good: 1}
	}
	end := b.Start[i] + b.Duration[i]
	step := end / int64(l.step)
	if b.Start[i] < 0 || end < 0 || l.ahead(step) || !l.add(k, step, one) {
		l.refused++
	}
}

// Bad says whether an indicator counts the i-th span of a batch as bad: it failed
// or, for latency, took longer than the threshold.
func Bad(sli pitwall.SLI, b *pitwall.SpanBatch, i int) bool {
	return b.Failed[i] || sli.Kind == pitwall.SLILatency && time.Duration(b.Duration[i]) > sli.Threshold
}

// Count adds what queries counted: increments of steps up to an instant, which
// Through then gives. Steps at or before the instant known already are refused,
// so that the same answer twice counts once. A step without events that is given
// says that nothing happened there.
func (l *Ledger) Count(name pitwall.SLOName, increments []pitwall.LedgerStep, through time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	wrong := func(kind pitwall.Kind, format string, args ...any) error {
		return &pitwall.Error{Op: "counting", Kind: kind, ID: string(name), Err: fmt.Errorf(format, args...)}
	}
	k, end, seconds := l.books[name], through.Unix()/int64(l.step/time.Second), int64(l.step/time.Second)
	switch {
	case k == nil:
		return wrong(pitwall.NotFound, "no such objective")
	case through.Unix()%seconds != 0 || through.Nanosecond() != 0:
		return wrong(pitwall.Invalid, "%s is not the end of a ledger step of %s", through.UTC().Format(time.RFC3339Nano), l.step)
	case end <= k.through:
		return wrong(pitwall.Conflict, "counted through %s already", time.Unix(k.through*seconds, 0).UTC().Format(time.RFC3339))
	}
	for _, s := range increments {
		switch at := s.Start / seconds; {
		case s.Start < 0 || s.Start%seconds != 0:
			return wrong(pitwall.Invalid, "a step begins at %d, which is no multiple of the ledger step %s", s.Start, l.step)
		case at < k.through || at >= end:
			return wrong(pitwall.Conflict, "the step at %d does not lie between %d and %d", s.Start, k.through*seconds, end*seconds)
		case l.ahead(at):
			return wrong(pitwall.Invalid, "the step at %d has not happened yet", s.Start)
		}
	}
	sorted := slices.SortedFunc(slices.Values(increments), byStart)
	for _, s := range sorted {
		if !l.add(k, s.Start/seconds, s.Counts) {
			l.refused += s.Counts.Total()
		}
	}
	k.through, k.moved = end, true
	return nil
}

// Through is up to when an objective fed by queries has been counted; zero: it
// never was.
func (l *Ledger) Through(name pitwall.SLOName) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.books[name]
	if k == nil || k.through == 0 {
		return time.Time{}
	}
	return time.Unix(l.unix(k.through), 0).UTC()
}
