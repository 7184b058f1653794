package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/blame"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// The checks of causes outside. Those that followed requests answer as well have
// one name, whatever they were answered from.
const (
	checkCertificate = "certificate"
	checkDNS         = "dns"
	checkUpstream    = checkDependency
	checkSurge       = checkTraffic
	checkNeighbour   = checkNode
	checkBadInput    = checkInput
)

// outside lists them, in the order in which they are looked at: what is a fact
// of its own before what is read from the behaviour of others.
func outside() []signal {
	list := []signal{
		{checkCertificate, "Did a certificate run out?", certificateOut},
		{checkDNS, "Can names not be resolved, from several places at once?", namesLost},
		{checkUpstream, "Does a provider outside fail or take longer?", providerFails},
		{checkNeighbour, "Is the machine beneath busy with the work of others?", machineBusy},
		{checkSurge, "Is simply more asked, at the same cost each?", moreAsked},
		{checkBadInput, "Is what is asked malformed, or is one record, partition or customer stuck?", inputBad},
	}
	for i, s := range list {
		list[i].look = func(x *inquiry) result {
			if why := x.nothingSaid(); why != "" {
				return skipped(why)
			}
			return s.look(x)
		}
	}
	return list
}

// How much stands behind an explanation from outside. A change with the right
// mechanism wins over what only looks so; a fact of its own wins over changes.
const (
	looksSo = 2
	isSo    = 3
)

// external makes the finding of a cause outside.
func (x *inquiry) outsideFinding(check string, class pitwall.Bottleneck, at pitwall.ServiceName, signs []sign) *finding {
	f := &finding{
		check: check, class: class, at: fold.Operation{Service: at}, external: true, level: looksSo, share: 1, failures: x.errors,
		claim: signs[0].claim, seen: []spoken{{class: class, weight: blame.Mechanism, signs: signs}},
	}
	for _, g := range signs {
		e := signEvidence(check, g)
		if len(f.evidence) < mostFacts && !slices.ContainsFunc(f.evidence, func(o pitwall.Evidence) bool { return o.Claim == e.Claim }) {
			f.evidence = append(f.evidence, e)
		}
	}
	f.signal = pitwall.OwnSignal{Name: signs[0].Word, Service: at}
	f.disproof = fmt.Sprintf("If this cause (%s) is gone", class) + troubleStays
	return f
}

// failedOf says how many of the additional failures a finding explains where
// requests are followed: as many as failed with these words, of those that were
// read. It then stands at the service that wrote them, and is a fact.
func (x *inquiry) failedOf(f *finding, list []sign) {
	if x.noSpans != "" || !x.errors {
		return
	}
	failed, said := sumOf(x.head.Failed.Num), 0.0
	texts := map[string]bool{}
	for _, g := range list {
		if g.from == fromError && !texts[g.claim] {
			texts[g.claim] = true
			said += g.lines
			f.at = fold.Operation{Service: g.service}
		}
	}
	f.explained = min(1, ratio(said, failed*x.scene.errorsRead)) * (x.failed.After - x.failed.Before)
	f.shift = x.failed
	f.signal = own("failed share of "+x.q.headline().String(), x.q.headline(), "errors", x.failed, pitwall.UnitRatio)
}

// spokenOf are the signs of a class with a weight of at least w, those that
// were measured first.
func (s *scene) spokenOf(class pitwall.Bottleneck, w blame.Weight) []sign {
	var list []sign
	for _, g := range s.signs {
		if g.Class == class && g.Weight >= w {
			list = append(list, g)
		}
	}
	slices.SortStableFunc(list, func(a, b sign) int { return -cmpBool(a.from != fromAlert, b.from != fromAlert) })
	return list
}

// suffering are the services that signs were seen at.
func suffering(list []sign) []pitwall.ServiceName {
	var out []pitwall.ServiceName
	for _, g := range list {
		if !slices.Contains(out, g.service) {
			out = append(out, g.service)
		}
	}
	slices.Sort(out)
	return out
}

// spoken are the signs that speak plainly of a class; without any, silent is
// the answer: skipped where nobody could have spoken of it, clear otherwise.
func (x *inquiry) spoken(class pitwall.Bottleneck, deaf, none string) (list []sign, silent result) {
	list = x.look().spokenOf(class, blame.Mechanism)
	if x.deafTo(class) {
		return list, skipped(deaf)
	}
	return list, clear(none)
}

// expired are the words of a certificate whose time is over, which no code does.
var expired = regexp.MustCompile(`(?i)expired|not (yet )?valid (yet|anymore|any more)|is after|validity check|notafter|validity period`)

func certificateOut(x *inquiry) result {
	list, silent := x.spoken(pitwall.BottleneckCertificate,
		"no certificate is measured, and no lines are kept that would speak of one",
		"no certificate nears its end, and no line and no failed request speaks of one")
	if len(list) == 0 {
		return silent
	}
	f := x.outsideFinding(checkCertificate, pitwall.BottleneckCertificate, x.q.headline().Service, list)
	x.failedOf(f, list)
	for _, g := range list {
		if expired.MatchString(g.text) || g.move != nil && !g.move.Up && g.move.Last <= 0 {
			f.level, f.claim = isSo, g.claim
		}
	}
	return hits([]*finding{f}, "")
}

func namesLost(x *inquiry) result {
	list, silent := x.spoken(pitwall.BottleneckDNS,
		"no resolution of names is measured, and no lines are kept that would speak of it",
		"no resolver is slow, and no line and no failed request speaks of names that cannot be found")
	if len(list) == 0 {
		return silent
	}
	f := x.outsideFinding(checkDNS, pitwall.BottleneckDNS, x.q.headline().Service, list)
	x.failedOf(f, list)
	who := suffering(list)
	if f.broad = x.unrelated(who); f.broad {
		f.level = isSo
		f.claim = fmt.Sprintf("%s (%s) cannot find names: %s", things(len(who), "service"), join(who), list[0].claim)
	}
	return hits([]*finding{f}, "")
}

// measures says that a series is there that could be a sign of a class.
func (x *inquiry) measures(class pitwall.Bottleneck) bool {
	return slices.ContainsFunc(x.answers[idMeasured].Measured, func(m pitwall.Measured) bool {
		for _, rose := range []bool{true, false} {
			if slices.ContainsFunc(blame.MetricSigns(m.Metric, rose), func(s blame.Sign) bool { return s.Class == class }) {
				return true
			}
		}
		return false
	})
}

// deafTo says that nothing is there that could speak of a class: no series of
// it, no lines, and no requests whose failures were read. Silence is no answer
// then.
func (x *inquiry) deafTo(class pitwall.Bottleneck) bool {
	return x.noSpans != "" && len(x.answers[idLogs].Logs) == 0 && !x.measures(class)
}

// measuresOutside says that a component outside is measured.
func (x *inquiry) measuresOutside() bool {
	return slices.ContainsFunc(x.answers[idTopology].Topology.Services, func(c pitwall.Component) bool {
		return c.Kind == pitwall.ComponentExternal &&
			slices.ContainsFunc(x.answers[idMeasured].Measured, func(m pitwall.Measured) bool { return m.Service == c.Name })
	})
}

// unrelated says that at least two of the services do not call each other, so
// that no change of one makes the other suffer.
func (x *inquiry) unrelated(list []pitwall.ServiceName) bool {
	s := x.look()
	for i, a := range list {
		for _, b := range list[i+1:] {
			if !s.calls[pitwall.Call{From: a, To: b}] && !s.calls[pitwall.Call{From: b, To: a}] {
				return true
			}
		}
	}
	return false
}

// hits says that a service is one of those that suffer.
func (f *finding) hits(s pitwall.ServiceName) bool {
	for _, k := range f.seen {
		if slices.ContainsFunc(k.signs, func(g sign) bool { return g.service == s }) {
			return true
		}
	}
	return false
}

func join(list []pitwall.ServiceName) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// statusLead is how long before the first movement a provider may speak of
// trouble for it to be the same, and how long after: pages are slow.
const (
	statusLead = 2 * time.Hour
	statusLag  = 2 * time.Hour
)

// wellWord are the states of a status page that are no trouble.
var wellWord = regexp.MustCompile(`(?i)\b(operational|resolved|completed|scheduled|normal|available|healthy|ok|postmortem)\b`)

func (x *inquiry) notices() []pitwall.StatusNotice {
	at := x.onsetBand().At
	var list []pitwall.StatusNotice
	for _, n := range x.answers[idStatus].Status {
		if lead := at.Sub(n.At); lead > statusLead || -lead > statusLag || wellWord.MatchString(n.State) {
			continue
		}
		list = append(list, n)
	}
	return list
}

func providerFails(x *inquiry) result {
	s := x.look()
	list := s.spokenOf(pitwall.BottleneckUpstream, blame.Mechanism)
	at := x.q.headline().Service
	for _, c := range x.answers[idTopology].Topology.Services {
		if c.Kind != pitwall.ComponentExternal {
			continue
		}
		for _, g := range s.at(c.Name) {
			if g.move != nil && g.Class != pitwall.BottleneckTraffic {
				list, at = append([]sign{g}, list...), c.Name
			}
		}
	}
	notices := x.notices()
	if len(list) == 0 && len(notices) == 0 && !x.measuresOutside() && len(x.answers[idStatus].Status) == 0 && x.deafTo(pitwall.BottleneckUpstream) {
		return skipped("no provider outside is measured, none tells its state, and no lines are kept that would speak of one")
	}
	if len(list) == 0 && len(notices) == 0 {
		return clear("no provider outside is slow or failing, and none says so")
	}
	for _, n := range notices {
		claim := fmt.Sprintf("%s says of %s at %s: %s %s", n.Provider, n.Title, clock(n.At), n.State, cut(n.Text))
		list = append(list, sign{Sign: blame.Sign{Class: pitwall.BottleneckUpstream, Weight: blame.Mechanism, Word: n.State}, service: at, claim: claim, text: n.Title + " " + n.Text})
	}
	f := x.outsideFinding(checkUpstream, pitwall.BottleneckUpstream, at, list)
	who := suffering(list)
	f.broad = x.unrelated(who)
	if len(notices) > 0 || f.broad || at != x.q.headline().Service {
		f.level = isSo
	}
	return hits([]*finding{f}, "")
}

// identity is what names one record, one place in a queue or one customer in a
// line of trouble.
var identity = regexp.MustCompile(`(?i)\b(partition|offset|record|record_id|message_id|tenant|customer|producer|partner|account|org|file|upload|batch|key|shard|device|client|source|row|user)(_id)?\s*[=:#]\s*["']?([\w./-]+)`)

func inputBad(x *inquiry) result {
	s := x.look()
	list := s.spokenOf(pitwall.BottleneckBadInput, blame.Mechanism)
	if len(list) == 0 && x.deafTo(pitwall.BottleneckBadInput) {
		return skipped("no lines are kept that would speak of input that cannot be read, and no series is of it")
	}
	if len(list) == 0 {
		return clear("no line and no series speaks of input that cannot be read")
	}
	f := x.outsideFinding(checkBadInput, pitwall.BottleneckBadInput, x.q.headline().Service, list)
	for _, g := range list {
		if id := identity.FindString(g.text); id != "" && g.from != fromAlert {
			f.level, f.claim = isSo, fmt.Sprintf("it is always %s: %s", id, g.claim)
			break
		}
	}
	return hits([]*finding{f}, "")
}
