package coverage

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// Input is everything that is known about what comes in.
type Input struct {
	At     time.Time
	Period pitwall.Period // over which things were counted
	Settle time.Duration  // younger data is not judged

	Sources  []pitwall.SourceHealth
	Unsteady []Unsteady
	Totals   []pitwall.OperationTotals // of the period, by version; see Totals
	Traces   *pitwall.SpanBatch        // a sample of whole traces of the period
	// Seen says which services sent a signal in the period: metrics, logs and
	// profiles; of changes, whose were announced within the last month.
	Seen map[pitwall.SignalKind]map[pitwall.ServiceName]bool
	// Guessed are services with a release that only their telemetry showed.
	Guessed map[pitwall.ServiceName]bool
	// Last is when a service's signal was seen before; it words "stopped".
	Last map[Pair]time.Time
	// Unknown are signals that could not be asked for: neither seen nor missing.
	Unknown map[pitwall.SignalKind]bool

	SLOs      []pitwall.SLO
	Judged    map[pitwall.SLOName]bool // any event in the window
	Drifts    []pitwall.Drift
	Announced bool // a change was announced from outside within the last month

	Target   bool                         // one is configured
	Controls map[pitwall.ServiceName]bool // services the target may change
	Targets  []pitwall.TargetHealth
	Enforces bool // a repository is configured

	Volumes     []pitwall.SignalVolume
	Cardinality *pitwall.Cardinality
	Trouble     []pitwall.BlindSpot // what could not be asked, such as a source that hangs
}

// Pair is one signal of one service.
type Pair struct {
	Service pitwall.ServiceName
	Signal  pitwall.SignalKind
}

// Signals are those that every service is hoped to send.
func Signals() []pitwall.SignalKind {
	return []pitwall.SignalKind{pitwall.SignalTraces, pitwall.SignalMetrics, pitwall.SignalLogs, pitwall.SignalProfiles, pitwall.SignalChanges}
}

// See makes the whole picture.
func See(in Input) pitwall.Telemetry {
	contexts := Context(in.Traces)
	t := pitwall.Telemetry{
		At: in.At, Period: in.Period, Sources: list(in.Sources), Context: contexts.All, Drifts: list(in.Drifts),
		Services: services(in, contexts), Signals: list(in.Volumes), Cardinality: in.Cardinality, Targets: list(in.Targets),
	}
	t.Blind = list(Blind(in, t.Services))
	return t
}

// list never is null in JSON.
func list[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}

// services says of each service what it sends, the least covered first.
func services(in Input, contexts Contexts) []pitwall.ServiceCoverage {
	found := map[pitwall.ServiceName]*pitwall.ServiceCoverage{}
	get := func(s pitwall.ServiceName) *pitwall.ServiceCoverage {
		if found[s] == nil {
			found[s] = &pitwall.ServiceCoverage{Service: s, Versions: []pitwall.Version{}, Has: []pitwall.SignalKind{}, Missing: []pitwall.SignalKind{}, Context: contexts.Services[s]}
		}
		return found[s]
	}
	traced := map[pitwall.ServiceName]bool{}
	for _, t := range in.Totals {
		c := get(t.Service)
		traced[t.Service] = true
		if serves(t.Kind) {
			c.Requests += t.Count
		}
		if t.Version != "" && !slices.Contains(c.Versions, t.Version) {
			c.Versions = append(c.Versions, t.Version)
		}
	}
	for _, kind := range []pitwall.SignalKind{pitwall.SignalMetrics, pitwall.SignalLogs, pitwall.SignalProfiles} {
		for s := range in.Seen[kind] {
			get(s)
		}
	}
	for _, c := range found {
		slices.Sort(c.Versions)
		for _, kind := range Signals() {
			switch {
			case kind == pitwall.SignalTraces && traced[c.Service], in.Seen[kind][c.Service]:
				c.Has = append(c.Has, kind)
			case kind == pitwall.SignalChanges && !in.Guessed[c.Service]: // nothing happened to it
			case !in.Unknown[kind]:
				c.Missing = append(c.Missing, kind)
			}
		}
	}
	all := slices.Collect(maps.Values(found))
	slices.SortFunc(all, func(x, y *pitwall.ServiceCoverage) int {
		return cmp.Or(cmp.Compare(len(y.Missing), len(x.Missing)), cmp.Compare(contextRank(x), contextRank(y)), cmp.Compare(x.Service, y.Service))
	})
	out := make([]pitwall.ServiceCoverage, 0, len(all))
	for _, c := range all {
		out = append(out, *c)
	}
	return out
}

// contextRank orders services by joined calls; one that nobody calls is whole.
func contextRank(c *pitwall.ServiceCoverage) pitwall.Ratio {
	if c.Context.Calls == 0 {
		return 1
	}
	return c.Context.Share
}

// Totals adds up a sample of spans where no store does: one entry for each
// operation, version, kind and peer. Only rates between its counts mean anything.
func Totals(b *pitwall.SpanBatch) []pitwall.OperationTotals {
	if b == nil {
		return nil
	}
	type key struct {
		service, version, operation, peer uint32
		kind                              pitwall.SpanKind
	}
	g, at := newGeometry(b), map[key]int{}
	var all []pitwall.OperationTotals
	for i := range b.Len() {
		if !g.in[i] {
			continue
		}
		k := key{b.Service[i], b.Version[i], b.Operation[i], 0, b.Kind[i]}
		if k.kind == pitwall.SpanClient {
			k.peer = b.Peer[i]
		}
		j, known := at[k]
		if !known {
			j, at[k] = len(all), len(all)
			all = append(all, pitwall.OperationTotals{Service: pitwall.ServiceName(b.Strings[k.service]), Version: pitwall.Version(b.Strings[k.version]),
				Operation: b.Strings[k.operation], Kind: k.kind, Peer: b.Strings[k.peer]})
		}
		all[j].Count++
		all[j].Total += time.Duration(b.Duration[i])
		if b.Failed[i] {
			all[j].Failed++
		}
	}
	return all
}
