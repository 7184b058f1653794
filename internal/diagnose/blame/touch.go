package blame

import (
	"fmt"
	"math"

	"github.com/pitwall/pitwall"
)

// Kind says what a part of a change is about.
type Kind string

// The kinds of touch. Knobs are raised and lowered; the rest comes or goes.
const (
	Pool        Kind = "connection pool"
	PoolIdle    Kind = "idle connections"
	Concurrency Kind = "concurrency"
	Timeout     Kind = "timeout"
	Retry       Kind = "retries"
	Backoff     Kind = "pause between retries"
	Cache       Kind = "cache"
	Batch       Kind = "batch size"
	Interval    Kind = "interval"
	LogVolume   Kind = "log volume"
	Memory      Kind = "memory limit"
	CPU         Kind = "cpu limit"
	Replicas    Kind = "replicas"
	Queue       Kind = "queue size"
	RateLimit   Kind = "rate limit"
	Retention   Kind = "retention"
	Disk        Kind = "disk"
	HashCost    Kind = "cost of hashing"
	Threshold   Kind = "limit on input"
	TLS         Kind = "tls"
	DNS         Kind = "name resolution"
	Address     Kind = "address"
	Secret      Kind = "credential"
	Library     Kind = "library"
	Runtime     Kind = "runtime"
	Index       Kind = "index"
	Schema      Kind = "schema"
	Query       Kind = "query"
	Filter      Kind = "filter of a query"
	Guard       Kind = "guard"
	Assume      Kind = "unchecked access"
	Handler     Kind = "error handling"
	Setup       Kind = "initialisation"
	Release     Kind = "release of a resource"
	Lock        Kind = "lock"
	LoopCall    Kind = "call in a loop"
	Growth      Kind = "collection without an end"
	Spawn       Kind = "concurrent work"
	Compute     Kind = "computation"
	Pattern     Kind = "pattern"
	Fields      Kind = "fields"
	Format      Kind = "format"
	EarlyReturn Kind = "early return"
	Warmup      Kind = "warm-up"
	KeepAlive   Kind = "keep-alive"
	Route       Kind = "route"
	Pause       Kind = "pause"
	Remote      Kind = "remote call"
	Partition   Kind = "partition key"
	Switch      Kind = "switch"
	Value       Kind = "value"
	Code        Kind = "code"
)

// Way says what happens to it.
type Way string

// The ways of a touch.
const (
	Raises  Way = "raises"
	Lowers  Way = "lowers"
	Adds    Way = "adds"
	Removes Way = "removes"
	Alters  Way = "alters"
)

// Touch is one thing that a change does.
type Touch struct {
	Kind   Kind
	Way    Way
	Name   string  // what is touched, as it is written: "defaultMaxConns"
	From   string  // the value before, where there is one
	To     string  // and after
	Factor float64 // To over From for numbers above zero; 0: not known
	File   string
	Line   string // the line that says so, without its indentation
}

// String words a touch: "lowers connection pool: defaultMaxConns 50 → 10 (pkg/db/pool.go)".
func (t Touch) String() string {
	s := fmt.Sprintf("%s %s: ", t.Way, t.Kind)
	switch {
	case t.Name != "" && t.From != "" && t.To != "":
		s += fmt.Sprintf("%s %s → %s", t.Name, t.From, t.To)
	default:
		s += short(t.Line)
	}
	if t.File != "" {
		s += " (" + t.File + ")"
	}
	return s
}

// short cuts a line to what fits into a sentence.
func short(s string) string {
	r := []rune(s)
	if len(r) > 100 {
		return string(r[:99]) + "…"
	}
	return s
}

// slight is by what factor a number may change without anybody noticing.
const slight = 1.25

// Slight says that a number changed by next to nothing.
func (t Touch) Slight() bool {
	return t.Factor > 0 && math.Max(t.Factor, 1/t.Factor) < slight
}

// Force is how well a touch explains a class.
type Force int

// The forces: not at all, it can, it is what such a thing does.
const (
	Cannot  Force = 0
	Can     Force = 1
	Typical Force = 2
)

// Causes gives how well the touch explains trouble of a class.
func (t Touch) Causes(class pitwall.Bottleneck) Force {
	for _, e := range effects {
		if e.kind != t.Kind || e.way != "" && e.way != t.Way {
			continue
		}
		f := Cannot
		switch {
		case holds(e.typical, class):
			f = Typical
		case holds(e.can, class):
			f = Can
		}
		if t.Slight() {
			f--
		}
		return max(f, Cannot)
	}
	return Cannot
}

func holds(list []pitwall.Bottleneck, c pitwall.Bottleneck) bool {
	for _, x := range list {
		if x == c {
			return true
		}
	}
	return false
}
