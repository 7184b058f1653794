package promql

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pitwall/pitwall"
)

func parse(t testing.TB, q string) Expr {
	t.Helper()
	e, err := Parse(q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return e
}

func TestParseNamesThePlace(t *testing.T) {
	f := func(query string, line, column int, text, hint string) {
		t.Helper()
		_, err := Parse(query)
		var at *SyntaxError
		if !errors.As(err, &at) || pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%q: want a syntax error, got %v", query, err)
			return
		}
		if at.Line != line || at.Column != column || !strings.Contains(at.Text, text) || !strings.Contains(pitwall.HintOf(err), hint) {
			t.Errorf("%q: %v (hint %q), want line %d, column %d, %q, hint %q", query, err, pitwall.HintOf(err), line, column, text, hint)
		}
	}
	f("", 1, 1, "empty", "sum(rate(")
	f(" \n ", 1, 1, "empty", "")
	f("sum(rate(x[5m])", 1, 16, "unclosed", "left open")
	f("sum(\n  rate(x))", 2, 8, "range vector", "rate(x[5m])")
	f("sum(x[5m])", 1, 5, "instant vector", "wrap")
	f("sum(\n  rat(x[5m]))", 2, 3, "unknown function", "")
	f("é{} + foo(x)", 1, 1, "", "") // whatever it is called, its place is counted in characters
	f(`"é" == bool foo(x)`, 1, 13, "unknown function", "")
	f("rate(x[{{.window}}]) + rate(x[{{.period}}])", 1, 31, "", "only [{{.window}}] is read")
	// The filled-in window must not move what follows it.
	f("rate(x[{{.window}}]) + foo(x)", 1, 24, "unknown function", "")
	f(strings.Repeat("(", 9000), 1, 1, "words and signs", "")
	f(strings.Repeat("(", 600)+"x"+strings.Repeat(")", 600), 1, 1, "nested deeper", "")
	f(strings.Repeat("a", maxQuery+1), 1, 1, "longer than", "")
}

func TestEqual(t *testing.T) {
	f := func(want bool, a, b string) {
		t.Helper()
		x, y := parse(t, a), parse(t, b)
		if Equal(x, y) != want || Equal(y, x) != want {
			t.Errorf("Equal(%s, %s): want %v", a, b, want)
		}
		if !Equal(x, x) {
			t.Errorf("%s differs from itself", a)
		}
	}
	f(true, `x{a="1",b="2"}`, `x{b="2", a="1"}`)
	f(true, `x{a="1"}`, `{__name__="x",a="1"}`)
	f(false, `x{a="1"}`, `x{a=~"1"}`)
	f(false, `x{a="1"}`, `x{a="1",b=""}`)
	f(true, `x > (14.4 * 0.0009999999999999432)`, `x > (14.4 * 0.001)`)
	f(true, `x > (14 * (1-0.9990000000000001))`, `x > 0.014`)
	f(false, `x > 0.014`, `x > 0.0140001`)
	f(true, `x * 1e3`, `x * 1000`)
	f(true, `x ^ NaN`, `x ^ NaN`)
	f(false, `x > +Inf`, `x > -Inf`)
	f(false, `x > 1e300`, `x > Inf`)
	f(true, `sum by (a, b) (x)`, `sum(x) by (b,a)`)
	f(false, `sum by (a) (x)`, `sum without (a) (x)`)
	f(false, `sum(x)`, `avg(x)`)
	f(true, `(((x)))`, `x`)
	f(true, `rate(x[1h])`, `rate(x[60m])`)
	f(false, `rate(x[1h])`, `rate(x[61m])`)
	f(false, `rate(x[1h])`, `increase(x[1h])`)
	f(false, `rate(x[1h] offset 5m)`, `rate(x[1h])`)
	f(false, `x @ 10`, `x @ 20`)
	f(false, `x @ start()`, `x @ end()`)
	f(true, `a * on(x,y) group_left(z) b`, `a * on(y,x) group_left(z) b`)
	f(false, `a + on(x) b`, `a + ignoring(x) b`)
	f(false, `a + b`, `b + a`)
	f(false, `a > bool 1`, `a > 1`)
	f(false, `max_over_time(x[1h:5m])`, `max_over_time(x[1h:1m])`)
	f(true, `label_replace(x,"a","$1","b","(.*)")`, `label_replace(x, "a", '$1', "b", "(.*)")`)
	f(false, `label_replace(x,"a","$1","b","(.*)")`, `label_replace(x,"a","$2","b","(.*)")`)
	f(false, `-x`, `x`)
	f(true, `topk(5, x)`, `topk(2+3, x)`)
	f(false, `rate(x[{{.window}}])`, `rate(x[5m])`)
	if Equal(Expr{}, parse(t, "x")) || !Equal(Expr{}, Expr{}) {
		t.Error("nothing equals only nothing")
	}
}

func TestSelectors(t *testing.T) {
	q := `sum(rate(http_total{code=~"5..",job="a"}[5m] offset 1h)) / sum(rate({__name__=~"x.*",z="1"}[{{.window}}]))`
	got := Selectors(parse(t, q))
	want := []Selector{
		{Metric: "http_total", Matchers: []Matcher{{"code", "=~", "5.."}, {"job", "=", "a"}}, Offset: time.Hour, Text: `http_total{code=~"5..",job="a"}`, At: 9},
		{Matchers: []Matcher{{"__name__", "=~", "x.*"}, {"z", "=", "1"}}, Text: `{__name__=~"x.*",z="1"}`, At: 68},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := Selectors(parse(t, `increase(up[90m])`)); len(got) != 1 || got[0].Range != 90*time.Minute || got[0].Text != "up" {
		t.Errorf("got %+v", got)
	}
	if got := Selectors(parse(t, `vector(1)`)); got != nil {
		t.Errorf("vector(1) selects %v", got)
	}
}

func TestWindow(t *testing.T) {
	f := func(query string, d time.Duration, want string) {
		t.Helper()
		if got := WithWindow(query, d); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(`rate(x[{{.window}}]) / rate(y[{{ .window }}])`, 90*time.Minute, `rate(x[1h30m]) / rate(y[1h30m])`)
	f(`rate(x[5m])`, time.Hour, `rate(x[5m])`)
	f(`{{.other}}`, time.Hour, `{{.other}}`)
	e := parse(t, `rate(x[{{.window}}])`)
	if !e.Windowed() || e.Text() != `rate(x[{{.window}}])` || e.String() != `rate(x[5m])` {
		t.Errorf("got %v %q %q", e.Windowed(), e.Text(), e.String())
	}
}

func TestDuration(t *testing.T) {
	f := func(d time.Duration, want string) {
		t.Helper()
		if got := Duration(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
	const day = 24 * time.Hour
	f(0, "0s")
	f(5*time.Minute, "5m")
	f(30*day, "30d")
	f(28*day, "4w")
	f(365*day, "1y")
	f(25*time.Hour, "1d1h")
	f(64*time.Minute, "1h4m")
	f(1500*time.Millisecond, "1s500ms")
	f(-time.Minute, "-1m")
}

func FuzzParse(f *testing.F) {
	for _, q := range []string{`sum(rate(x{a="b"}[5m])) / sum(rate(x[{{.window}}]))`, `x @ start() offset -5m`, `((((`, `{{.window}}`, `histogram_fraction(0, 0.25, rate(x[5m])) or vector(0)`, `"\xff"`} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		e, err := Parse(q)
		if err != nil {
			var at *SyntaxError
			if !errors.As(err, &at) || at.Line < 1 || at.Column < 1 {
				t.Fatalf("%q: %v", q, err)
			}
			return
		}
		Selectors(e)
		if e.Windowed() || strings.Contains(q, "#") {
			return
		}
		again, err := Parse(e.String())
		if err != nil {
			t.Skip() // the parser's own printing is not always readable, see its issues
		}
		if !Equal(e, again) {
			t.Errorf("%q and %q differ", q, e.String())
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := Parse(`sum(rate(http_request_duration_seconds_count{job="myservice",code=~"(5..|429)"}[{{.window}}]))`); err != nil {
			b.Fatal(err)
		}
	}
}
