package canary

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// arm is which version of the changed service a trace met.
type arm uint8

const (
	armNone      arm = 0
	armControl   arm = 1
	armTreatment arm = 2
	armBoth      arm = 3
)

// request is one server span of a guarded operation.
type request struct {
	end     int64 // unix nanoseconds
	seconds float64
	failed  bool
	arm     arm
}

// arms knows the arm of every trace of a batch.
type arms struct {
	spans  *pitwall.SpanBatch
	traces map[pitwall.TraceID]arm
}

// split reads the arm of each trace from the spans of the changed service.
func split(in Input) arms {
	a := arms{spans: in.Spans, traces: map[pitwall.TraceID]arm{}}
	if in.Spans == nil {
		a.spans = &pitwall.SpanBatch{}
		return a
	}
	for i := range a.spans.Len() {
		if b := a.of(in, i); b != armNone {
			a.traces[a.spans.TraceID[i]] |= b
		}
	}
	return a
}

func (a arms) of(in Input, i int) arm {
	s := a.spans
	if s.Strings[s.Service[i]] != string(in.Service) {
		return armNone
	}
	switch s.Strings[s.Version[i]] {
	case string(in.Treatment):
		return armTreatment
	case string(in.Control):
		return armControl
	}
	return armNone
}

// requests lists the requests of an operation that began and ended inside the
// period, in the order of their ends. A request that began before the step
// would be slow for the control only, since the treatment had none yet.
func (a arms) requests(in Input, service pitwall.ServiceName, operation string) []request {
	var list []request
	s := a.spans
	from, to := in.Period.From.UnixNano(), in.Period.To.UnixNano()
	for i := range s.Len() {
		end := s.Start[i] + s.Duration[i]
		if s.Kind[i] != pitwall.SpanServer || s.Start[i] < from || end >= to ||
			s.Strings[s.Operation[i]] != operation || s.Strings[s.Service[i]] != string(service) {
			continue
		}
		list = append(list, request{
			end: end, seconds: float64(s.Duration[i]) / float64(time.Second),
			failed: s.Failed[i], arm: a.traces[s.TraceID[i]],
		})
	}
	slices.SortFunc(list, func(x, y request) int { return cmp.Compare(x.end, y.end) })
	return list
}

// balance is the p-value of the share of the changed service's own requests
// that the treatment got, against the weight. Slow requests at the end of the
// period have not ended yet, so as much of it as the longest one took is left
// out; the slower arm would be missing there.
func (a arms) balance(in Input) float64 {
	s := a.spans
	type call struct {
		start int64
		arm   arm
	}
	var calls []call
	longest, from, to := int64(0), in.Period.From.UnixNano(), in.Period.To.UnixNano()
	for i := range s.Len() {
		b := a.of(in, i)
		if b == armNone || s.Kind[i] != pitwall.SpanServer || s.Start[i] < from || s.Start[i]+s.Duration[i] >= to {
			continue
		}
		calls = append(calls, call{s.Start[i], b})
		longest = max(longest, s.Duration[i])
	}
	until := to - min(longest, (to-from)/2)
	var n, treatment int64
	for _, c := range calls {
		if c.start >= until {
			continue
		}
		n++
		if c.arm == armTreatment {
			treatment++
		}
	}
	return stats.BinomialP(treatment, n, float64(in.Weight)/100)
}

// perArm is the fewest requests of each arm that close an interval, and tick
// its shortest length. When an interval ends depends on how many requests came,
// never on how they went, so the test stays valid.
const (
	perArm = 5
	tick   = int64(time.Second)
)

// interval is a stretch of the step with requests of both arms.
type interval struct{ control, treatment []request }

// intervals cuts requests, ordered by their ends, into intervals counted from
// the step's beginning. What comes after the last closed one waits for a later
// look.
func intervals(in Input, list []request) []interval {
	var out []interval
	var now interval
	from := in.Period.From.UnixNano()
	second := int64(0)
	for _, r := range list {
		if s := (r.end - from) / tick; s > second {
			if len(now.control) >= perArm && len(now.treatment) >= perArm {
				out = append(out, now)
				now = interval{}
			}
			second = s
		}
		switch r.arm {
		case armControl:
			now.control = append(now.control, r)
		case armTreatment:
			now.treatment = append(now.treatment, r)
		}
	}
	complete := (in.Period.To.UnixNano() - from) / tick
	if complete > second && len(now.control) >= perArm && len(now.treatment) >= perArm {
		out = append(out, now)
	}
	return out
}

// waits is how long requests waited for an answer, in seconds; one that failed
// waits for ever.
func waits(list []request) []float64 {
	out := make([]float64, len(list))
	for i, r := range list {
		if out[i] = r.seconds; r.failed {
			out[i] = math.Inf(1)
		}
	}
	return out
}

// answered is how long requests that did not fail took.
func answered(list []request) []float64 {
	out := make([]float64, 0, len(list))
	for _, r := range list {
		if !r.failed {
			out = append(out, r.seconds)
		}
	}
	return out
}

func failures(list []request) stats.Share {
	s := stats.Share{Trials: int64(len(list))}
	for _, r := range list {
		if r.failed {
			s.Hits++
		}
	}
	return s
}
