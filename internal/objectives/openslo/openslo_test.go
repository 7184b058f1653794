package openslo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
)

const good = `apiVersion: openslo/v1
kind: SLO
metadata:
  name: web-up
spec:
  service: web
  indicator:
    metadata: {name: i}
    spec:
      thresholdMetric: {metricSource: {type: Prometheus, spec: {query: up}}}
  timeWindow:
    - {duration: 30d, isRolling: true}
  budgetingMethod: Occurrences
  objectives:
    - {op: gte, value: 1, target: 0.99}
`

// TestGrades edits one thing of a good document: who refuses it, where, and what
// is said.
func TestGrades(t *testing.T) {
	f := func(old, new string, g Grade, line int, path, words string) {
		t.Helper()
		text := strings.Replace(good, old, new, 1)
		if text == good {
			t.Fatalf("%q is not in the document", old)
		}
		_, faults, err := Read("x.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range faults {
			if fault.Grade == g && fault.Line == line && fault.Path == path && strings.Contains(fault.Text+" | "+fault.Hint, words) {
				return
			}
		}
		t.Errorf("%q: want %s in line %d at %s: %s\ngot %v", new, g, line, path, words, faults)
	}
	f("duration", "durration", Undecodable, 12, "spec.timeWindow[0].durration", `did you mean "duration"?`)
	f("30d", "30", Undecodable, 12, "spec.timeWindow[0].duration", "quotes")
	f("30d", "soon", Undecodable, 12, "spec.timeWindow[0].duration", "M (months)")
	f("30d", "30x", Invalid, 12, "spec.timeWindow[0].duration", "not a duration")
	f("30d", "-3d", Invalid, 12, "spec.timeWindow[0].duration", "not a duration")
	f("name: web-up", "name: 42", Undecodable, 4, "metadata.name", `"42"`)
	f("name: web-up", "name: Web up", Invalid, 4, "metadata.name", "write it like web-up")
	f("{name: i}", "{name: I i}", Tolerated, 8, "spec.indicator.metadata.name", "write it like i-i")
	f("metadata: {name: i}\n    ", "", Tolerated, 8, "spec.indicator.metadata", "metadata is missing")
	f("name: web-up", "name: web-up\n  displayName: "+strings.Repeat("ä", 64), Tolerated, 5, "metadata.displayName", "64 characters are more than 63")
	f("name: web-up", "name: web-up\n  labels: {a: [x, 1]}", Undecodable, 5, "metadata.labels.a[1]", "expected text")
	f("name: web-up", "name: web-up\n  labels: {-a: x}", Tolerated, 5, "metadata.labels.-a", "letters, digits")
	f("name: web-up", "name: web-up\n  annotations: {a: [x]}", Undecodable, 5, "metadata.annotations.a", "expected text")
	f("  budgetingMethod: Occurrences\n", "", Tolerated, 6, "spec.budgetingMethod", "missing")
	f("Occurrences", "Occurences", Invalid, 13, "spec.budgetingMethod", `did you mean "Occurrences"?`)
	f("Occurrences", "RatioTimeslices", Invalid, 15, "spec.objectives[0].timeSliceWindow", "missing")
	f("isRolling: true", "isRolling: false", Invalid, 12, "spec.timeWindow[0]", "calendar is missing")
	f("target: 0.99", "target: 0", Stricter, 15, "spec.objectives[0].target", "asks for nothing")
	f("target: 0.99", "targetPercent: 0.99, target: 0.99", Invalid, 15, "spec.objectives[0]", "both target and targetPercent")
	f("target: 0.99", "targetPercent: 100", Invalid, 15, "spec.objectives[0].targetPercent", "leaves no budget")
	f("op: gte, ", "", Invalid, 15, "spec.objectives[0].op", "threshold metric needs it")
	f("op: gte", "op: ge", Invalid, 15, "spec.objectives[0].op", `did you mean "gt"?`)
	f("    - {op: gte, value: 1, target: 0.99}", "    []", Stricter, 15, "spec.objectives", "empty")
	f("service: web", "service: web\n  service: web", Stricter, 7, "spec.service", "written twice, first in line 6")
	f("name: web-up", "name: &a web-up\n  displayName: *a", Stricter, 5, "metadata.displayName", "aliases")
	f("spec: {query: up}", "spec: {}", Tolerated, 10, "spec.indicator.spec.thresholdMetric.metricSource.spec", "empty")
	f("thresholdMetric: {", "ratioMetric: {rawType: good, raw: {metricSource: {spec: {a: b}}}}\n      thresholdMetric: {", Invalid, 10, "spec.indicator.spec.ratioMetric.rawType", "success, failure")
	f("indicator:\n", "indicatorRef: a\n  indicator:\n", Invalid, 6, "spec", "both indicator and indicatorRef")
	f("kind: SLO", "kind: Slo", Undecodable, 2, "kind", `did you mean "SLO"?`)
	f("openslo/v1", "openslo/v2", Undecodable, 1, "apiVersion", "openslo.com/v2alpha")
}

// TestGoodIsGood guards the other tests.
func TestGoodIsGood(t *testing.T) {
	objects, faults, err := Read("x.yaml", []byte(good))
	if err != nil || len(faults) != 0 || len(objects) != 1 {
		t.Fatalf("%v %v", faults, err)
	}
	if o := objects[0]; o.Name != "web-up" || o.String() != `SLO "web-up"` || o.Spec().Get("objectives").Items()[0].Get("target").Line() != 15 {
		t.Errorf("%+v", o)
	}
}

// TestJSONIsRead: tabs, escapes and lines, as YAML readers do not manage.
func TestJSONIsRead(t *testing.T) {
	objects, faults, err := Read("x.json", []byte("[\n\t{\"apiVersion\": \"openslo/v1\",\n\t\t\"kind\": \"Service\", \"metadata\":\n\t\t{\"name\": \"a\", \"displayName\": \"\\ud83d\\ude00\\/\", \"size\": 3}}]"))
	if err != nil || len(objects) != 1 || len(faults) != 1 {
		t.Fatalf("%v %v", faults, err)
	}
	if f := faults[0]; f.Line != 4 || f.Path != "metadata.size" {
		t.Errorf("%+v", f)
	}
	if got := objects[0].Root().Get("metadata", "displayName").Text(); got != "\U0001F600/" {
		t.Errorf("%q", got)
	}
	deep := strings.Repeat("[", 500) + strings.Repeat("]", 500)
	if _, _, err := Read("x.json", []byte(deep)); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("deep JSON: %v", err)
	}
}

func TestUpgradeKeepsMeaning(t *testing.T) {
	objects, _, err := readFile(t, "sloth/examples/openslo-kubernetes-apiserver.yml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range objects {
		list, warnings := Upgrade(o)
		if len(warnings) != 1 {
			t.Errorf("%s: %q", o, warnings)
		}
		for _, u := range list {
			names = append(names, u.Name)
			n := u.Root().Node()
			set(n, "zz", nil)
			again, faults := Check("x", 0, n)
			if len(faults) != 0 || again.Version != V1 {
				t.Errorf("%s: %v", u, faults)
			}
			if u.Spec().Get("timeWindow").Items()[0].Get("duration").Text() != "30d" {
				t.Errorf("%s has another window", u)
			}
		}
	}
	if got := strings.Join(names, " "); got != "requests-availability-openslo requests-latency-openslo-0 requests-latency-openslo-1" {
		t.Error(got)
	}
	objects, _, err = readFile(t, "openslo-go-sdk/v2alpha/examples/slis.yaml")
	if err != nil {
		t.Fatal(err)
	}
	u, _ := Upgrade(objects[4])
	if got := u[0].Spec().Get("thresholdMetric", "metricSource", "type").Text(); got != "Prometheus" {
		t.Errorf("type %q", got)
	}
}

func TestSlug(t *testing.T) {
	for in, want := range map[string]string{"Good experience": "good-experience", "--A__b--": "a-b", "ä": "", "99.9 %": "99-9", strings.Repeat("a", 80): strings.Repeat("a", 63)} {
		if got := Slug(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(reference, "*", "*", "*.*"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(data)
		}
	}
	f.Add([]byte(good))
	f.Add([]byte("- &a [*a]\n"))
	f.Add([]byte("{\"apiVersion\":\"openslo/v1\",\"kind\":\"SLO\",\"spec\":[{}]}"))
	f.Add([]byte("apiVersion: openslo/v1\nkind: AlertPolicy\nmetadata: {name: a}\nspec: {conditions: [{conditionRef: a}, 3, {kind: {}}]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		objects, faults, err := Read("x", data)
		if err != nil && pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("kind of %v", err)
		}
		for _, fault := range faults {
			if fault.Text == "" || fault.Hint == "" || fault.Grade == "" || fault.Line < 0 {
				t.Errorf("a fault without words: %+v", fault)
			}
		}
		if len(faults) > 0 || err != nil {
			return
		}
		_, _ = Inline(objects, AllReferences()) // may fail, must not break
		text, err := Format(Export(objects, AllReferences()))
		if err != nil {
			t.Errorf("formatting: %v", err)
		}
		if _, more, err := Read("x", text); err != nil || Verdict(more) == string(Undecodable) {
			t.Errorf("%v %v in\n%s", more, err, text)
		}
		for _, o := range objects {
			Upgrade(o)
		}
	})
}
