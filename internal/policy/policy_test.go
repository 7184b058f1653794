package policy

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func noon() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) } // a Friday

// rollback is a low-risk rollback of inventory through a canary.
func rollback() Request {
	return Request{
		Plan: pitwall.Plan{ID: "PIP-1", State: pitwall.Proposed, Service: "checkout", SLO: "checkout-latency", Cycle: 1,
			Hypothesis: &pitwall.Hypothesis{Change: &pitwall.Change{Kind: pitwall.ChangeDeploy}}},
		Fix: pitwall.Fix{Kind: "rollback", Risk: pitwall.RiskLow, Service: "inventory", Playbook: "rollback-payload", Good: "v40", Bad: "v41",
			Steps: []pitwall.Step{
				{ID: "canary-10", Judged: true, Weights: map[pitwall.Version]int{"v40": 10, "v41": 90}},
				{ID: "promote", Weights: map[pitwall.Version]int{"v40": 100}},
			}},
		Severity: 1,
		Budget:   pitwall.ErrorBudget{Known: true, Spent: 0.6, BurnKnown: true, BurnRate: 31},
	}
}

func TestDefaultPolicy(t *testing.T) {
	p, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, change func(*Request), want pitwall.DecisionResult, rule string) {
		t.Helper()
		r := rollback()
		change(&r)
		d := p.Decide(r, noon())
		if d.Result != want || d.Rule != rule || d.Reason == "" || d.Bundle != p.Bundle() || !d.At.Equal(noon()) {
			t.Errorf("%s: %s by %s (%s), want %s by %s", name, d.Result, d.Rule, d.Reason, want, rule)
		}
	}
	f("a rollback through a canary", func(*Request) {}, pitwall.DecisionAllow, "rollback-through-canary")
	f("a rollback in a freeze", func(r *Request) { r.Freeze = true }, pitwall.DecisionAllow, "rollback-through-canary")
	f("all at once", func(r *Request) { r.Fix.Steps = r.Fix.Steps[1:] }, pitwall.DecisionAsk, "everything-else")
	f("all at once in a freeze", func(r *Request) { r.Fix.Steps, r.Freeze = r.Fix.Steps[1:], true }, pitwall.DecisionAsk, "everything-else")
	f("an unjudged first step", func(r *Request) { r.Fix.Steps[0].Judged = false }, pitwall.DecisionAsk, "everything-else")
	f("medium risk", func(r *Request) { r.Fix.Risk = pitwall.RiskMedium }, pitwall.DecisionAsk, "everything-else")
	f("a new thing", func(r *Request) { r.Fix.Kind = "config" }, pitwall.DecisionAsk, "everything-else")
	f("a new thing in a freeze", func(r *Request) { r.Fix.Kind, r.Freeze = "config", true }, pitwall.DecisionDeny, "freeze")
	f("nothing known at all", func(r *Request) { *r = Request{} }, pitwall.DecisionAsk, "everything-else")
}

func TestAskPolicy(t *testing.T) {
	p, err := Ask()
	if err != nil {
		t.Fatal(err)
	}
	r := rollback()
	if d := p.Decide(r, noon()); d.Result != pitwall.DecisionAsk {
		t.Errorf("a rollback: %+v", d)
	}
	r.Freeze = true
	if d := p.Decide(r, noon()); d.Result != pitwall.DecisionAsk {
		t.Errorf("a freeze blocked a rollback: %+v", d)
	}
	r.Fix.Kind = "scale"
	if d := p.Decide(r, noon()); d.Result != pitwall.DecisionDeny {
		t.Errorf("a freeze let something new pass: %+v", d)
	}
}

// policyOf makes a policy of rules written "decide: expression".
func policyOf(t *testing.T, rules ...string) *Policy {
	t.Helper()
	var b strings.Builder
	b.WriteString("rules:\n")
	for _, r := range rules {
		decide, when, _ := strings.Cut(r, ": ")
		quoted, _ := json.Marshal(when)
		b.WriteString("- {name: " + strings.ReplaceAll(strings.Map(letters, r), " ", "-") + ", decide: " + decide + ", reason: because, when: " + string(quoted) + "}\n")
	}
	p, err := Load("t.yaml", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func letters(r rune) rune {
	if r >= 'a' && r <= 'z' {
		return r
	}
	return '_'
}

func TestOrderAndDoubt(t *testing.T) {
	f := func(want pitwall.DecisionResult, change func(*Request), rules ...string) pitwall.Decision {
		t.Helper()
		r := rollback()
		change(&r)
		d := policyOf(t, rules...).Decide(r, noon())
		if d.Result != want {
			t.Errorf("%q: %s by %s (%s), want %s", rules, d.Result, d.Rule, d.Reason, want)
		}
		return d
	}
	same := func(*Request) {}
	f("allow", same, "allow: true")
	f("ask", same, "allow: true", "ask: true")
	f("deny", same, "deny: true", "allow: true", "ask: true")
	f("allow", same, "deny: false", "allow: true")
	if d := f("deny", same, "allow: false"); d.Rule != NoMatch {
		t.Errorf("no match is told as %q", d.Rule)
	}
	// What is not known denies, whatever else matches.
	unknown := func(r *Request) { r.Budget = pitwall.ErrorBudget{} }
	if d := f("deny", unknown, "allow: true", "ask: budget.remaining < 0.5"); !strings.Contains(d.Reason, "budget.remaining") {
		t.Errorf("the reason does not name the missing fact: %s", d.Reason)
	}
	f("ask", same, "allow: true", "ask: budget.remaining < 0.5")
	f("deny", same, "deny: budget.burn_rate > 30.0", "allow: true")
	f("deny", func(r *Request) { r.Plan.Hypothesis = nil }, "allow: change.kind == 'deploy'")
	f("allow", same, "allow: change.kind == 'deploy'")
	f("deny", same, "allow: plan.no_such_key == 'x'")
	f("allow", same, "allow: plan.service == 'checkout' && plan.cycle == 1")
	f("deny", same, "allow: 1 / (severity - 1) > 0")
	// The clock is a fact; zones are explicit.
	f("deny", same, "deny: now.getDayOfWeek('Europe/Berlin') == 5 && now.getHours('Europe/Berlin') == 13", "allow: true")
	// Work is bounded.
	d := f("deny", same, "allow: [1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, a + b + c + d > 0))))")
	if !strings.Contains(d.Reason, "cost") {
		t.Errorf("ten thousand additions were refused for another reason: %s", d.Reason)
	}
}

func TestInputsAreACopy(t *testing.T) {
	d := policyOf(t, "allow: true").Decide(rollback(), noon())
	if d.Inputs["fix.kind"] != "rollback" || d.Inputs["budget.burn_rate"] != 31.0 || d.Inputs["now"] != "2026-03-06T12:00:00Z" {
		t.Errorf("inputs = %v", d.Inputs)
	}
	if _, err := json.Marshal(d); err != nil {
		t.Errorf("a decision must fit the record: %v", err)
	}
	if len(d.Bundle) != 64 {
		t.Errorf("bundle = %q", d.Bundle)
	}
}

func TestLoadRefuses(t *testing.T) {
	f := func(text, wantID, wantCause string) {
		t.Helper()
		_, err := Load("p.yaml", []byte(text))
		var e *pitwall.Error
		if !errors.As(err, &e) || e.Kind != pitwall.Invalid || e.ID != wantID || !strings.Contains(e.Err.Error()+" | "+e.Hint, wantCause) {
			t.Errorf("%q:\n got %v\nwant %s %s", text, err, wantID, wantCause)
		}
	}
	head := "rules:\n- name: a\n  decide: allow\n  reason: r\n"
	f("", "p.yaml", "expected one document")
	f("rules: []", "p.yaml:1", "rules is empty")
	f("rulez: []", "p.yaml:1", `did you mean "rules"?`)
	f(head+"  wen: 'true'\n", "p.yaml:5", `did you mean "when"?`)
	f(head, "p.yaml:2", "needs when")
	f(head+"  when: fix.knd == 'x'\n", "p.yaml:5", `rule "a": undeclared reference`)
	f(head+"  when: severity == 'high'\n", "p.yaml:5", "found no matching overload")
	f(head+"  when: severity\n", "p.yaml:5", "when is int, not true or false")
	f(head+"  when: plan.frozen\n", "p.yaml:5", "not true or false")
	f(head+"  when: '('\n", "p.yaml:5", "Syntax error")
	f(head+"  when: [a]\n", "p.yaml:5", "a CEL expression")
	f("rules:\n- {name: a, decide: maybe, reason: r, when: 'true'}\n", "p.yaml:2", "known: allow, ask, deny")
	f("rules:\n- {decide: ask, reason: r, when: 'true'}\n", "p.yaml:2", "needs a name")
	f("rules:\n- {name: a, decide: ask, when: 'true'}\n", "p.yaml:2", "needs a reason")
	f(head+"  when: 'true'\n- {name: a, decide: ask, reason: r, when: 'true'}\n", "p.yaml:6", "defined twice, first at line 2")
}

func TestConcurrentDecisions(t *testing.T) {
	p := policyOf(t, "allow: fix.canary", "ask: budget.remaining < 0.1")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if d := p.Decide(rollback(), noon()); d.Result != pitwall.DecisionAllow {
					t.Errorf("decision = %+v", d)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkDecide(b *testing.B) {
	p, err := Default()
	if err != nil {
		b.Fatal(err)
	}
	r, now := rollback(), noon()
	for b.Loop() {
		p.Decide(r, now)
	}
}
