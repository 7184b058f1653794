package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// attribution is the change blamed for a finding.
type attribution struct {
	change    pitwall.Change
	mechanism string // what in it touches the finding; "": only its time and place fit
	own       bool   // it is on the finding's own service, or carried by it
	promptly  bool   // the trouble began with it, and it is own or touches the like
	strength  int
	named     bool      // the trouble names what it touches
	at        time.Time // when it took effect
}

// weight orders suspects: what it touches counts for most, then whether the
// trouble began with it, then whether it is on the own service, and last come
// those of the right time and place alone. A change of another service that
// merely speaks of the like does not outweigh the service's own at the onset.
func (a attribution) weight() int {
	w := 8 * min(a.strength, touchStrong)
	if a.own && (a.strength > 0 || a.promptly) {
		w += 6 // a little less than one step of strength
	}
	if a.promptly {
		w += 20
	}
	if a.named {
		w++
	}
	return w
}

// suspect is one change judged against one finding.
type suspect struct {
	attribution
	why string // why it is not the cause; "" when it may be
}

// changes reads the answer: one entry per change, the most telling where
// several sources saw the same, the version before filled in from the spans.
func (x *inquiry) changes() (list []pitwall.Change, missing string) {
	a, ok := x.answers[idChanges]
	if !ok {
		return nil, "changes were not asked for"
	}
	for _, c := range a.Changes {
		if c.Kind == pitwall.ChangeDeploy && c.PreviousVersion == "" {
			if was := x.base.Runs(c.Service); was != c.Version {
				c.PreviousVersion = was
			}
		}
		at := slices.IndexFunc(list, func(k pitwall.Change) bool { return sameDeploy(k, c) })
		switch {
		case at < 0:
			list = append(list, c)
		case telling(c) > telling(list[at]):
			c.At = earlier(c.At, list[at].At)
			list[at] = c
		default:
			list[at].At = earlier(c.At, list[at].At)
		}
	}
	slices.SortStableFunc(list, func(a, b pitwall.Change) int { return a.At.Compare(b.At) })
	return list, a.Missing
}

// sameDeploy says that two sources saw one rollout. Those that name different
// commits are two.
func sameDeploy(a, b pitwall.Change) bool {
	return a.Kind == pitwall.ChangeDeploy && b.Kind == pitwall.ChangeDeploy && a.Service == b.Service &&
		a.Version == b.Version && a.Version != "" && a.At.Sub(b.At).Abs() < 2*time.Minute &&
		(a.Diff == "" || b.Diff == "" || a.Diff == b.Diff)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func telling(c pitwall.Change) int {
	n := len(c.DiffHints) + len(c.Flags) + len(c.Config)
	if c.Diff != "" {
		n++
	}
	if c.SeenBy != pitwall.SeenByTelemetry {
		n++
	}
	return n
}

// attribute blames for each cause the change that fits best, if one does.
func (x *inquiry) attribute(list []*finding) {
	for _, f := range list {
		if f.effectOf != nil {
			continue
		}
		fit := x.suspects(f)
		if len(fit) == 0 {
			continue
		}
		best := fit[0].attribution
		f.blamed = &best
		x.tellChange(f)
	}
}

// suspects are the changes that may be the cause of a finding, the best first.
func (x *inquiry) suspects(f *finding) []suspect {
	all, _ := x.changes()
	var fit []suspect
	for _, c := range all {
		if s := x.suspect(c, f); s.why == "" {
			fit = append(fit, s)
		}
	}
	slices.SortStableFunc(fit, func(a, b suspect) int {
		byTime := a.at.Compare(b.at) // earliest first: the latest before an alert is nearly always innocent
		if a.mechanism == "" && x.noSpans == "" {
			byTime = -byTime // nothing but time speaks against it, and the onset is known to the second: then the nearest
		}
		return cmp.Or(cmp.Compare(b.weight(), a.weight()), byTime)
	})
	return fit
}

// suspect judges one change against one finding: time, place, mechanism.
func (x *inquiry) suspect(c pitwall.Change, f *finding) suspect {
	t := x.touched(c, f)
	at, unrolled := x.effective(c, f)
	s := suspect{attribution: attribution{
		change: c, mechanism: t.text, own: x.owns(c, f), strength: t.strength, named: t.named, at: at,
	}}
	s.promptly = (s.own || s.strength >= touchStrong) && x.prompt(at)
	s.why = cmp.Or(x.wrongTime(at, c), x.wrongPlace(c, f), x.neverServed(c), t.innocent, unrolled)
	if s.why != "" {
		return s
	}
	if x.noSpans != "" && x.ranQuietly(s.attribution, f) {
		s.strength-- // down to 0: time alone
	}
	switch {
	case f.external && t.strength < touchStrong:
		s.why = fmt.Sprintf("nothing in it touches %s, which explains the increase", f.title())
	case f.external && f.broad && f.hits(c.Service):
		s.why = fmt.Sprintf("it is on %s alone, and services that have nothing to do with it suffer as well", c.Service)
	case !s.own && t.strength < touchStrong:
		s.why = fmt.Sprintf("nothing in it touches %s, which began in %s", f.class, f.at.Service)
	case t.strength == 0:
		s.why = x.unprovenWhy(c, f)
	}
	return s
}

// wrongPlace: a change can be the cause on the service where the finding is, or
// on one that calls it, for callers decide what is asked.
func (x *inquiry) wrongPlace(c pitwall.Change, f *finding) string {
	if c.Service == f.at.Service || c.Service == f.signal.Service {
		return ""
	}
	if x.noSpans != "" {
		return x.farAway(c, f)
	}
	if c.Service == "" {
		return x.elsewhere(c, f)
	}
	if !slices.Contains(x.onPath(), c.Service) {
		return fmt.Sprintf("%s is not on the path of %s", c.Service, x.q.headline())
	}
	if op, ok := x.g.OpID[f.at]; ok && slices.Contains(x.callersOf(op), c.Service) {
		return ""
	}
	if f.external {
		return ""
	}
	return fmt.Sprintf("%s neither is nor calls %s, where %s began", c.Service, f.at.Service, f.class)
}

// callersOf are the services on the way from the headline down to an operation.
func (x *inquiry) callersOf(op int) []pitwall.ServiceName {
	seen := map[int]bool{op: true}
	var list []pitwall.ServiceName
	for todo := []int{op}; len(todo) > 0; todo = todo[1:] {
		for _, id := range x.g.CallsTo(todo[0]) {
			if from := x.g.Calls[id].From; !seen[from] {
				seen[from] = true
				list = append(list, x.g.Ops[from].Service)
				todo = append(todo, from)
			}
		}
	}
	return list
}

// neverServed acquits a deploy whose version none of the bad requests met. When
// only the last part of the trouble is looked at, it may have begun with a
// version that another has followed since.
func (x *inquiry) neverServed(c pitwall.Change) string {
	served := x.head.Versions[c.Service]
	if x.lastPart() {
		return ""
	}
	if c.Kind == pitwall.ChangeDeploy && c.Version != "" && len(served) > 0 && served[c.Version] == 0 && x.noSpans == "" {
		return fmt.Sprintf("%s %s served none of the slow requests", c.Service, c.Version)
	}
	return ""
}

// unprovenWhy acquits a change that touches nothing of the kind, unless its
// version took over exactly when the trouble began.
func (x *inquiry) unprovenWhy(c pitwall.Change, f *finding) string {
	nothing := fmt.Sprintf("nothing in it touches %s", f.class)
	switch good := x.base.Versions[c.Service]; {
	case c.Kind != pitwall.ChangeDeploy || c.Version == "" && x.noSpans == "":
		return nothing
	case x.noSpans == "" && good[c.Version] > 0 && !(codeOwn(f) && c.Service == f.at.Service):
		return fmt.Sprintf("%s, and %s served good requests before the onset", nothing, c.Version)
	case x.noSpans != "":
		return "" // rows date the onset too coarsely, and what is not understood may take its time
	case x.onset().Sub(c.At) > unproven:
		return fmt.Sprintf("%s, and it came %s before the onset", nothing, apart(x.onset().Sub(c.At)))
	}
	return ""
}

// codeOwn says that a service's own code does what a finding is about: such a
// thing begins with a version of it, at once or when the case comes up that the
// version does not bear.
func codeOwn(f *finding) bool {
	return f.class == pitwall.BottleneckException && !f.external && f.weak == ""
}
