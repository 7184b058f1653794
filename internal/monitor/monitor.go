package monitor

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
)

// Step is the length of a point.
const Step = time.Minute

// Options are what a monitor is held to. A zero field takes its default.
type Options struct {
	// MinEffect is the relative change that is not worth a finding: 0.1.
	MinEffect float64
	// MinRequests are the fewest of a minute from which a quantile is taken: 20.
	MinRequests int64
	// Operations bounds how many are followed, the busiest first: 500, which
	// takes some 55 MB.
	Operations int
	// Alpha is the expected share of false findings among those of four weeks: 0.05.
	Alpha float64
	// Zone is where the days of the services' users begin; nil: UTC.
	Zone *time.Location
}

func (o Options) filled() Options {
	o.MinEffect = cmp.Or(o.MinEffect, 0.1)
	o.MinRequests = cmp.Or(o.MinRequests, 20)
	o.Operations = cmp.Or(o.Operations, 500)
	o.Alpha = cmp.Or(o.Alpha, 0.05)
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return o
}

// epoch is over how long the share of false findings is promised. A detector
// rings falsely once in as many minutes on average, so that the retests of its
// rings have together a mean of at most 1 in it.
const epoch = 28 * 24 * time.Hour

// Monitor follows operations. It is not safe for use by several goroutines at
// once.
type Monitor struct {
	o       Options
	screen  detect.Screen
	ops     map[key]*operation
	calls   map[detect.Call]time.Time // when a call was last seen
	through time.Time                 // end of the last minute
	started time.Time                 // beginning of the first
	last    detect.Screened
	doubted []detect.NotReported // failures that ring at low traffic, of the last look
	beyond  map[key]time.Time    // operations without room, when last seen
	excused map[detect.Planned]bool
	said    map[string]pitwall.Finding    // by id, as it was found
	kept    map[pitwall.SeriesName]frozen // baselines of an earlier life, until their series are met
}

// key names an operation.
type key struct {
	service   pitwall.ServiceName
	operation string
}

// New is a monitor that has seen nothing. It refuses options that are no limits.
func New(o Options) (*Monitor, error) {
	o = o.filled()
	screen, err := detect.NewScreen(detect.Limits{Alpha: o.Alpha, Epoch: epoch, Effect: o.MinEffect})
	if err != nil {
		return nil, err
	}
	return &Monitor{o: o, screen: screen, ops: map[key]*operation{}, calls: map[detect.Call]time.Time{}, said: map[string]pitwall.Finding{}, beyond: map[key]time.Time{}, excused: map[detect.Planned]bool{}, kept: map[pitwall.SeriesName]frozen{}}, nil
}

// Through is the end of the last minute that was seen; zero before the first.
func (m *Monitor) Through() time.Time { return m.through }

// Minute takes the totals of the minute that begins at an instant. Minutes come
// in order; one that is skipped, or in which there is no span at all, counts as
// missing.
func (m *Monitor) Minute(at time.Time, totals []pitwall.OperationTotals) {
	at = at.Truncate(Step)
	if !m.through.IsZero() && at.Before(m.through) {
		return
	}
	if m.started.IsZero() {
		m.started = at
	}
	m.through = at.Add(Step)
	seen := m.servers(at, totals)
	m.admit(at, seen)
	if len(totals) > 0 { // of a minute without a single span nothing is known: it was not told, or nobody listened
		for k, op := range m.ops {
			op.minute(at, seen[k])
		}
	}
	for call, last := range m.calls {
		if at.Sub(last) > callsFor {
			delete(m.calls, call)
		}
	}
	maps.DeleteFunc(m.beyond, func(_ key, last time.Time) bool { return at.Sub(last) > callsFor })
}

// Hour takes the totals of an hour long past, for the profiles alone.
func (m *Monitor) Hour(at time.Time, totals []pitwall.OperationTotals) {
	seen := m.servers(at, totals)
	m.admit(at, seen)
	for k, op := range m.ops {
		op.hour(at, seen[k])
	}
}

// callsFor is how long a call that was seen is taken to go on.
const callsFor = time.Hour

// tally is what one operation did in one minute, all its versions together.
type tally struct {
	count, failed int64
	latency       pitwall.Histogram
}

// servers adds up the server spans by operation, and notes who calls whom.
func (m *Monitor) servers(at time.Time, totals []pitwall.OperationTotals) map[key]*tally {
	out := map[key]*tally{}
	for _, o := range totals {
		switch {
		case o.Kind == pitwall.SpanClient && o.Peer != "":
			m.calls[detect.Call{Caller: o.Service, Callee: pitwall.ServiceName(o.Peer)}] = at
		case o.Kind == pitwall.SpanServer && o.Operation != "":
			k := key{o.Service, o.Operation}
			t := out[k]
			if t == nil {
				t = &tally{}
				out[k] = t
			}
			t.count += o.Count
			t.failed += o.Failed
			t.latency.Merge(o.Latency)
		}
	}
	return out
}

func (k key) before(o key) bool {
	return cmp.Or(cmp.Compare(k.service, o.service), cmp.Compare(k.operation, o.operation)) < 0
}

// Sight is what a look has to know beside the series.
type Sight struct {
	Now      time.Time
	Planned  []detect.Planned
	Troubles []detect.Trouble
}

// Look screens everything that rings. Ask after each minute.
func (m *Monitor) Look(in Sight) detect.Screened {
	m.excuse(in.Planned)
	m.doubted = nil
	s := detect.Sight{Now: in.Now, Planned: in.Planned, Troubles: in.Troubles, Tests: map[pitwall.ServiceName]int{}}
	load := map[pitwall.ServiceName]int64{}
	for k, op := range m.ops {
		load[k.service] += op.lately()
		s.Tests[k.service] += 2 * len(op.series) // with an ARL of one epoch, about two retests of each
	}
	for _, k := range m.order() {
		op := m.ops[k]
		touched := pitwall.Ratio(0)
		if all := load[k.service]; all > 0 {
			touched = pitwall.Ratio(float64(op.lately()) / float64(all))
		}
		for _, t := range op.series {
			if c, ok := t.candidate(); ok {
				c.Touched = touched
				s.Candidates = append(s.Candidates, c)
			} else if n, doubted := t.doubt(); doubted {
				m.doubted = append(m.doubted, n)
			}
		}
	}
	for call := range m.calls {
		s.Calls = append(s.Calls, call)
	}
	slices.SortFunc(s.Calls, func(a, b detect.Call) int {
		return cmp.Or(cmp.Compare(a.Caller, b.Caller), cmp.Compare(a.Callee, b.Callee))
	})
	m.last, m.screen = m.screen.Look(s)
	m.settle()
	return m.last
}

// settle holds the profiles of what is found, lets go of what is gone, and
// learns better levels: a better one hides no slow decline.
func (m *Monitor) settle() {
	for _, f := range m.last.Findings {
		m.said[f.ID] = said(f)
		m.each(f, func(t *track, since time.Time) { t.hold(since) })
	}
	for _, n := range m.last.NotReported {
		t := m.track(n.Series)
		switch {
		case t == nil:
		case n.Reason == detect.ReasonImprovement:
			t.improved++
		case n.Reason == detect.ReasonDuplicate: // found before, perhaps in an earlier life
			t.hold(n.Onset.Earliest)
		}
	}
	for _, op := range m.ops {
		for _, t := range op.series {
			t.letGo()
		}
	}
	m.over()
	known := map[string]bool{}
	for _, f := range m.screen.Found {
		known[f.ID] = true
	}
	maps.DeleteFunc(m.said, func(id string, _ pitwall.Finding) bool { return !known[id] })
}

// each visits the tracks of a finding.
func (m *Monitor) each(f detect.Finding, visit func(*track, time.Time)) {
	if t := m.track(f.Lead.Series); t != nil {
		visit(t, f.Onset.Earliest)
	}
	for _, p := range f.Parts {
		if t := m.track(p.Series); t != nil {
			visit(t, p.Onset.Earliest)
		}
	}
}

func (m *Monitor) track(id pitwall.SeriesName) *track {
	op := m.ops[key{id.Service, id.Operation}]
	if op == nil {
		return nil
	}
	for _, t := range op.series {
		if t.id == id {
			return t
		}
	}
	return nil
}

// order are the operations in the order of their names.
func (m *Monitor) order() []key {
	keys := make([]key, 0, len(m.ops))
	for k := range m.ops {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	return keys
}
