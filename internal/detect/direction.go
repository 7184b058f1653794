package detect

import (
	"strings"
	"unicode"

	"github.com/pitwall/pitwall"
)

// Direction is where a change leads.
type Direction string

// The directions. Neutral is a change of which nobody said what is good.
const (
	Worse   Direction = "worse"
	Better  Direction = "better"
	Neutral Direction = "neutral"
)

// rising says of one signal or word of a metric's name what its rise means.
type rising struct {
	word string
	is   Direction
}

// risingSignals is read-only: the signals that a word of the vocabulary names.
var risingSignals = map[pitwall.Signal]Direction{
	pitwall.SignalLatency:      Worse,
	pitwall.SignalErrors:       Worse,
	pitwall.SignalSaturation:   Worse,
	pitwall.SignalEvents:       Worse, // the bad share of events
	pitwall.SignalAvailability: Better,
	pitwall.SignalTraffic:      Better,
}

// risingUnits is read-only: what a request costs, whatever the part is called.
var risingUnits = map[pitwall.Unit]Direction{
	pitwall.UnitCPUPerReq:   Worse,
	pitwall.UnitBytesPerReq: Worse,
}

// risingWords is read-only. The first word of the table that the name holds
// decides, so words that turn a name around stand before those they turn:
// "failed_requests" is of failures, "pending_requests" of a queue,
// "memory_available" of what is left.
var risingWords = []rising{
	{"available", Better}, {"availability", Better}, {"free", Better}, {"remaining", Better}, {"headroom", Better}, {"uptime", Better},
	{"error", Worse}, {"errors", Worse}, {"failed", Worse}, {"failure", Worse}, {"failures", Worse}, {"exceptions", Worse},
	{"miss", Worse}, {"misses", Worse}, {"evictions", Worse}, {"rejected", Worse}, {"dropped", Worse}, {"timeouts", Worse}, {"timeout", Worse},
	{"retries", Worse}, {"restarts", Worse}, {"throttled", Worse}, {"throttling", Worse},
	{"latency", Worse}, {"duration", Worse}, {"lag", Worse}, {"delay", Worse}, {"wait", Worse}, {"pause", Worse}, {"p50", Worse}, {"p90", Worse}, {"p95", Worse}, {"p99", Worse},
	{"pending", Worse}, {"queue", Worse}, {"backlog", Worse}, {"saturation", Worse}, {"utilization", Worse}, {"utilisation", Worse}, {"usage", Worse},
	{"cpu", Worse}, {"memory", Worse}, {"heap", Worse}, {"goroutine", Worse}, {"goroutines", Worse}, {"fds", Worse},
	{"cost", Worse}, {"payload", Worse}, {"size", Worse}, {"cardinality", Worse},
	{"hit", Better}, {"hits", Better}, {"success", Better}, {"successes", Better}, {"throughput", Better}, {"requests", Better}, {"conversion", Better}, {"orders", Better},
}

// RiseOf says what a rise of a series means: by its signal, else by its unit,
// else by the words of its metric's name; Neutral when none is known.
func RiseOf(s pitwall.SeriesName) Direction {
	if d, ok := risingSignals[s.Signal]; ok {
		return d
	}
	if d, ok := risingUnits[s.Unit]; ok {
		return d
	}
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(s.Metric+" "+string(s.Signal)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		words[w] = true
	}
	for _, r := range risingWords {
		if words[r.word] {
			return r.is
		}
	}
	return Neutral
}

// Toward is where a candidate's change leads. More or less spread alone is
// neither good nor bad.
func (c Candidate) Toward() Direction {
	rise := RiseOf(c.Series)
	switch {
	case rise == Neutral || c.Kind == pitwall.ShapeVariance:
		return Neutral
	case (rise == Worse) == c.Up:
		return Worse
	}
	return Better
}
