package spans

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// VersionSeen is when spans of one version of a service ended.
type VersionSeen struct {
	Version     pitwall.Version
	First, Last time.Time
}

type serviceVersion struct {
	service pitwall.ServiceName
	version pitwall.Version
}

// tally is what is counted of one version of one service.
type tally struct {
	requests    map[int64]int64 // server spans by unix second of their end
	first, last int64           // end of any span, unix nanoseconds
}

// mostCounted bounds the versions of services that are counted, some 500 bytes
// each besides a number a second; of more, nothing is counted until others went.
const mostCounted = 20_000

// counts answers how many requests there were without touching a span.
type counts map[serviceVersion]*tally

// add counts a batch and gives how many of its spans were not counted for want
// of room.
func (c counts) add(b *pitwall.SpanBatch) (left int) {
	of := map[uint64]*tally{}
	for i := range b.Service {
		key := uint64(b.Service[i])<<32 | uint64(b.Version[i])
		t, met := of[key]
		if !met {
			t = c.tally(serviceVersion{pitwall.ServiceName(b.Strings[b.Service[i]]), pitwall.Version(b.Strings[b.Version[i]])})
			of[key] = t
		}
		if t == nil {
			left++
			continue
		}
		end := b.Start[i] + b.Duration[i]
		t.first, t.last = min(t.first, end), max(t.last, end)
		if b.Kind[i] == pitwall.SpanServer {
			t.requests[second(end)]++
		}
	}
	return left
}

// tally gives the counts of a version; nil: there are too many.
func (c counts) tally(sv serviceVersion) *tally {
	t := c[sv]
	if t == nil && len(c) < mostCounted {
		sv = serviceVersion{pitwall.ServiceName(strings.Clone(string(sv.service))), pitwall.Version(strings.Clone(string(sv.version)))}
		t = &tally{requests: map[int64]int64{}, first: 1<<63 - 1, last: -1 << 63}
		c[sv] = t
	}
	return t
}

// requests sums the seconds that begin in the period, so that periods which
// follow each other count everything once.
func (c counts) requests(service pitwall.ServiceName, version pitwall.Version, p pitwall.Period) (n int64) {
	from, to := second(p.From.UnixNano()+1e9-1), second(p.To.UnixNano()+1e9-1)
	for sv, t := range c {
		if sv.service != service || version != "" && sv.version != version {
			continue
		}
		if int64(len(t.requests)) < to-from {
			for s, k := range t.requests {
				if from <= s && s < to {
					n += k
				}
			}
			continue
		}
		for s := from; s < to; s++ {
			n += t.requests[s]
		}
	}
	return n
}

func (c counts) versions(service pitwall.ServiceName) []VersionSeen {
	var seen []VersionSeen
	for sv, t := range c {
		if sv.service == service {
			seen = append(seen, VersionSeen{sv.version, time.Unix(0, t.first), time.Unix(0, t.last)})
		}
	}
	slices.SortFunc(seen, func(x, y VersionSeen) int {
		return cmp.Or(x.First.Compare(y.First), cmp.Compare(x.Version, y.Version))
	})
	return seen
}

// forget drops the seconds outside a period: the old ones, and those that only
// a wrong clock can have sent. A version without any is forgotten as well.
func (c counts) forget(keep pitwall.Period) {
	from, to := keep.From.Unix(), keep.To.Unix()
	for sv, t := range c {
		for s := range t.requests {
			if s < from || s >= to {
				delete(t.requests, s)
			}
		}
		if len(t.requests) == 0 && second(t.last) < from {
			delete(c, sv)
		}
	}
}

// second rounds unix nanoseconds down to the second, also before 1970.
func second(ns int64) int64 {
	s := ns / 1e9
	if ns%1e9 < 0 {
		s--
	}
	return s
}
