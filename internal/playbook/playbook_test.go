package playbook

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/pitwall/pitwall"
)

// catalogue reads the playbooks that ship with Pitwall.
func catalogue(t *testing.T) []pitwall.Playbook {
	t.Helper()
	books, err := Load(os.DirFS("../../playbooks"))
	if err != nil {
		t.Fatal(err)
	}
	return books
}

func names(books []pitwall.Playbook) (list []string) {
	for _, b := range books {
		list = append(list, b.Name)
	}
	return list
}

func TestCatalogue(t *testing.T) {
	books := catalogue(t)
	if diff := cmp.Diff([]string{"rollback-deploy", "rollback-payload"}, names(books)); diff != "" {
		t.Errorf("catalogue (-want +got):\n%s", diff)
	}
	for _, b := range books {
		if b.Risk != pitwall.RiskLow || b.Weights[0] >= 100 {
			t.Errorf("%s: a rollback is low-risk and begins with a canary: %+v", b.Name, b)
		}
	}
}

func TestMatch(t *testing.T) {
	deploy := &pitwall.Change{Kind: pitwall.ChangeDeploy}
	f := func(class pitwall.Bottleneck, change *pitwall.Change, want ...string) {
		t.Helper()
		got := names(Match(catalogue(t), pitwall.Hypothesis{Class: class, Change: change}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", class, diff)
		}
	}
	f(pitwall.BottleneckPayload, deploy, "rollback-payload")
	f(pitwall.BottleneckNPlus1, deploy, "rollback-deploy")
	f(pitwall.BottleneckAllocation, deploy, "rollback-deploy")
	f(pitwall.BottleneckPayload, &pitwall.Change{Kind: pitwall.ChangeFlag})
	f(pitwall.BottleneckPayload, nil)
	f(pitwall.BottleneckTraffic, deploy)
}

func TestMatchPrefersTheSpecific(t *testing.T) {
	book := func(name string, classes []pitwall.Bottleneck, kinds ...pitwall.ChangeKind) pitwall.Playbook {
		return pitwall.Playbook{Name: name, Match: pitwall.PlaybookMatch{Classes: classes, ChangeKinds: kinds}}
	}
	one := []pitwall.Bottleneck{pitwall.BottleneckCPU}
	two := []pitwall.Bottleneck{pitwall.BottleneckCPU, pitwall.BottleneckLock}
	books := []pitwall.Playbook{book("anything", nil), book("two", two), book("one", one), book("one-deploy", one, pitwall.ChangeDeploy), book("one-again", one)}
	got := names(Match(books, pitwall.Hypothesis{Class: pitwall.BottleneckCPU, Change: &pitwall.Change{Kind: pitwall.ChangeDeploy}}))
	if diff := cmp.Diff([]string{"one-deploy", "one", "one-again", "two", "anything"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// incident is the flagship: inventory v41 grew a payload, v40 stands by.
func incident() RenderInput {
	return RenderInput{
		Hypothesis: pitwall.Hypothesis{Class: pitwall.BottleneckPayload, Service: "inventory",
			Change: &pitwall.Change{ID: "d-7", Kind: pitwall.ChangeDeploy, Service: "inventory", Version: "v41", PreviousVersion: "v40"}},
		SLO: pitwall.SLO{Name: "checkout-latency", SLI: pitwall.SLI{Kind: pitwall.SLILatency, Service: "edge", Operation: "POST /checkout"}},
		Current: pitwall.TargetState{Service: "inventory", Weights: map[pitwall.Version]int{"v40": 0, "v41": 100, "v39": 0},
			Ready: map[pitwall.Version]bool{"v40": true, "v41": true}},
		Neighbours: []pitwall.OperationStats{{Service: "edge", Operation: "GET /catalog"}, {Service: "edge", Operation: "POST /checkout"}},
	}
}

func render(t *testing.T, in RenderInput) pitwall.Fix {
	t.Helper()
	fix, err := Render(Match(catalogue(t), in.Hypothesis)[0], in)
	if err != nil {
		t.Fatal(err)
	}
	return fix
}

func TestRender(t *testing.T) {
	in := incident()
	fix := render(t, in)
	undo := map[pitwall.Version]int{"v40": 0, "v41": 100, "v39": 0}
	weights := func(good int) map[pitwall.Version]int {
		return map[pitwall.Version]int{"v40": good, "v41": 100 - good}
	}
	checkpoint := "p99 latency proven better than on v41; not worse: error ratio, neighbour GET /catalog, neighbour GET /catalog errors"
	want := pitwall.Fix{
		Playbook: "rollback-payload", Title: "Roll inventory back from v41 to v40", Kind: "rollback", Service: "inventory", Good: "v40", Bad: "v41",
		Risk: pitwall.RiskLow, Expect: fix.Expect, Undo: fix.Undo, Enforce: []string{"response-size-gate", "payload-alert", "runbook"},
		Steps: []pitwall.Step{
			{ID: "canary-10", Title: "10 % of inventory on v40", Weights: weights(10), Undo: undo, Checkpoint: checkpoint, Judged: true},
			{ID: "canary-50", Title: "50 % of inventory on v40", Weights: weights(50), Undo: undo, Checkpoint: checkpoint, Judged: true},
			{ID: "all", Title: "all of inventory on v40", Weights: weights(100), Undo: undo, Checkpoint: "checkout-latency back inside its objective during the watch"},
		},
		Guardrails: []pitwall.Guardrail{
			{Name: "p99 latency", Service: "edge", Operation: "POST /checkout", Metric: "latency", Margin: 0.1, Goal: "better"},
			{Name: "error ratio", Service: "edge", Operation: "POST /checkout", Metric: "errors", Margin: 0.1, Goal: "not-worse"},
			{Name: "neighbour GET /catalog", Service: "edge", Operation: "GET /catalog", Metric: "latency", Margin: 0.1, Goal: "not-worse"},
			{Name: "neighbour GET /catalog errors", Service: "edge", Operation: "GET /catalog", Metric: "errors", Margin: 0.1, Goal: "not-worse"},
		},
	}
	if diff := cmp.Diff(want, fix); diff != "" {
		t.Errorf("fix (-want +got):\n%s", diff)
	}
	// Undo is a copy: the target's map may go on changing.
	in.Current.Weights["v41"] = 1
	if fix.Steps[0].Undo["v41"] != 100 || fix.Expect == "" || fix.Undo == "" {
		t.Errorf("undo moved with the target: %v", fix.Steps[0].Undo)
	}
}

func TestRenderWhatIsLeft(t *testing.T) {
	in := incident()
	in.Current.Weights = map[pitwall.Version]int{"v40": 10, "v41": 90}
	in.Margin = 0.25
	fix := render(t, in)
	if len(fix.Steps) != 2 || fix.Steps[0].ID != "canary-50" || fix.Steps[0].Undo["v40"] != 10 {
		t.Errorf("a tenth is back already; steps = %+v", fix.Steps)
	}
	if fix.Guardrails[0].Margin != 0.25 {
		t.Errorf("margin = %v", fix.Guardrails[0].Margin)
	}
	in.SLO.SLI.Kind = pitwall.SLIAvailability
	if g := render(t, in).Guardrails; g[0].Goal != "not-worse" || g[1].Goal != "better" {
		t.Errorf("errors burn, so errors must get better: %+v", g[:2])
	}
}

func TestRenderRefuses(t *testing.T) {
	f := func(want pitwall.Kind, cause string, change func(*RenderInput)) {
		t.Helper()
		in := incident()
		change(&in)
		_, err := Render(catalogue(t)[1], in)
		if pitwall.KindOf(err) != want || !strings.Contains(err.Error(), cause) {
			t.Errorf("%v, want %s: %s", err, want, cause)
		}
	}
	f(pitwall.Inconclusive, "nothing to roll back", func(in *RenderInput) { in.Hypothesis.Change = nil })
	f(pitwall.Inconclusive, "from which version", func(in *RenderInput) { in.Hypothesis.Change.PreviousVersion = "" })
	f(pitwall.Invalid, "to itself", func(in *RenderInput) { in.Hypothesis.Change.PreviousVersion = "v41" })
	f(pitwall.Invalid, "the observed target is payment", func(in *RenderInput) { in.Current.Service = "payment" })
	f(pitwall.NotFound, "does not know inventory v40", func(in *RenderInput) { delete(in.Current.Weights, "v40") })
	f(pitwall.Conflict, "not ready", func(in *RenderInput) { in.Current.Ready["v40"] = false })
	f(pitwall.Conflict, "on v40 already", func(in *RenderInput) { in.Current.Weights = map[pitwall.Version]int{"v40": 100} })
	f(pitwall.Conflict, "somebody else changes it", func(in *RenderInput) {
		in.Current.Weights = map[pitwall.Version]int{"v40": 0, "v41": 60, "v42": 40}
	})
	if _, err := Render(pitwall.Playbook{Action: "reboot"}, incident()); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("an unknown action: %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	good, err := os.ReadFile("../../playbooks/rollback-payload.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f := func(old, new, wantID, wantCause string) {
		t.Helper()
		text := strings.Replace(string(good), old, new, 1)
		if text == string(good) {
			t.Fatalf("%q is not in the file", old)
		}
		_, err := Load(fstest.MapFS{"x.yaml": {Data: []byte(text)}})
		var e *pitwall.Error
		if !errors.As(err, &e) || e.Kind != pitwall.Invalid || e.ID != wantID || !strings.Contains(e.Err.Error(), wantCause) {
			t.Errorf("%q:\n got %v\nwant %s %s", new, err, wantID, wantCause)
		}
	}
	f("risk: low", "rsk: low", "x.yaml:8", `did you mean "risk"?`)
	f("classes: [payload]", "clases: [payload]", "x.yaml:6", `did you mean "classes"?`)
	f("classes: [payload]", "classes: [paylod]", "x.yaml:5", `unknown "paylod": did you mean "payload"?`)
	f("classes: [payload]", "classes: []", "x.yaml:5", "match.classes is missing")
	f("[deploy]", "[deployment]", "x.yaml:5", `did you mean "deploy"?`)
	f("risk: low", "risk: tiny", "x.yaml:8", "known: low, medium, high")
	f("action: rollback-by-weights", "action: rollback", "x.yaml:11", `unknown "rollback"`)
	f("[10, 50, 100]", "[10, 50]", "x.yaml:12", "must rise from above 0 to 100")
	f("[10, 50, 100]", "[50, 10, 100]", "x.yaml:12", "must rise")
	f("[10, 50, 100]", "[50, 50, 100]", "x.yaml:12", "must rise")
	f("[10, 50, 100]", "[0, 100]", "x.yaml:12", "must rise")
	f("[10, 50, 100]", "[100, 200]", "x.yaml:12", "must rise")
	f("[10, 50, 100]", "[ten]", "x.yaml:12", "cannot unmarshal")
	f("[response-size-gate", "[response-size", "x.yaml:13", `did you mean "response-size-gate"?`)
	f("name: rollback-payload", "name: Roll back", "x.yaml:3", "must be words of small letters")
	f("undo: ", "# undo: ", "x.yaml:3", "undo is missing")
	f("runbook]", "runbook]\n---\nname: rollback-payload", "x.yaml:15", "title is missing")

	if _, err := Load(fstest.MapFS{}); pitwall.KindOf(err) != pitwall.NotFound {
		t.Errorf("an empty catalogue: %v", err)
	}
	twice := fstest.MapFS{"a.yaml": {Data: good}, "b.yaml": {Data: good}}
	if _, err := Load(twice); err == nil || !strings.Contains(err.Error(), "defined twice, first at a.yaml:3") {
		t.Errorf("the same playbook twice: %v", err)
	}
	for _, text := range []string{"", "- a\n", "just words", "a: b: c"} {
		if _, err := Load(fstest.MapFS{"x.yaml": {Data: []byte(text)}}); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}
