package verify

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
	"github.com/pitwall/pitwall/internal/trace"
)

// readings are the values of one field on one operation's spans of one side.
type readings struct {
	values []float64
	block  []int64
	unit   pitwall.Unit
}

func (r readings) measure() pitwall.Measure {
	sorted := slices.Clone(r.values)
	slices.Sort(sorted)
	return measure(sorted, 0.5, r.unit)
}

// read takes a field from the spans that a signal is about; unknown sizes are
// left out. ok is false for a field that does not exist.
func read(b *pitwall.SpanBatch, p pitwall.Period, s pitwall.OwnSignal) (r readings, ok bool) {
	r.unit = pitwall.UnitSeconds
	switch s.Field {
	case "response_bytes", "request_bytes":
		r.unit = pitwall.UnitBytes
	case "children":
		r.unit = pitwall.UnitCount
	case "duration", "self_time":
	default:
		return r, false
	}
	if b == nil {
		return r, true
	}
	value, mine := reader(b, s.Field), concerned(b, p, s)
	for i := range b.Len() {
		if !mine(i) {
			continue
		}
		if v := value(i); v >= 0 {
			r.values = append(r.values, v)
			r.block = append(r.block, blockOf(b.Start[i], p))
		}
	}
	return r, true
}

// concerned tells the spans that a signal is about: the requests that its
// service answers, or the calls of one kind that it makes.
func concerned(b *pitwall.SpanBatch, p pitwall.Period, s pitwall.OwnSignal) func(i int) bool {
	named := func(i int) bool {
		return b.Strings[b.Service[i]] == string(s.Service) && (s.Operation == "" || b.Strings[b.Operation[i]] == s.Operation)
	}
	if s.Call == nil {
		return func(i int) bool { return b.Kind[i] == pitwall.SpanServer && began(b, i, p) && named(i) }
	}
	f, shapes := trace.Build(b), map[uint32]bool{}
	return func(i int) bool {
		return b.Kind[i] == pitwall.SpanClient && began(b, i, p) && named(i) &&
			(s.Call.To == "" || b.Strings[b.Peer[i]] == s.Call.To || answers(b, f, i) == s.Call.To) && (s.Call.Statement == "" || shaped(b, i, s.Call.Statement, shapes))
	}
}

// answers is the service that answers a call with a span of its own, or "".
func answers(b *pitwall.SpanBatch, f *trace.Forest, call int) string {
	for _, c := range f.Children(call) {
		if b.Kind[c] == pitwall.SpanServer {
			return b.Strings[b.Service[c]]
		}
	}
	return ""
}

// shaped says whether a span's statement has the shape; known remembers by number.
func shaped(b *pitwall.SpanBatch, i int, shape string, known map[uint32]bool) bool {
	id := b.Statement[i]
	is, ok := known[id]
	if !ok {
		is = trace.StatementShape(b.Strings[id]) == shape
		known[id] = is
	}
	return is
}

// reader reads a field of one span; negative when it is not known.
func reader(b *pitwall.SpanBatch, field string) func(i int) float64 {
	switch field {
	case "response_bytes":
		return func(i int) float64 { return float64(b.RespBytes[i]) }
	case "request_bytes":
		return func(i int) float64 { return float64(b.ReqBytes[i]) }
	case "children":
		f := trace.Build(b)
		return func(i int) float64 { return float64(len(f.Children(i))) }
	case "self_time":
		self := trace.SelfTimes(b, trace.Build(b))
		return func(i int) float64 { return float64(self[i]) / 1e9 }
	}
	return func(i int) float64 { return float64(b.Duration[i]) / 1e9 }
}

// ownSignal asks whether the number by which the hypothesis stands or falls is
// back at its baseline.
func (c *proof) ownSignal() pitwall.Comparison {
	s := c.in.Hypothesis.Signal
	row := c.row("own signal: "+s.Name, operation{s.Service, s.Operation})
	if s.Call != nil {
		row.Query = strings.Replace(row.Query, "server spans of", "client spans of", 1)
	}
	if s.Call != nil && c.unheard(&row, s) {
		return row
	}
	if s.Field == "errors" {
		c.failures(&row, gatherSignal(c.in.Before, c.in.BeforePeriod, s), gatherSignal(c.in.After, c.in.AfterPeriod, s))
		c.halfway(&row, s)
		return row
	}
	before, known := read(c.in.Before, c.in.BeforePeriod, s)
	after, _ := read(c.in.After, c.in.AfterPeriod, s)
	if !known {
		row.Why = fmt.Sprintf("the hypothesis names no signal that can be measured (field %q)", s.Field)
		return row
	}
	row.Control, row.Treatment = before.measure(), after.measure()
	if !row.Control.Known() || !row.Treatment.Known() {
		row.Why = fmt.Sprintf("%d readings before and %d after", row.Control.N, row.Treatment.N)
		return row
	}
	c.judgeSignal(&row, before, after)
	return row
}

// halfway takes back a "same" that only says that nothing worse is proven: while
// a share of failures is nearer to that of the trouble than to the baseline's it
// is not back, however much failures cluster.
func (c *proof) halfway(row *pitwall.Comparison, s pitwall.OwnSignal) {
	if row.Verdict != pitwall.Same || !s.Before.Known() || !s.After.Known() || s.After.Value <= s.Before.Value {
		return
	}
	if row.Treatment.Value > (s.Before.Value+s.After.Value)/2 {
		row.Verdict, row.Pass = pitwall.Undecided, false
		row.Why += fmt.Sprintf("; that is nearer to the trouble's %s than to the baseline's %s", words(s.After), words(s.Before))
	}
}

// gone is what is left of a call that the trouble brought before it counts as
// not made any more: strays are everywhere.
const gone = 0.1

// unheard judges a call that the baseline does not know: what came with the
// trouble, calls or failures of them, must be gone again. It says false for any
// other.
func (c *proof) unheard(row *pitwall.Comparison, s pitwall.OwnSignal) bool {
	if s.Before.Known() || gatherSignal(c.in.Before, c.in.BeforePeriod, s).n() > 0 {
		return false
	}
	what, count := "made", (*sample).n
	if s.Field == "errors" {
		what, count = "failing", func(s *sample) int64 { return s.failed }
	}
	during := float64(count(gatherSignal(c.in.During, c.in.DuringPeriod, s))) / max(1e-9, c.in.DuringPeriod.Duration().Seconds())
	after := count(gatherSignal(c.in.After, c.in.AfterPeriod, s))
	rate := float64(after) / max(1e-9, c.in.AfterPeriod.Duration().Seconds())
	row.Treatment = pitwall.Measure{Value: rate, Unit: pitwall.UnitPerSecond, N: after}
	row.Limit = fmt.Sprintf("≤ %s of what it was during the trouble", percent(math.Log1p(gone)))
	row.Verdict, row.Pass = pitwall.Same, true
	row.Why = fmt.Sprintf("it was not %s before; %.2g a second during the trouble, %.2g after", what, during, rate)
	if rate > gone*during {
		row.Verdict, row.Pass = pitwall.Worse, false
	}
	return true
}

func (c *proof) judgeSignal(row *pitwall.Comparison, before, after readings) {
	b, a := stats.NewBlocks(before.values, before.block), stats.NewBlocks(after.values, after.block)
	floor := math.Log1p(signalMargin)
	if noise, ok := stats.SplitNoise(c.in.Rand, b, 0.5, usually); ok {
		floor = max(floor, noise)
	}
	row.Limit = fmt.Sprintf("within %s of the baseline", percent(floor))
	row.Why = fmt.Sprintf("median %s → %s", words(row.Control), words(row.Treatment))
	if row.Control.Value <= 0 || row.Treatment.Value <= 0 {
		row.Verdict = pitwall.Same
		if (row.Treatment.Value-row.Control.Value)*c.direction() > 0 {
			row.Verdict = pitwall.Worse
		}
		row.Pass = row.Verdict == pitwall.Same
		return
	}
	r, ok := stats.BootstrapRatio(c.in.Rand, stats.RatioRequest{Control: b, Treatment: a, Q: 0.5, Confidence: usually, Rounds: rounds})
	if !ok {
		value := math.Log(row.Treatment.Value / row.Control.Value)
		r = stats.LogRatio{Value: value, Low: value, High: value}
	}
	row.Change, row.ChangeLow, row.ChangeHigh = r.Change()
	if c.direction() < 0 { // the trouble lowered it: still lower is worse
		r = stats.LogRatio{Value: -r.Value, Low: -r.High, High: -r.Low}
	}
	row.Verdict = verdict(r, floor)
	row.Pass = row.Verdict == pitwall.Same || row.Verdict == pitwall.Better
}

// direction is the way in which the trouble moved the signal: 1 up, -1 down.
func (c *proof) direction() float64 {
	s := c.in.Hypothesis.Signal
	if s.Before.Known() && s.After.Known() && s.After.Value < s.Before.Value {
		return -1
	}
	return 1
}
