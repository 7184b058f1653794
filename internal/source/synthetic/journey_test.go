package synthetic

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func TestParse(t *testing.T) {
	data, err := os.ReadFile("testdata/checkout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	list, err := Parse("checkout.yaml", append(data, "---\njourney: other\nservice: auth\nsteps: [{name: a, head: http://a}]\n"...))
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	j, other := list[0], list[1]
	if j.Name != "checkout" || j.Service != "edge" || j.Every != 30*time.Second || j.Timeout != 10*time.Second || len(j.steps) != 2 {
		t.Errorf("%+v", j)
	}
	if e := j.steps[0].expect; e.within != 800*time.Millisecond || e.maxBytes != 65536 || e.certificate != 14*24*time.Hour || len(e.json) != 4 || len(e.lacks) != 2 {
		t.Errorf("%+v", e)
	}
	if s := j.steps[1]; s.method != "POST" || strings.Join(s.expect.status, " ") != "200 201" || s.redirects != defaultHops {
		t.Errorf("%+v", s)
	}
	if other.Every != time.Minute || other.Timeout != 10*time.Second || other.steps[0].expect.status[0] != "2xx" || other.steps[0].expect.maxBytes != bodyMost {
		t.Errorf("defaults: %+v", other)
	}
}

func TestParseRefusals(t *testing.T) {
	f := func(id, words, text string) {
		t.Helper()
		_, err := Parse("j.yaml", []byte(text))
		var e *pitwall.Error
		if !errors.As(err, &e) || e.Kind != pitwall.Invalid || e.ID != id || e.Hint == "" || !strings.Contains(e.Err.Error(), words) {
			t.Errorf("%s\n got %v\nwant %s: %s", text, err, id, words)
		}
	}
	const head = "journey: j\nservice: s\n"
	step := func(more string) string { return head + "steps:\n  - name: a\n    get: http://a/\n" + more }
	f("j.yaml", "no journey", "# nothing\n")
	f("j.yaml:1", "is no name", "service: s\nsteps: []\n")
	f("j.yaml:1", "service is missing", "journey: j\nsteps: []\n")
	f("j.yaml:1", "0 steps", head)
	f("j.yaml:4", "runs would overlap", head+"every: 5s\ntimeout: 6s\nsteps: []\n")
	f("j.yaml:3", "no time", head+"timeout: 0s\nsteps: []\n")
	f("j.yaml:3", "too often", head+"every: 10ms\nsteps: []\n")
	f("j.yaml:3", `"soon" is not a duration`, head+"every: soon\n")
	f("j.yaml:3", `did you mean "steps"`, head+"step: []\n")
	f("j.yaml:6", `did you mean "expect"`, step("    exepct: {}\n"))
	f("j.yaml:4", "makes no request", head+"steps:\n  - name: a\n")
	f("j.yaml:4", "makes two requests", step("    post: http://b/\n"))
	f("j.yaml:6", "is there twice", step("  - {name: a, get: http://a/}\n"))
	f("j.yaml:4", "name is missing", head+"steps:\n  - get: http://a/\n")
	f("j.yaml:4", "no http or https address", head+"steps:\n  - {name: a, get: 'ftp://a/'}\n")
	f("j.yaml:4", "no http or https address", head+"steps:\n  - {name: a, get: /relative}\n")
	f("j.yaml:5", `${bsae} is known neither as a variable nor from an earlier step: did you mean "base"?`,
		head+"vars: {base: http://a}\nsteps:\n  - {name: a, get: '${bsae}/'}\n")
	f("j.yaml:4", "${later} is known neither", step("    headers: {x: '${later}'}\n    save: {later: json:$.x}\n")) // saved after it is needed
	f("j.yaml:4", "cannot be the name of a secret", step("    headers: {x: '${secret:../etc}'}\n"))
	f("j.yaml:3", "plain name with a plain value", head+"vars: {base: '${x}'}\nsteps:\n  - {name: a, get: http://a/}\n")
	f("j.yaml:4", "a body and a form", step("    body: x\n    form: {a: b}\n"))
	f("j.yaml:4", "redirects 21", step("    redirects: 21\n"))
	f("j.yaml:4", `status "abc"`, step("    expect: {status: abc}\n"))
	f("j.yaml:4", "neither a text nor a list", step("    expect: {status: {a: 1}}\n"))
	f("j.yaml:4", "does not begin with $", step("    expect: {json: {items: 1}}\n"))
	f("j.yaml:4", "is not understood", step("    expect: {json: {'$.a[x]': 1}}\n"))
	f("j.yaml:4", `"many" is not a number`, step("    expect: {json: {$.a: '> many'}}\n"))
	f("j.yaml:4", "max_bytes -1", step("    expect: {max_bytes: -1}\n"))
	f("j.yaml:4", "neither json:$.path nor header:Name", step("    save: {a: cookie:x}\n"))
}

func TestConditions(t *testing.T) {
	doc, err := readJSON([]byte(`{"n": 3, "s": "paid", "b": true, "z": null, "list": [1, "two", {"k": "v"}], "o": {"odd key": 1}, "big": 12345678901234567890, "length": "own"}`))
	if err != nil {
		t.Fatal(err)
	}
	f := func(want bool, path string, cond any) {
		t.Helper()
		p, err := parsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseCondition(cond)
		if err != nil {
			t.Fatal(err)
		}
		if got, found := lookUp(doc, p); c.holds(got, found) != want {
			t.Errorf("%s %v of %v (%v): want %v", path, cond, got, found, want)
		}
	}
	f(true, "$.n", 3)
	f(true, "$.n", 3.0)
	f(true, "$.n", "== 3")
	f(true, "$.n", ">= 3")
	f(false, "$.n", "> 3")
	f(true, "$.n", "< 4")
	f(true, "$.n", "<= 3")
	f(true, "$.n", "!= 4")
	f(false, "$.n", "!= 3.0")
	f(true, "$.s", "paid")
	f(false, "$.s", "unpaid")
	f(false, "$.s", "> 1") // no number is not greater
	f(false, "$.s", "<= 1")
	f(true, "$.s", "contains ai")
	f(true, "$.s.length", 4)
	f(true, "$.b", true)
	f(false, "$.b", false)
	f(true, "$.z", nil)
	f(true, "$.z", "exists")
	f(true, "$.list.length", ">= 3")
	f(true, "$.list[0]", 1)
	f(true, "$.list[-1].k", "v")
	f(false, "$.list[3]", "exists")
	f(true, "$.list[-4]", "absent")
	f(true, `$.o["odd key"]`, 1)
	f(true, "$.o.length", 1)
	f(true, "$.length", "own") // a field of that name comes first
	f(true, "$.big", "12345678901234567890")
	f(true, "$.none", "absent")
	f(false, "$.none", "!= 1") // nothing satisfies nothing
	f(false, "$.n.deeper", "exists")
	f(true, "$", "contains paid")
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/checkout.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse("f.yaml", []byte(text))
		if err != nil && pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%v", err)
		}
		for _, j := range list {
			if j.Timeout <= 0 || j.Timeout > j.Every || len(j.steps) == 0 {
				t.Errorf("took %+v", j)
			}
		}
	})
}

// FuzzAnswer reads whatever a service may answer.
func FuzzAnswer(f *testing.F) {
	f.Add(`{"token":"0123456789","items":[{"sku":"SKU-1"}]}`, "$.items[0].sku", "contains SKU")
	f.Fuzz(func(t *testing.T, body, path, cond string) {
		if _, err := parsePath(path); err != nil {
			return
		}
		e, err := buildExpect(expectFile{JSON: map[string]any{path: cond}, BodyContains: cond})
		if err != nil {
			return
		}
		w := newWords(nil, nil)
		for _, failure := range e.check(answerSeen{status: 200, body: []byte(body)}) {
			if got := w.show(failure.Got); len(got) > shownMost+len("…") {
				t.Errorf("shown %d bytes", len(got))
			}
		}
		if v, ok := saved("json:"+path, nil, []byte(body)); ok && len(v) >= hiddenFrom {
			w.keep("v", v)
			if shown := w.show("x" + v + "y"); strings.Contains(shown, v) && !strings.Contains("${v}", v) {
				t.Errorf("%q is shown in %q", v, shown)
			}
		}
	})
}
