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
	own       bool   // it is on the finding's own service
	strength  int
}

// weight orders suspects: a mechanism on the own service, a mechanism at a
// caller, and last the right time and place alone.
func (a attribution) weight() int {
	switch {
	case a.strength == 0:
		return 0
	case a.own:
		return 10 + a.strength
	}
	return a.strength
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

func sameDeploy(a, b pitwall.Change) bool {
	return a.Kind == pitwall.ChangeDeploy && b.Kind == pitwall.ChangeDeploy && a.Service == b.Service &&
		a.Version == b.Version && a.Version != "" && a.At.Sub(b.At).Abs() < 2*time.Minute
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func telling(c pitwall.Change) int {
	n := len(c.DiffHints) + len(c.Flags) + len(c.Config)
	if c.SeenBy != pitwall.SeenByTelemetry {
		n++
	}
	return n
}

// attribute blames for each cause the change that fits best, if one does.
func (x *inquiry) attribute(list []*finding) {
	all, _ := x.changes()
	for _, f := range list {
		if f.effectOf != nil {
			continue
		}
		var fit []suspect
		for _, c := range all {
			if s := x.suspect(c, f); s.why == "" {
				fit = append(fit, s)
			}
		}
		if len(fit) == 0 {
			continue
		}
		slices.SortStableFunc(fit, func(a, b suspect) int {
			byTime := a.change.At.Compare(b.change.At) // earliest first: the latest before an alert is nearly always innocent
			if a.mechanism == "" {
				byTime = -byTime // nothing but time speaks against it: then the nearest
			}
			return cmp.Or(cmp.Compare(b.weight(), a.weight()), byTime)
		})
		best := fit[0].attribution
		f.blamed = &best
		x.tellChange(f)
	}
}

// suspect judges one change against one finding: time, place, mechanism.
func (x *inquiry) suspect(c pitwall.Change, f *finding) suspect {
	t := touches(c, f)
	s := suspect{attribution: attribution{change: c, mechanism: t.text, own: c.Service == f.at.Service, strength: t.strength}}
	s.why = cmp.Or(x.wrongTime(c), x.wrongPlace(c, f), x.neverServed(c))
	if s.why != "" {
		return s
	}
	switch {
	case f.external && t.strength < touchStrong:
		s.why = fmt.Sprintf("nothing in it touches %s, and %s explains the increase", f.class, f.claim)
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
	if c.Service == f.at.Service || c.Service == f.signal.Service || x.noSpans != "" {
		return ""
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

// neverServed acquits a deploy whose version none of the bad requests met.
func (x *inquiry) neverServed(c pitwall.Change) string {
	served := x.head.Versions[c.Service]
	if c.Kind == pitwall.ChangeDeploy && c.Version != "" && len(served) > 0 && served[c.Version] == 0 {
		return fmt.Sprintf("%s %s served none of the slow requests", c.Service, c.Version)
	}
	return ""
}

// unprovenWhy acquits a change that touches nothing of the kind, unless its
// version took over exactly when the trouble began.
func (x *inquiry) unprovenWhy(c pitwall.Change, f *finding) string {
	nothing := fmt.Sprintf("nothing in it touches %s", f.class)
	switch good := x.base.Versions[c.Service]; {
	case c.Kind != pitwall.ChangeDeploy || c.Version == "":
		return nothing
	case good[c.Version] > 0:
		return fmt.Sprintf("%s, and %s served good requests before the onset", nothing, c.Version)
	case x.onset().Sub(c.At) > unproven:
		return fmt.Sprintf("%s, and it came %s before the onset", nothing, apart(x.onset().Sub(c.At)))
	}
	return ""
}

// tellChange adds to a finding what speaks for the change it blames.
func (x *inquiry) tellChange(f *finding) {
	b := f.blamed
	claim := fmt.Sprintf("%s at %s came %s", title(b.change), clock(b.change.At), x.when(b.change))
	if b.mechanism != "" {
		claim += fmt.Sprintf("; it touches %s: %s", f.class, b.mechanism)
	} else {
		claim += "; only its time and place speak against it"
	}
	f.evidence = append(f.evidence, pitwall.Evidence{Check: checkChanges, Service: b.change.Service, Claim: claim})
	was, is := x.base.Runs(b.change.Service), x.head.Runs(b.change.Service)
	if was != "" && is != "" && was != is {
		f.evidence = append(f.evidence, pitwall.Evidence{
			Check: checkChanges, Service: b.change.Service,
			Claim: fmt.Sprintf("good requests met %s %s, slow ones %s", b.change.Service, was, is),
		})
	}
}

// checkChanges lists every change of the time, with why it is or is not the cause.
func (x *inquiry) checkChanges(list []*finding) pitwall.Check {
	c := pitwall.Check{Name: checkChanges, Question: "Which change came before, lies on the path and touches what was measured?"}
	all, missing := x.changes()
	switch {
	case missing != "":
		c.Outcome, c.Reason = pitwall.OutcomeSkipped, "changes are not known: "+missing
		return c
	case len(all) == 0:
		c.Outcome, c.Reason = pitwall.OutcomeClear, "nothing was changed between the beginning of the baseline and now"
		return c
	}
	asked := fmt.Sprintf("changes from %s to %s", clock(x.q.Baseline.From), clock(x.q.Window.To))
	c.Outcome = pitwall.OutcomeClear
	c.Reason = fmt.Sprintf("none of %d changes fits in time, place and mechanism", len(all))
	for _, change := range all {
		e := pitwall.Evidence{Check: checkChanges, Service: change.Service}
		e.Claim, e.Query = x.acquittal(change, list), asked
		if len(list) > 0 && list[0].blames(change) {
			e.Claim = fmt.Sprintf("%s at %s fits: %s", title(change), clock(change.At), list[0].fits())
			c.Outcome, c.Reason = pitwall.OutcomeHit, e.Claim
		}
		c.Evidence = append(c.Evidence, e)
	}
	return c
}

func (f *finding) blames(c pitwall.Change) bool { return f.blamed != nil && f.blamed.change.ID == c.ID }

func (f *finding) fits() string {
	if f.blamed.mechanism == "" {
		return "it came just before the onset, on the service where it began; nothing in it says how"
	}
	return fmt.Sprintf("it came before the onset and touches %s (%s)", f.class, f.blamed.mechanism)
}

// acquittal says why a change is not the cause.
func (x *inquiry) acquittal(c pitwall.Change, list []*finding) string {
	why := "nothing was found for a change to explain"
	if len(list) > 0 {
		why = x.suspect(c, list[0]).why
		if why == "" && list[0].blamed != nil {
			why = fmt.Sprintf("%s explains it better", title(list[0].blamed.change))
		}
	}
	return fmt.Sprintf("%s at %s is not the cause because %s", title(c), clock(c.At), why)
}
