package diagnose

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

const (
	// coldShare is how much of the excess must lie just after starts.
	coldShare = 0.7
	// colder is by what factor a request to a young instance must be worse off
	// than one to an older instance.
	colder = 2
)

// youngFor are the ages, rising, up to which an instance may count as young.
func youngFor() []time.Duration {
	return []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second}
}

// coldStart asks whether requests are slow only just after instances started:
// loading, compiling, connecting, empty caches.
func coldStart(x *inquiry) result {
	if len(x.head.Began) == 0 && len(x.measuring(metricUptime)) == 0 {
		return skipped("nothing says when instances started: set service.instance.id on spans, or export process.uptime")
	}
	var list []*finding
	fresh := 0
	for _, s := range x.onPath() {
		began := starts{ids: x.fresh(s)}
		if len(began.ids) == 0 {
			began.times = x.uptimeStarts(s, x.q.Window)
		}
		if began.count() == 0 {
			continue
		}
		fresh += began.count()
		if f := x.cold(s, began); f != nil {
			list = append(list, f)
		}
	}
	if fresh == 0 {
		return clear("no instance on the path started since the baseline")
	}
	return hits(list, things(fresh, "instance")+" started, and requests are as slow when they have been up for longer")
}

// starts are those of one service, by instance or, where instances keep their
// name, by time alone (rising, unix nanoseconds).
type starts struct {
	ids   map[string]int64
	times []int64
}

func (s starts) count() int { return len(s.ids) + len(s.times) }

// age is how long the instance that answered at a moment had been up; negative:
// it was there before.
func (s starts) age(id string, at int64) time.Duration {
	if start, ok := s.ids[id]; ok {
		return time.Duration(at - start)
	}
	age := time.Duration(-1)
	for _, start := range s.times {
		if start <= at {
			age = time.Duration(at - start)
		}
	}
	return age
}

// fresh are the instances of a service that were not seen in the baseline, with
// when they answered first.
func (x *inquiry) fresh(s pitwall.ServiceName) map[string]int64 {
	list := map[string]int64{}
	for in, at := range x.head.Began {
		if _, old := x.base.Began[in]; in.Service == s && !old {
			list[in.ID] = at
		}
	}
	return list
}

// aged is one request to an instance of a known age.
type aged struct {
	id     string
	at     int64         // unix nanoseconds
	age    time.Duration // negative: an instance that was there before
	excess float64       // seconds above the baseline's mean of its operation
}

// goneFor is how long an instance must be silent, while others answer, to be
// over.
const goneFor = 5 * time.Second

// again says that instances are started again: one that began since the baseline
// is over, or those that keep their name began more than once.
func (s starts) again(list []aged) bool {
	last, newest := map[string]int64{}, int64(0)
	for _, a := range list {
		last[a.id], newest = max(last[a.id], a.at), max(newest, a.at)
	}
	for id := range s.ids {
		if at, answered := last[id]; answered && newest-at > int64(goneFor) {
			return true
		}
	}
	return len(s.times) > 1
}

// cold is the finding against a service whose young instances are slow, or nil.
func (x *inquiry) cold(s pitwall.ServiceName, began starts) *finding {
	list := x.ages(s, began)
	whole := 0.0
	for _, a := range list {
		whole += a.excess
	}
	if whole <= 0 {
		return nil
	}
	// A rollout may have brought whatever made things slow: then only what the
	// same instances did later tells, and for as long again.
	again := began.again(list)
	for _, young := range youngFor() {
		var hot, rest, hotN, restN float64
		for _, a := range list {
			switch {
			case a.age >= 0 && a.age < young:
				hot, hotN = hot+a.excess, hotN+1
			case a.age >= 0 || again:
				rest, restN = rest+a.excess, restN+1
			}
		}
		if hot < coldShare*whole || hotN == 0 {
			continue
		}
		recovered := restN >= fewRequests && hot/hotN > colder*max(0, rest/restN)
		if !recovered || !again && hotN > restN {
			return nil
		}
		return x.coldFinding(s, began.count(), young, fold.Shift{
			Before: rest / restN, After: hot / hotN, N0: int64(restN), N1: int64(hotN), Beyond: true, Noise: fold.MinNoise, Known: true,
		})
	}
	return nil
}

// ages reads the requests that the service answered in the window.
func (x *inquiry) ages(s pitwall.ServiceName, began starts) []aged {
	b := x.head.Batch
	service, ok := b.Lookup(string(s))
	key, named := b.Lookup("service.instance.id")
	if !named {
		key, named = b.Lookup("k8s.pod.name")
	}
	if !ok {
		return nil
	}
	normal := map[uint32]float64{}
	for op, o := range x.g.Ops {
		if id, ok := b.Lookup(o.Name); ok && o.Service == s {
			if t := fold.Compare(x.base.Op(op).Total, x.head.Op(op).Total); t.N0 > 0 {
				normal[id] = t.Before
			}
		}
	}
	var list []aged
	from := uint32(0)
	for i, end := range b.AttrEnd {
		first := from
		from = end
		usual, known := normal[b.Operation[i]]
		if b.Service[i] != service || b.Kind[i] != pitwall.SpanServer || !known || !x.q.Window.Contains(time.Unix(0, b.Start[i])) {
			continue
		}
		id := ""
		for at := first; at < end && named; at++ {
			if b.AttrKey[at] == key {
				id = b.Strings[b.AttrValue[at]]
			}
		}
		list = append(list, aged{id, b.Start[i], began.age(id, b.Start[i]), float64(b.Duration[i])/1e9 - usual})
	}
	return list
}

func (x *inquiry) coldFinding(s pitwall.ServiceName, starts int, young time.Duration, shift fold.Shift) *finding {
	f := &finding{check: checkColdStart, class: pitwall.BottleneckColdStart, at: fold.Operation{Service: s}, shift: shift, covers: map[int]bool{}}
	most := 0.0
	for i, p := range x.places {
		if x.where(p).Service != s && (p.part == partSelf || x.g.Ops[x.g.Calls[p.id].From].Service != s) {
			continue
		}
		f.covers[i] = true
		if p.part == partSelf && (p.delta() > most || f.at.Name == "") {
			most, f.at = p.delta(), x.g.Ops[p.id]
		}
	}
	f.explained = x.added(f.covers)
	if x.errors {
		f.failures, f.explained = true, x.failuresOf(s)
	}
	f.claim = fmt.Sprintf("%s is slow in the first %s of an instance: %s more than normal, %s later (n=%s, %s)", s, young,
		duration(shift.After), duration(max(0, shift.Before)), count(shift.N1), count(shift.N0))
	f.evidence = append(f.evidence, evidence(f, f.claim, shift, pitwall.UnitSeconds, ""),
		evidence(f, fmt.Sprintf("%s of %s started since the baseline", things(starts, "instance"), s), shift, pitwall.UnitSeconds, metricUptime))
	f.signal = own("duration of "+f.at.String()+", mean", f.at, "duration", shift, pitwall.UnitSeconds)
	f.disproof = fmt.Sprintf("If instances of %s stay up and requests are still slow", s)
	return f
}

// failuresOf is the share of headline requests whose failure began in a
// service or on the way to it.
func (x *inquiry) failuresOf(s pitwall.ServiceName) float64 {
	sum := 0.0
	for op, o := range x.g.Ops {
		if o.Service == s {
			began := fold.Compare(x.base.PerRequest(x.base.Op(op).Origin), x.head.PerRequest(x.head.Op(op).Origin))
			sum += began.After - began.Before
		}
	}
	for id, c := range x.g.Calls {
		if x.g.Callee(c).Service == s {
			began := fold.Compare(x.base.PerRequest(x.base.Call(id).Origin), x.head.PerRequest(x.head.Call(id).Origin))
			sum += began.After - began.Before
		}
	}
	return sum
}

// uptimeStarts are when a service started in a period by its uptime, for
// those whose instances keep their name over a restart. Readings of one process
// agree to a few seconds.
func (x *inquiry) uptimeStarts(s pitwall.ServiceName, p pitwall.Period) []int64 {
	m, ok := x.series(s, metricUptime)
	if !ok {
		return nil
	}
	const agree = int64(5 * time.Second)
	var list []int64
	for i, t := range m.T {
		start := t*int64(time.Millisecond) - int64(m.V[i]*1e9)
		if !p.Contains(time.Unix(0, start)) {
			continue
		}
		if n := len(list); n == 0 || start > list[n-1]+agree {
			list = append(list, start)
		}
	}
	return list
}
