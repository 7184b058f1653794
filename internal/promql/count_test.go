package promql

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

// terms words the terms of a count: coefficient, reading and what is read.
func terms(list []Term) string {
	var words []string
	for _, t := range list {
		what := t.Selector
		if t.Wrap != "" {
			what = fmt.Sprintf(t.Wrap, t.Selector)
		}
		words = append(words, fmt.Sprintf("%g %s %s", t.Coefficient, t.Reading, what))
	}
	return strings.Join(words, " | ")
}

func TestCompileCount(t *testing.T) {
	f := func(query, want string) {
		t.Helper()
		c, err := CompileCount(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			return
		}
		if got := terms(c.Terms); got != want {
			t.Errorf("%s\n gives %s\n want  %s", query, got, want)
		}
	}
	f(`errors_total`, `1 increase errors_total`)
	f(`errors_total{b="2",a!="1"}`, `1 increase errors_total{a!="1",b="2"}`)
	f(`sum(rate(errors_total[5m]))`, `1 increase errors_total`)
	f(`sum by (job, code) (increase(errors_total{code=~"5.."}[{{.window}}]))`, `1 increase errors_total{code=~"5.."}`)
	f(`sum without (pod) (irate(errors_total[1h]))`, `1 increase errors_total`)
	f(`sum(rate(a[5m])) - sum(rate(b[1h]))`, `1 increase a | -1 increase b`)
	f(`-(sum(increase(a[5m])) - 2 * (b / 4))`, `-1 increase a | 0.5 increase b`)
	f(`sum(rate(a[5m])) or vector(0)`, `1 increase a`)
	f(`sum(rate(a[5m])) or on() vector(0)`, `1 increase a`)
	f(`sum(rate(a[5m])) or 0 * sum(rate(b[5m]))`, `1 increase a`)
	f(`(sum(rate(a[5m])) or vector(0)) + (sum(rate(b[5m])) or vector(0))`, `1 increase a | 1 increase b`)
	f(`sum(rate(a[5m])) > 0`, `1 increase a`)
	f(`clamp_min(sum(a) - sum(b), 0)`, `1 increase a | -1 increase b`)
	f(`a + a`, `2 increase a`)
	f(`a + b - b`, `1 increase a`)
	f(`a + 0`, `1 increase a`)
	f(`label_replace(rate(a[5m]), "x", "$1", "y", "(.*)")`, `1 increase a`)
	f(`http_request_duration_seconds_count - ignoring(le) http_request_duration_seconds_bucket{le="0.5"}`,
		`1 increase http_request_duration_seconds_count | -1 increase http_request_duration_seconds_bucket{le="0.5"}`)
	f(`sum(sum_over_time(probe_success[5m]))`, `1 sum probe_success`)
	f(`count_over_time(probe_success[5m])`, `1 number probe_success`)
	f(`{"my.metric", code="500"}`, `1 increase {__name__="my.metric",code="500"}`)
	f(`sum(histogram_count(rate(h[5m])))`, `1 increase histogram_count(h)`)
	f(`histogram_fraction(0, 0.5, sum(rate(h[5m]))) * histogram_count(sum(rate(h[5m])))`,
		`1 increase histogram_fraction(0, 0.5, h) * histogram_count(h)`)
	f(`histogram_count(rate(h[5m])) * histogram_fraction(-Inf, 0.5, rate(h[5m]))`,
		`1 increase histogram_fraction(-Inf, 0.5, h) * histogram_count(h)`)
	f("sum(\n  rate(a[5m])\n) / 60", `0.016666666666666666 increase a`)
}

func TestCompileCountRefuses(t *testing.T) {
	f := func(query string, line, column int, words string) {
		t.Helper()
		_, err := CompileCount(query)
		var at *SyntaxError
		if pitwall.KindOf(err) != pitwall.Invalid || !errors.As(err, &at) || !strings.Contains(at.Text, words) || pitwall.HintOf(err) == "" {
			t.Errorf("%s: %v (hint %q), want %q", query, err, pitwall.HintOf(err), words)
			return
		}
		if at.Line != line || at.Column != column {
			t.Errorf("%s: at %d:%d, want %d:%d", query, at.Line, at.Column, line, column)
		}
	}
	f(`max(rate(a[5m]))`, 1, 1, "max")
	f(`sum(rate(a[5m])) + avg(rate(b[5m]))`, 1, 20, "avg")
	f("sum(a)\n  + count(b)", 2, 5, "count")
	f(`rate(a[5m]) * rate(b[5m])`, 1, 1, "product")
	f(`sum(a) / sum(b)`, 1, 1, "quotient")
	f(`a / 0`, 1, 1, "quotient")
	f(`a * on(job) group_left() b`, 1, 1, "group_left")
	f(`a > 5`, 1, 1, ">")
	f(`a > bool 0`, 1, 1, ">")
	f(`a unless b`, 1, 1, "unless")
	f(`a or b`, 1, 1, "or")
	f(`a + 1`, 1, 5, "number")
	f(`vector(1)`, 1, 8, "number")
	f(`vector(0)`, 1, 1, "nothing")
	f(`a - a`, 1, 1, "nothing")
	f(`rate(a[5m] offset 1h)`, 1, 6, "offset")
	f(`a @ 0`, 1, 1, "@")
	f(`sum(rate(a[5m])) + sum(increase(b[5m]))`, 1, 1, "per second")
	f(`increase(sum(a)[5m:1m])`, 1, 10, "subquery")
	f(`delta(a[5m])`, 1, 1, "delta")
	f(`histogram_count(rate(h_bucket[5m]))`, 1, 22, "classic")
	f(`histogram_fraction(0, 1, rate(h[5m])) * histogram_count(rate(g[5m]))`, 1, 1, "product")
	f(`sum(rate(a[5m])`, 1, 16, "")
	f(``, 1, 1, "empty")
}

func TestCompileRatio(t *testing.T) {
	f := func(query, part, whole string) {
		t.Helper()
		a, b, err := CompileRatio(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			return
		}
		if terms(a.Terms) != part || terms(b.Terms) != whole {
			t.Errorf("%s\n gives %s OF %s\n want  %s OF %s", query, terms(a.Terms), terms(b.Terms), part, whole)
		}
	}
	const a, b = `1 increase a`, `1 increase b`
	f(`sum(rate(a[5m])) / sum(rate(b[5m]))`, a, b)
	f(`sum by (job) (increase(a[5m])) / sum by (job) (increase(b[5m]))`, a, b)
	f(`1 - sum(rate(a[5m])) / sum(rate(b[5m]))`, `1 increase b | -1 increase a`, b)
	f(`1 - (sum(rate(b[5m])) - sum(rate(a[5m]))) / sum(rate(b[5m]))`, a, b)
	f(`sum(rate(a[5m])) / (sum(rate(b[5m])) > 0) or vector(0)`, a, b)
	f(`clamp_max(sum(rate(a[5m])) / sum(rate(b[5m])), 1)`, a, b)
	f(`histogram_fraction(0, 0.3, sum(rate(h[5m])))`, `1 increase histogram_fraction(0, 0.3, h) * histogram_count(h)`, `1 increase histogram_count(h)`)
	f(`avg_over_time(probe_success[5m])`, `1 sum probe_success`, `1 number probe_success`)
	f(`sum(sum_over_time(up[5m])) / sum(count_over_time(up[5m]))`, `1 sum up`, `1 number up`)
	no := func(query, words string) {
		t.Helper()
		if _, _, err := CompileRatio(query); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want %q", query, err, words)
		}
	}
	no(`used_bytes / limit_bytes`, "not known to be counters")
	no(`sum(rate(a[5m])) / sum(increase(b[5m]))`, "different units")
	no(`sum(increase(a[5m])) / sum(increase(b[1h]))`, "different units")
	no(`100 * sum(rate(a[5m])) / sum(rate(b[5m]))`, "percentage")
	no(`100 * (sum(rate(a[5m])) / sum(rate(b[5m])))`, "share from 0 to 1")
	no(`max(rate(a[5m])) / sum(rate(b[5m]))`, "max")
	no(`sum(rate(a[5m]))`, "no quotient")
	no(`rate(a[5m]) / on(job) group_left rate(b[5m])`, "group_left")
	no(`sum(rate(a[5m])) / (sum(rate(b[5m])) - sum(rate(b[5m])))`, "below the stroke")
}

func TestCompilePlans(t *testing.T) {
	f := func(q pitwall.SLIQuery, want string) {
		t.Helper()
		p, err := Compile(q, time.Minute)
		if err != nil {
			t.Errorf("%+v: %v", q, err)
			return
		}
		if d := cmp.Diff(want, p.String()); d != "" {
			t.Errorf("%+v (-want +got):\n%s", q, d)
		}
	}
	const by = " (sample by sample; nothing is extrapolated)"
	f(pitwall.SLIQuery{Bad: `sum(rate(e[5m]))`, Total: `sum(rate(n[5m]))`}, `bad = increase of e; total = increase of n`+by)
	f(pitwall.SLIQuery{Good: `g`, Total: `n`}, `bad = increase of n − increase of g; total = increase of n`+by)
	f(pitwall.SLIQuery{Good: `g`, Bad: `b`}, `bad = increase of b; total = increase of g + increase of b`+by)
	f(pitwall.SLIQuery{Good: `n - b`, Total: `n`}, `bad = increase of b; total = increase of n`+by)
	f(pitwall.SLIQuery{Ratio: `sum(rate(g[5m])) / sum(rate(n[5m]))`}, `bad = increase of n − increase of g; total = increase of n`+by)
	f(pitwall.SLIQuery{Ratio: `sum(rate(b[5m])) / sum(rate(n[5m]))`, RatioOfBad: true}, `bad = increase of b; total = increase of n`+by)
	f(pitwall.SLIQuery{Value: `probe_success`, Op: pitwall.GreaterEqual, Limit: 1}, `events = probe_success; good: >= 1`+by)
	f(pitwall.SLIQuery{Value: `time() - last_run_seconds`, Op: pitwall.Less, Limit: 600},
		`events = time() - last_run_seconds; good: < 600 (the expression is evaluated at each step; what it was in between is not seen)`)
	f(pitwall.SLIQuery{Ratio: `used / size`, RatioOfBad: true},
		`share of bad events = used / size (every step weighs the same, 1000 events: line 1, column 1: the parts of the quotient come in different units or are not known to be counters)`)
	f(pitwall.SLIQuery{Bad: `max(rate(e[{{.window}}]))`, Total: `sum(rate(n[{{.window}}]))`},
		`bad = 60 × sum of max(rate(e[5m])); total = 60 × sum of sum(rate(n[5m])) (it is evaluated at each step, not counted: line 1, column 1: max keeps less than all events of its series)`)
	f(pitwall.SLIQuery{Good: `avg(increase(g[10m]))`, Total: `avg(increase(n[10m]))`},
		`bad = − 0.1 × sum of avg(increase(g[10m])) + 0.1 × sum of avg(increase(n[10m])); total = 0.1 × sum of avg(increase(n[10m])) (it is evaluated at each step, not counted: line 1, column 1: avg keeps less than all events of its series)`)
	for _, q := range []pitwall.SLIQuery{
		{}, {Good: "a"}, {Good: "a", Bad: "b", Total: "c"}, {Ratio: "a", Value: "b", Op: pitwall.Less}, {Value: "a"},
		{Good: "a(", Total: "b"}, {Ratio: "a /"}, {Value: "a[", Op: pitwall.Less},
		{Bad: `max(rate(a[5m]) + increase(a[5m]))`, Total: "b"},
	} {
		if _, err := Compile(q, time.Minute); pitwall.KindOf(err) != pitwall.Invalid || pitwall.HintOf(err) == "" {
			t.Errorf("%+v: %v, want it refused with a hint", q, err)
		}
	}
}

// FuzzCompile: whatever the query, there is a plan or a refusal with a hint.
func FuzzCompile(f *testing.F) {
	for _, q := range []string{`sum(rate(a[5m])) - b / 2`, `histogram_fraction(0, 1, h) * histogram_count(h)`, `1 - a / b`, `a or vector(0)`, `((((`,
		`clamp(avg_over_time(a[5m]), 0, 1)`, `a{b="\xff"}`, `-(-(a))`, `a * 1e308 * 1e308`, `a * NaN`} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, q := range []pitwall.SLIQuery{{Bad: query, Total: "b"}, {Ratio: query}, {Value: query, Op: pitwall.Less}} {
			p, err := Compile(q, time.Minute)
			if err != nil {
				if pitwall.KindOf(err) != pitwall.Invalid {
					t.Errorf("%q: %v", query, err)
				}
				continue
			}
			for _, s := range p.Sources {
				if (s.Selector == "") == (s.Query == "") || !finite(s.Bad) || !finite(s.Total) {
					t.Errorf("%q: %+v", query, s)
				}
				if _, err := Parse(s.what()); err != nil {
					t.Errorf("%q asks for %q: %v", query, s.what(), err)
				}
			}
			_ = p.String()
		}
	})
}
