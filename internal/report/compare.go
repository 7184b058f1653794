package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// look is the canary's newest look: the live one unless the record is newer.
func (m maker) look() *pitwall.CanaryLook {
	var last *pitwall.CanaryLook
	for i := range m.p.Steps {
		if l := m.p.Steps[i].Look; l != nil {
			last = l
		}
	}
	if l := m.live.Look; l != nil && m.p.State == pitwall.Canarying && (last == nil || l.At.After(last.At)) {
		return l
	}
	return last
}

// verification is the recorded proof, or the live one while it is being made.
func (m maker) verification() *pitwall.Verification {
	if m.p.Verification != nil {
		return m.p.Verification
	}
	if m.p.State == pitwall.Verifying {
		return m.live.Verification
	}
	return nil
}

// comparison is the table that matters now: the proof once there is one, else
// the canary's latest look.
func (m maker) comparison() *ComparisonView {
	if v := m.verification(); v != nil && (len(v.Rows) > 0 || v.Need > 0) {
		return m.verificationView(*v, m.p.Verification == nil)
	}
	if l := m.look(); l != nil {
		view := m.lookView(*l)
		view.Live = m.live.Look != nil && m.live.Look.At.Equal(l.At) && m.p.State == pitwall.Canarying
		return view
	}
	return nil
}

func (m maker) lookView(l pitwall.CanaryLook) *ComparisonView {
	c := &ComparisonView{
		Kind: "canary", Title: fmt.Sprintf("Canary with %d %% on %s", l.Weight, l.Treat),
		Control: "now " + string(l.Control), Treatment: fmt.Sprintf("fix %s, %d %%", l.Treat, l.Weight),
		At: l.At, Verdict: sentenceEnd(upperFirst(lookWords(l))), Tone: lookTone(l), Progress: progress(l),
	}
	for _, row := range l.Rows {
		c.Rows = append(c.Rows, comparisonRow(row, l.Period, "anytime-valid: looking often costs nothing"))
	}
	c.Facts = []Fact{
		{Label: "judged over", Value: Span(l.Period.Duration())},
		{Label: "traffic split", Value: balanceText(l.Balance), Tone: balanceTone(l.Balance)},
	}
	return c
}

func (m maker) verificationView(v pitwall.Verification, live bool) *ComparisonView {
	c := &ComparisonView{
		Kind: "verification", Title: "Before and after, under the same load",
		Control: "before", Treatment: "after the fix", Live: live, At: v.At,
		Verdict: sentenceEnd(upperFirst(v.Reason)), Tone: verificationTone(v),
	}
	for _, row := range v.Rows {
		c.Rows = append(c.Rows, comparisonRow(row, v.After, ""))
	}
	if v.Need > 0 && !v.Done {
		c.Progress = &Progress{Share: -1, Text: "about " + Count(v.Need) + " more requests needed"}
		if seen := seenAfter(v); seen > 0 {
			c.Progress.Share = clamp01(seen / (seen + float64(v.Need)))
		}
	}
	c.Facts = proofFacts(v)
	return c
}

// seenAfter is how many requests of the after side were compared so far.
func seenAfter(v pitwall.Verification) float64 {
	most := int64(0)
	for _, r := range v.Rows {
		most = max(most, r.Treatment.N)
	}
	return float64(max(most, v.P99After.N))
}

func proofFacts(v pitwall.Verification) []Fact {
	facts := []Fact{}
	for _, side := range []struct {
		label string
		m     pitwall.Measure
		p     pitwall.Period
	}{{"p99 before", v.P99Before, v.Before}, {"p99 during", v.P99During, v.During}, {"p99 after", v.P99After, v.After}} {
		if side.m.Known() {
			facts = append(facts, Fact{Label: side.label, Value: Measured(side.m), Maths: measureMaths(side.label, side.m, side.p)})
		}
	}
	if v.NoiseFloor > 0 {
		facts = append(facts, Fact{Label: "noise floor (A/A)", Value: Percent(float64(v.NoiseFloor))})
	}
	if v.LoadWhy != "" {
		tone, word := ToneOK, "yes: "
		if !v.SameLoad {
			tone, word = ToneWarn, "no: "
		}
		facts = append(facts, Fact{Label: "same load", Value: word + v.LoadWhy, Tone: tone})
	}
	return facts
}

func measureMaths(title string, x pitwall.Measure, p pitwall.Period) *Maths {
	ms := &Maths{Title: title, Lines: []Fact{{Label: "value", Value: Measured(x)}, {Label: "observations", Value: Count(x.N)}}}
	if s := interval(x); s != "" {
		ms.Lines = append(ms.Lines, Fact{Label: "95 % interval", Value: s})
	}
	if !p.IsZero() {
		ms.Lines = append(ms.Lines, Fact{Label: "window", Value: periodText(p)})
	}
	return ms
}

func comparisonRow(c pitwall.Comparison, p pitwall.Period, note string) ComparisonRow {
	r := ComparisonRow{
		Name: c.Name, Where: where(c.Service, c.Operation),
		Control: Measured(c.Control), ControlPM: plusMinus(c.Control),
		Treatment: Measured(c.Treatment), TreatmentPM: plusMinus(c.Treatment),
		Change: changeText(c), Limit: orWord(c.Limit, "–"),
		Verdict: verdictWord(c), Tone: verdictTone(c), Why: c.Why,
	}
	r.Detail = strings.TrimSpace(fmt.Sprintf("%s n=%s/%s", certainty(c), Count(c.Control.N), Count(c.Treatment.N)))
	if !c.Control.Known() && !c.Treatment.Known() {
		r.Detail = "nothing observed"
	}
	if c.NeedMore > 0 {
		r.NeedMore = "about " + Count(c.NeedMore) + " more"
	}
	r.Maths = comparisonMaths(c, p, note)
	return r
}

// tested says whether a p-value was computed; a proof has intervals instead.
func tested(c pitwall.Comparison) bool { return c.P > 0 && c.P < 1 || c.EValue > 0 }

// certainty is the p-value where there is one, else the interval of the change.
func certainty(c pitwall.Comparison) string {
	switch {
	case tested(c):
		return PValue(c.P)
	case c.ChangeLow == 0 && c.ChangeHigh == 0:
		return ""
	}
	return Change(c.ChangeLow) + " to " + Change(c.ChangeHigh)
}

func comparisonMaths(c pitwall.Comparison, p pitwall.Period, note string) *Maths {
	ms := &Maths{Title: c.Name, Formula: "change = treatment / control − 1", Query: c.Query}
	add := func(label, value string) {
		if value != "" {
			ms.Lines = append(ms.Lines, Fact{Label: label, Value: value})
		}
	}
	add("control", sideText(c.Control))
	add("treatment", sideText(c.Treatment))
	if c.Control.Known() && c.Treatment.Known() {
		change := Change(c.Change)
		if c.ChangeLow != 0 || c.ChangeHigh != 0 {
			change += ", between " + Change(c.ChangeLow) + " and " + Change(c.ChangeHigh)
		}
		add("change", change)
	}
	if tested(c) {
		add("p", PValue(c.P))
	}
	if c.EValue > 0 {
		add("e-value", number(c.EValue)+" against the claim that the sides are the same")
	}
	add("limit", c.Limit)
	add("wanted", goalText(c.Goal))
	if !p.IsZero() {
		add("window", periodText(p))
	}
	add("note", note)
	return ms
}

func goalText(goal string) string {
	switch goal {
	case "better":
		return "must be proven better"
	case "not-worse":
		return "must not be worse"
	}
	return goal
}

func sideText(x pitwall.Measure) string {
	s := Measured(x) + " of " + Count(x.N)
	if iv := interval(x); iv != "" {
		s += ", 95 % in " + iv
	}
	return s
}

// where names a place: "checkout POST /checkout".
func where(s pitwall.ServiceName, op string) string {
	switch {
	case s == "":
		return op
	case op == "":
		return string(s)
	}
	return string(s) + " " + op
}

// changeText is "~" whenever the sides cannot be told apart.
func changeText(c pitwall.Comparison) string {
	switch {
	case !c.Control.Known() || !c.Treatment.Known():
		return "–"
	case c.Verdict == pitwall.Same, c.Verdict == pitwall.Undecided:
		return same
	}
	return Change(c.Change)
}

func verdictWord(c pitwall.Comparison) string {
	switch c.Verdict {
	case pitwall.NoData:
		return noData
	case pitwall.Undecided:
		return "not yet known"
	case "":
		return "not judged"
	}
	return string(c.Verdict)
}

func verdictTone(c pitwall.Comparison) Tone {
	switch c.Verdict {
	case pitwall.Better, pitwall.Same:
		if c.Pass {
			return ToneOK
		}
		return ToneWarn
	case pitwall.Worse:
		if c.Pass { // worse, but inside its limit
			return ToneWarn
		}
		return ToneBad
	case pitwall.Undecided:
		return ToneActive
	}
	return ToneNoData
}

func lookWords(l pitwall.CanaryLook) string {
	row, ok := headline(l.Rows)
	what := ""
	if ok && (row.Verdict == pitwall.Better || row.Verdict == pitwall.Worse) {
		what = fmt.Sprintf("%s %s %s (%s)", row.Name, row.Verdict, Change(row.Change), PValue(row.P))
	} else if ok {
		what = row.Name + " " + verdictWord(row)
	}
	switch l.Action {
	case pitwall.CanaryAdvance:
		return "passed: " + orWord(what, l.Reason)
	case pitwall.CanaryRollBack:
		return "failed: " + orWord(l.Reason, what)
	case pitwall.CanaryGiveUp:
		return "no verdict in time: " + orWord(l.Reason, what)
	}
	return "being judged: " + orWord(l.Reason, what)
}

func lookTone(l pitwall.CanaryLook) Tone {
	switch l.Action {
	case pitwall.CanaryAdvance:
		return ToneOK
	case pitwall.CanaryRollBack:
		return ToneBad
	case pitwall.CanaryGiveUp:
		return ToneWarn
	}
	return ToneActive
}

func verificationTone(v pitwall.Verification) Tone {
	switch {
	case v.Pass:
		return ToneOK
	case !v.Done:
		return ToneActive
	case v.Verdict == pitwall.Worse:
		return ToneBad
	case v.Verdict == pitwall.NoData:
		return ToneNoData
	}
	return ToneWarn
}

// headline is the row that must get better, else the first.
func headline(rows []pitwall.Comparison) (pitwall.Comparison, bool) {
	for _, r := range rows {
		if r.Goal == "better" {
			return r, true
		}
	}
	if len(rows) == 0 {
		return pitwall.Comparison{}, false
	}
	return rows[0], true
}

// progress estimates what a verdict still needs. The time left is a range: the
// need itself is an estimate, so half to one and a half of it.
func progress(l pitwall.CanaryLook) *Progress {
	need, seen := int64(0), int64(0)
	for _, r := range l.Rows {
		if r.NeedMore > need {
			need, seen = r.NeedMore, r.Treatment.N
		}
	}
	if need == 0 || l.Action != pitwall.CanaryWait {
		return nil
	}
	pr := &Progress{Share: clamp01(float64(seen) / float64(seen+need)), Text: "about " + Count(need) + " more requests decide"}
	if sec := l.Period.Duration().Seconds(); sec > 0 && seen > 0 {
		eta := float64(need) / (float64(seen) / sec)
		from, to := time.Duration(eta*0.5*float64(time.Second)), time.Duration(eta*1.5*float64(time.Second))
		pr.ETA = Span(from.Round(time.Second)) + " to " + Span(to.Round(time.Second))
	}
	return pr
}

// balanceText words the sample-ratio check; below one in a thousand the split
// is not what the weights say.
func balanceText(p float64) string {
	switch {
	case p == 0:
		return "not checked"
	case p < 0.001:
		return "not as the weights say (" + PValue(p) + "), so nothing may be concluded"
	}
	return "as the weights say (" + PValue(p) + ")"
}

func balanceTone(p float64) Tone {
	switch {
	case p == 0:
		return ToneNoData
	case p < 0.001:
		return ToneBad
	}
	return ToneOK
}
