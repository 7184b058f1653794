package diagnose

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/blame"
	"github.com/pitwall/pitwall/internal/diagnose/excess"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// checkWords is the check of all typed signs besides spans and profiles.
const checkWords = "signs"

func pitwallTime(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// knownServices are all names that anything here goes by.
func (x *inquiry) knownServices() []pitwall.ServiceName {
	set := map[pitwall.ServiceName]bool{x.q.headline().Service: true}
	for _, m := range x.answers[idMeasured].Measured {
		set[m.Service] = true
	}
	for _, m := range x.answers[idLogs].Logs {
		set[m.Service] = true
	}
	for _, c := range x.answers[idTopology].Topology.Services {
		set[c.Name] = true
	}
	for _, c := range x.answers[idChanges].Changes {
		set[c.Service] = true
	}
	delete(set, "")
	list := make([]pitwall.ServiceName, 0, len(set))
	for s := range set {
		list = append(list, s)
	}
	slices.Sort(list)
	return list
}

// readCalls gathers who calls whom: as the topology knows it, as spans show it,
// and as lines say it, for who complains of somebody depends on him.
func (x *inquiry) readCalls() {
	for _, c := range x.answers[idTopology].Topology.Calls {
		x.scene.calls[c] = true
	}
	for _, side := range []string{baselineSide, windowSide} {
		x.spanCalls(x.answers[idSpans+side].Spans)
	}
	for _, s := range x.scene.signs {
		if s.text == "" || s.from == fromAlert {
			continue
		}
		for _, named := range x.scene.known {
			if named != s.service && names(s.text, named) && !x.scene.calls[pitwall.Call{From: named, To: s.service}] {
				x.scene.calls[pitwall.Call{From: s.service, To: named}] = true
			}
		}
	}
}

func (x *inquiry) spanCalls(b *pitwall.SpanBatch) {
	if b == nil || x.noSpans == "" {
		return // the graph of folded requests knows better
	}
	type key struct {
		trace pitwall.TraceID
		span  uint64
	}
	at := make(map[key]int, b.Len())
	for i := range b.Len() {
		at[key{b.TraceID[i], b.SpanID[i]}] = i
	}
	for i := range b.Len() {
		p, ok := at[key{b.TraceID[i], b.ParentID[i]}]
		if !ok || b.ParentID[i] == 0 || b.Service[p] == b.Service[i] {
			continue
		}
		x.scene.calls[pitwall.Call{From: pitwall.ServiceName(b.Strings[b.Service[p]]), To: pitwall.ServiceName(b.Strings[b.Service[i]])}] = true
	}
}

// plainName is a service's name without what says only that it is one.
var plainName = regexp.MustCompile(`(?i)[-_.]?(service|svc|server|app)$`)

// names says that a text names a service, as a whole word.
func names(text string, s pitwall.ServiceName) bool {
	for _, n := range []string{string(s), plainName.ReplaceAllString(string(s), "")} {
		if len(n) < 4 {
			continue
		}
		for at, from := 0, 0; ; from = at + 1 {
			i := strings.Index(text[from:], n)
			if i < 0 {
				break
			}
			at = from + i
			if !letter(text, at-1) && !letter(text, at+len(n)) {
				return true
			}
		}
	}
	return false
}

func letter(s string, at int) bool {
	if at < 0 || at >= len(s) {
		return false
	}
	c := s[at]
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// spoken is a class with the signs that speak of it.
type spoken struct {
	class   pitwall.Bottleneck
	weight  blame.Weight
	signs   []sign
	sources int
}

// classes orders what is said at some services: the heaviest first, then what
// several sources say, then what moved first. It is a choice, no sum: a crowd of
// symptoms does not outweigh one mechanism.
func classes(list []sign) []spoken {
	by := map[pitwall.Bottleneck]*spoken{}
	var out []*spoken
	for _, g := range list {
		s := by[g.Class]
		if s == nil {
			s = &spoken{class: g.Class}
			by[g.Class] = s
			out = append(out, s)
		}
		s.weight = max(s.weight, g.Weight)
		s.signs = append(s.signs, g)
	}
	for _, s := range out {
		from := map[source]bool{}
		for _, g := range s.signs {
			if g.Weight == s.weight {
				from[g.from] = true
			}
		}
		s.sources = len(from)
		slices.SortStableFunc(s.signs, func(a, b sign) int { return cmp.Compare(b.Weight, a.Weight) })
	}
	slices.SortStableFunc(out, func(a, b *spoken) int {
		return cmp.Or(
			cmp.Compare(b.weight, a.weight),
			cmp.Compare(b.sources, a.sources),
			first(a.signs).Compare(first(b.signs)),
			cmp.Compare(a.class, b.class),
		)
	})
	flat := make([]spoken, len(out))
	for i, s := range out {
		flat[i] = *s
	}
	return flat
}

// signsSay is the signal of everything that numbers and words say of the kind.
func signsSay(x *inquiry) result {
	if why := x.nothingSaid(); why != "" {
		return skipped(why)
	}
	s := x.look()
	if len(s.signs) == 0 {
		return clear("no series moved, no new line and no error says of what kind it is")
	}
	if !s.stirred() {
		return clear("no series moved and no line of trouble is new: the alert's words stand alone")
	}
	var found []*finding
	for _, at := range x.origins() {
		if f := x.spokenFinding(at); f != nil {
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		return clear("series moved, but neither their names nor any text says of what kind it is")
	}
	return hits(found, "")
}

// nothingSaid says why there are neither numbers nor words to read, or "".
func (x *inquiry) nothingSaid() string {
	m, l := x.answers[idMeasured], x.answers[idLogs]
	if len(m.Measured) > 0 || len(l.Logs) > 0 || len(x.answers[idStatus].Status) > 0 {
		return ""
	}
	return "nothing is measured (" + cmp.Or(m.Missing, "no series") + ") and no lines are kept (" + cmp.Or(l.Missing, "none") + ")"
}

// stirred says that something besides the alert speaks.
func (s *scene) stirred() bool {
	return slices.ContainsFunc(s.signs, func(g sign) bool { return g.from != fromAlert && g.Class != pitwall.BottleneckTraffic })
}

// mostFacts is how many facts are given as evidence.
const mostFacts = 6

// spokenFinding makes the finding of a service from its signs: the class that
// is spoken of most clearly. A symptom names no class: nil.
func (x *inquiry) spokenFinding(at pitwall.ServiceName) *finding {
	list := classes(x.scene.at(at))
	list = slices.DeleteFunc(list, func(s spoken) bool { return s.class == pitwall.BottleneckTraffic })
	if len(list) == 0 {
		return nil
	}
	c := list[0]
	f := &finding{check: checkWords, class: c.class, at: fold.Operation{Service: at}, seen: list, share: 1, failures: x.errors}
	f.claim = c.signs[0].claim
	if c.weight == blame.Symptom {
		f.class = x.symptom()
		f.weak = "nothing says of what kind it is"
	}
	for _, g := range slices.Concat(c.signs, flatten(list[1:])) {
		e := signEvidence(checkWords, g)
		if len(f.evidence) < mostFacts && !slices.ContainsFunc(f.evidence, func(o pitwall.Evidence) bool { return o.Claim == e.Claim }) {
			f.evidence = append(f.evidence, e)
		}
	}
	f.signal = pitwall.OwnSignal{Name: c.signs[0].Word + " of " + string(at), Service: at}
	f.disproof = fmt.Sprintf("If %s of %s is back to normal", c.signs[0].Word, at) + troubleStays
	return f
}

func flatten(list []spoken) []sign {
	var all []sign
	for _, s := range list {
		all = append(all, s.signs...)
	}
	return all
}

// symptom is the class of what nothing says more of.
func (x *inquiry) symptom() pitwall.Bottleneck {
	if x.q.Regression.Signal == pitwall.SignalLatency {
		return pitwall.BottleneckLatency
	}
	return pitwall.BottleneckErrors
}

// slow says that a finding builds up: something of it climbs for a long time
// instead of stepping, so its cause may lie well before its effect.
func (f *finding) slow() bool {
	for _, s := range f.seen {
		for _, g := range s.signs {
			if g.move != nil && g.move.Kind == excess.Ramp {
				return true
			}
		}
	}
	return false
}
