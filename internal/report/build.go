package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// schemaPlanView names the shape of PlanView; fields are added, never changed.
const schemaPlanView = "pitwall.plan-view/1"

// maker holds what a view is made from.
type maker struct {
	p    pitwall.Plan
	live pitwall.Live
	slo  pitwall.SLO
	o    Options
}

// View makes the Plan page from a plan, what a running engine knows beyond its
// record (zero: nothing), and its objective (zero: not configured any more).
func View(p pitwall.Plan, live pitwall.Live, slo pitwall.SLO, o Options) PlanView {
	m := maker{p: p, live: live, slo: slo, o: o}
	due, overdue := m.due()
	v := PlanView{
		Schema: schemaPlanView, ID: p.ID, Service: p.Service, SLO: p.SLO,
		What: m.what(), Objective: Objective(slo),
		State: p.State, StateWord: m.stateWord(), Tone: m.tone(), Final: p.State.Final(),
		Loud: m.loud(), Owner: orWord(p.Opened.Owner, "nobody"),
		Severity: int(p.Opened.Severity), SeverityWord: severityWord(p.Opened.Severity),
		OpenedAt: p.OpenedAt, Updated: p.Updated, Deadline: p.Opened.Deadline, Due: due, Overdue: overdue,
		Cycle: p.Cycle, Seq: p.Seq, At: o.Now,
		Rail: m.rail(), Budget: m.budget(), Steps: m.steps(),
		Comparison: m.comparison(), Charts: m.charts(), Enforced: m.enforced(),
		Holding: m.holding(), Clocks: m.clocks(), Cause: m.cause(), Learned: m.learned(),
		Actions: m.actions(), Links: m.links(),
	}
	if !v.Final {
		v.Waiting = live.Waiting
	}
	v.Sentence = m.sentence()
	v.Line = m.line(v.Sentence)
	v.Story, v.Activity = m.story()
	v.Next = m.next()
	v.Selected = selected(v)
	return v
}

// Line is the one line of messages and of the terminal.
func Line(v PlanView) string { return v.Line }

func (m maker) line(sentence string) string {
	return fmt.Sprintf("[%s · %s] %s %s — %s", m.p.ID, stateName(m.p.State), m.p.Service, m.whatShort(), sentence)
}

// whatShort names what burns: "p99 latency".
func (m maker) whatShort() string {
	switch m.p.Opened.Regression.Signal {
	case pitwall.SignalLatency:
		return orWord(m.p.Opened.Regression.Metric, "p99") + " latency"
	case pitwall.SignalErrors:
		return "error ratio"
	case pitwall.SignalAvailability:
		return "availability"
	case pitwall.SignalSaturation:
		return "saturation"
	case pitwall.SignalTraffic:
		return "traffic"
	case pitwall.SignalEvents:
		return "bad events of " + string(m.p.SLO)
	}
	if m.p.SLO != "" {
		return string(m.p.SLO)
	}
	return "objective"
}

func (m maker) what() string {
	if op := m.p.Opened.Regression.Operation; op != "" {
		return m.whatShort() + " of " + op
	}
	return m.whatShort()
}

func (m maker) due() (string, bool) {
	p, now := m.p, m.o.Now
	switch {
	case p.State.Final():
		return strings.ToLower(stateName(p.State)) + " after " + Span(p.Since.Sub(p.OpenedAt)), false
	case p.Opened.Deadline.IsZero():
		return "no deadline", false
	case now.After(p.Opened.Deadline):
		return "overdue by " + Span(now.Sub(p.Opened.Deadline)), true
	}
	left := p.Opened.Deadline.Sub(now)
	if left > time.Hour && left < 72*time.Hour {
		return fmt.Sprintf("due in %d h", int(left.Hours()+0.5)), false
	}
	return "due in " + Span(left.Truncate(time.Minute)), false
}

func severityWord(s pitwall.Severity) string {
	switch s {
	case 1:
		return "severity 1 · pages"
	case 2:
		return "severity 2 · escalates"
	case 0:
		return "severity unknown"
	}
	return fmt.Sprintf("severity %d · ticket", int(s))
}

func orWord(s, otherwise string) string {
	if strings.TrimSpace(s) == "" {
		return otherwise
	}
	return s
}

func (m maker) links() Links {
	base := strings.TrimRight(m.o.PublicURL, "/")
	id := string(m.p.ID)
	api := base + "/api/v1/plans/" + id
	l := Links{
		App: base + "/plans/" + id, HTML: base + "/plans/" + id + ".html",
		Markdown: api + "/export?format=md", JSON: api + "/export?format=json", Raw: api + "?raw=1",
	}
	if m.p.Diagnosis != nil {
		l.Diagnosis = l.App + "/diagnosis"
	}
	return l
}

// selected is the moment whose evidence matters when the page is opened: the
// diagnosis until something newer needs the eye.
func selected(v PlanView) string {
	want := pitwall.State("")
	for i := len(v.Story) - 1; i >= 0; i-- {
		mo := v.Story[i]
		if mo.Live {
			return mo.Anchor
		}
		if want == "" && mo.State != "" {
			want = mo.State
			if !v.Final || v.State != pitwall.Closed {
				return mo.Anchor
			}
		}
	}
	if v.Cause != nil && v.Cause.Anchor != "" {
		return v.Cause.Anchor
	}
	if n := len(v.Story); n > 0 {
		return v.Story[n-1].Anchor
	}
	return ""
}
