package promql

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// row is one series: seconds after noon and values, in pairs.
func row(name, labels string, pairs ...float64) pitwall.Series {
	s := pitwall.Series{Labels: map[string]string{"__name__": name}}
	for _, kv := range strings.Fields(labels) {
		k, v, _ := strings.Cut(kv, "=")
		s.Labels[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		s.T, s.V = append(s.T, noon.Add(time.Duration(pairs[i]*float64(time.Second))).UnixMilli()), append(s.V, pairs[i+1])
	}
	return s
}

// shelf gives the samples of series by metric name.
type shelf []pitwall.Series

func (h shelf) answer(n Need) (list []pitwall.Series) {
	for _, s := range h {
		if name, _, _ := strings.Cut(n.Selector, "{"); s.Labels["__name__"] != name {
			continue
		}
		one := pitwall.Series{Labels: s.Labels}
		for i, t := range s.T {
			if t > n.Period.From.UnixMilli() && t <= n.Period.To.UnixMilli() {
				one.T, one.V = append(one.T, t), append(one.V, s.V[i])
			}
		}
		if len(one.T) > 0 {
			list = append(list, one)
		}
	}
	return list
}

// earlier plays the store: the last value before from of the series it is asked for.
func (h shelf) earlier(queries []string, from time.Time) (list []pitwall.Series) {
	for _, s := range h {
		i, _ := slices.BinarySearch(s.T, from.UnixMilli()+1)
		asked := slices.ContainsFunc(queries, func(q string) bool {
			for k, v := range s.Labels {
				if !strings.Contains(q, fmt.Sprintf("%s=%q", k, v)) {
					return false
				}
			}
			return true
		})
		if asked && i > 0 {
			list = append(list, pitwall.Series{Labels: s.Labels, T: s.T[i-1 : i], V: s.V[i-1 : i]})
		}
	}
	return list
}

// count counts from … to seconds after noon in stretches of so many steps.
func (h shelf) count(t *testing.T, m *Meter, from, to, stretch int) []pitwall.LedgerStep {
	t.Helper()
	var out []pitwall.LedgerStep
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	for a := from; a < to; a += stretch {
		p := pitwall.Period{From: at(a), To: at(min(a+stretch, to))}
		var answers [][]pitwall.Series
		for _, n := range m.Needs(p) {
			answers = append(answers, h.answer(n))
		}
		l := m.Look(p, answers)
		l.Recall(h.earlier(l.Earlier(time.Hour*24), p.From))
		out = append(out, l.Counts("o")...)
		l.Keep()
	}
	return out
}

func meterOf(t *testing.T, q pitwall.SLIQuery) *Meter {
	t.Helper()
	p, err := Compile(q, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return NewMeter(p, time.Minute, 10*time.Minute)
}

// words writes steps as minute:bad/total.
func words(list []pitwall.LedgerStep) string {
	var out []string
	for _, s := range list {
		out = append(out, fmt.Sprintf("%d:%d/%d", (s.Start-noon.Unix())/60, s.Counts.Bad, s.Counts.Total()))
	}
	return strings.Join(out, " ")
}

func TestIncrements(t *testing.T) {
	const a, b = "job=j instance=a", "job=j instance=b"
	events := pitwall.SLIQuery{Bad: "e", Total: "n"}
	f := func(what string, q pitwall.SLIQuery, h shelf, want string) {
		t.Helper()
		for _, stretch := range []int{60, 120, 240} { // in however many pieces it is counted
			if got := words(h.count(t, meterOf(t, q), 0, 240, stretch)); got != want {
				t.Errorf("%s, in stretches of %d s:\n got  %s\n want %s", what, stretch, got, want)
			}
		}
	}
	n := row("n", a, -30, 100, 30, 110, 90, 130, 150, 160, 210, 200)
	f("plain", events, shelf{n, row("e", a, -30, 5, 30, 6, 90, 6, 150, 9, 210, 9)}, "0:1/10 1:0/20 2:3/30 3:0/40")
	f("no sample before", events, shelf{row("n", a, 30, 110, 90, 130)}, "1:0/20")
	f("a sample at the end of a step is of the step", events, shelf{row("n", a, 0, 0, 60, 7, 120, 9)}, "0:0/7 1:0/2")
	f("a reset counts from zero", events, shelf{row("n", a, -30, 100, 30, 110, 90, 4, 150, 5)}, "0:0/10 1:0/4 2:0/1")
	f("silence is no data", events, shelf{row("n", a, -30, 100, 30, 110, 210, 150)}, "0:0/10 3:0/40")
	f("nothing happening is seen", events, shelf{row("n", a, -30, 100, 30, 100, 90, 100)}, "0:0/0 1:0/0")
	f("not a number is no sample", events, shelf{row("n", a, -30, 100, 30, math.NaN(), 90, 130, 100, math.Inf(1), 110, -3)}, "1:0/30")
	f("out of order is left out", events, shelf{row("n", a, -30, 100, 90, 130, 80, 125, 100, 131)}, "1:0/31")

	f("born on a watched target", events, shelf{n, row("e", a+" code=500", 90, 1, 150, 3)}, "0:0/10 1:1/20 2:2/30 3:0/40")
	f("born on another target", events, shelf{n, row("e", b, 90, 1, 150, 3)}, "0:0/10 1:0/20 2:2/30 3:0/40")
	f("born with its target", events, shelf{row("n", a, 90, 1000, 150, 1010), row("e", a, 90, 50, 150, 51)}, "2:1/10")
	f("born after a target was gone for long", events, shelf{row("n", a, -700, 1000, 90, 1010, 150, 1020), row("e", a, 90, 50, 150, 51)}, "2:1/10")
	f("all series of a target replaced at once", events, shelf{row("n", a, -30, 1000, 30, 1010), row("n", a+" team=x", 90, 1020, 150, 1030)}, "0:0/10 2:0/10")
	f("series without a target are one target's", events, shelf{row("n", "", -30, 100, 30, 110, 90, 130), row("e", "code=500", 90, 1)}, "0:0/10 1:1/20")
	f("by OpenTelemetry's names", events, shelf{row("n", "service_name=s service_instance_id=1", -30, 100, 30, 110, 90, 130), row("e", "service_name=s service_instance_id=1", 90, 2),
		row("e", "service_name=s service_instance_id=2 x=y", 90, 7)}, "0:0/10 1:2/20")
	f("silent for longer than is looked back", events, shelf{n, row("e", a, -7200, 56, 90, 57)}, "0:0/10 1:1/20 2:0/30 3:0/40")

	f("bad read before its total", events, shelf{row("n", a, -30, 0, 50, 0, 110, 5), row("e", a, -35, 0, 45, 2, 105, 2)}, "0:0/0 1:2/5")
	f("good read before its total", pitwall.SLIQuery{Good: "g", Total: "n"}, shelf{row("n", a, -30, 0, 50, 0, 110, 5, 170, 7), row("g", a, -35, 0, 45, 3, 105, 3, 165, 4)}, "0:0/0 1:2/5 2:1/2")
	f("thirds", pitwall.SLIQuery{Bad: "e / 3", Total: "n / 3"}, shelf{row("n", a, -30, 0, 30, 10, 90, 20, 150, 30), row("e", a, -30, 0, 30, 1, 90, 2, 150, 3)}, "0:0/3 1:0/3 2:1/4")
	f("gauges of events", pitwall.SLIQuery{Bad: "sum(sum_over_time(e[5m]))", Total: "sum(sum_over_time(n[5m]))"},
		shelf{row("n", a, 0, 99, 30, 10, 60, 5, 90, 7), row("e", a, 30, 1, 90, math.NaN())}, "0:1/15 1:0/7")
	f("probes", pitwall.SLIQuery{Good: "sum_over_time(up[5m])", Total: "count_over_time(up[5m])"}, shelf{row("up", a, 10, 1, 20, 0, 70, 1, 80, math.NaN())}, "0:1/2 1:0/1")
	f("values", pitwall.SLIQuery{Value: "up", Op: pitwall.GreaterEqual, Limit: 1}, shelf{row("up", a, 10, 1, 20, 0, 70, 1, 80, math.NaN(), 90, math.Inf(-1))}, "0:1/2 1:1/2")
}

// TestSixtyNewSeries: 60 errors, each of them a series that is born with 1.
func TestSixtyNewSeries(t *testing.T) {
	h := shelf{row("n", "job=j instance=a")}
	for i := range 20 {
		h[0].T, h[0].V = append(h[0].T, noon.Add(time.Duration(30*i-30)*time.Second).UnixMilli()), append(h[0].V, float64(300*i))
	}
	for i := range 60 {
		h = append(h, row("e", fmt.Sprintf("job=j instance=a request=%d", i), float64(30*(i%15)+60), 1))
	}
	var sum pitwall.Counts
	for _, s := range h.count(t, meterOf(t, pitwall.SLIQuery{Bad: "e", Total: "n"}), 0, 540, 60) {
		sum = sum.Add(s.Counts)
	}
	if sum.Bad != 60 || sum.Total() != 5400 {
		t.Errorf("%d bad of %d, want 60 of 5400", sum.Bad, sum.Total())
	}
}

// TestHoweverItIsCut: random counters that are born, fall silent and begin anew
// give the same sum at once, in pieces and across restarts; and it is the sum
// that adding up by hand gives.
func TestHoweverItIsCut(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		h := shelf{row("n", "job=j instance=a x=0")}
		for k := range 6 {
			h = append(h, row([]string{"e", "n"}[k%2], fmt.Sprintf("job=j instance=a x=%d", k+1)))
		}
		var want [2]float64
		for k := range h {
			from, v := -600, 0.0
			if k > 0 {
				from += 15 * rng.IntN(100)
			}
			before := -1.0
			for at := from; at <= 1800; at += 15 {
				if k > 0 && rng.IntN(10) == 0 {
					continue // not scraped
				}
				if rng.IntN(50) == 0 {
					v = 0
				}
				v += float64(rng.IntN(9))
				h[k].T, h[k].V = append(h[k].T, noon.Add(time.Duration(at)*time.Second).UnixMilli()), append(h[k].V, v)
				if at > 0 {
					grown := v - max(before, 0)
					if grown < 0 {
						grown = v
					}
					want[map[string]int{"e": 0, "n": 1}[h[k].Labels["__name__"]]] += grown
				}
				before = v
			}
		}
		for _, stretch := range []int{1800, 60, 300, 420} {
			var got pitwall.Counts
			m := meterOf(t, pitwall.SLIQuery{Bad: "e", Total: "n + e"})
			for a := 0; a < 1800; a += stretch {
				if stretch == 420 { // a restart
					m = meterOf(t, pitwall.SLIQuery{Bad: "e", Total: "n + e"})
				}
				for _, s := range h.count(t, m, a, min(a+stretch, 1800), stretch) {
					got = got.Add(s.Counts)
				}
			}
			if float64(got.Bad) != want[0] || float64(got.Total()) != want[0]+want[1] {
				t.Errorf("seed %d in stretches of %d s: %d bad of %d, want %v of %v", seed, stretch, got.Bad, got.Total(), want[0], want[0]+want[1])
			}
		}
	}
}

func TestSharesWeighTheSame(t *testing.T) {
	m := meterOf(t, pitwall.SLIQuery{Ratio: "used / size"})
	p := pitwall.Period{From: noon, To: noon.Add(5 * time.Minute)}
	needs := m.Needs(p)
	if want := []Need{{Query: "used / size", Step: time.Minute, Period: pitwall.Period{From: noon.Add(time.Minute), To: p.To.Add(time.Millisecond)}}}; cmp.Diff(want, needs) != "" {
		t.Fatal(cmp.Diff(want, needs))
	}
	l := m.Look(p, [][]pitwall.Series{{row("", "a=1", 60, 0.75, 120, 0.9996, 180, 0.9996, 240, 99.9, 300, 1.2), row("", "a=2", 60, 0.25)}})
	if got, want := words(l.Counts("o")), "0:500/1000 1:0/1000 2:0/1000 4:0/1000"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if v, ok := l.Strange(); !ok || v != 99.9 {
		t.Errorf("strange: %v, %v, want the percentage", v, ok)
	}
	l.Keep()
	if bad, _ := m.Left(); math.Abs(bad-0.8) > 1e-9 {
		t.Errorf("%v left, want what is no whole part yet: 0.8", bad)
	}
}

func TestLooksThatAreNotKeptCountNothing(t *testing.T) {
	h := shelf{row("n", "", -30, 0, 30, 5, 90, 9)}
	m, p := meterOf(t, pitwall.SLIQuery{Bad: "e", Total: "n"}), pitwall.Period{From: noon, To: noon.Add(2 * time.Minute)}
	for range 2 {
		var answers [][]pitwall.Series
		for _, n := range m.Needs(p) {
			answers = append(answers, h.answer(n))
		}
		if got := words(m.Look(p, answers).Counts("o")); got != "0:0/5 1:0/4" {
			t.Errorf("got %s", got)
		}
	}
}

func TestThePastOfNewSeriesIsAskedForExactly(t *testing.T) {
	m := meterOf(t, pitwall.SLIQuery{Bad: `e{code=~"5.."}`, Total: "n"})
	h := shelf{row("n", "job=j", -30, 0, 30, 5, 90, 9), row("e", "job=j code=500", 90, 3), row("e", "job=k code=501", 90, 3)}
	p := pitwall.Period{From: noon, To: noon.Add(2 * time.Minute)}
	var answers [][]pitwall.Series
	for _, n := range m.Needs(p) {
		answers = append(answers, h.answer(n))
	}
	got := m.Look(p, answers).Earlier(30 * 24 * time.Hour)
	want := []string{`last_over_time({__name__="e",code=~"5..",__name__="e",code="500",job="j"}[30d])`}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, err := Parse(got[0]); err != nil {
		t.Error(err)
	}
}

// BenchmarkMeter counts one minute of an objective with two series, warm.
func BenchmarkMeter(b *testing.B) {
	plan, err := Compile(pitwall.SLIQuery{Bad: "e", Total: "n"}, time.Minute)
	if err != nil {
		b.Fatal(err)
	}
	m := NewMeter(plan, time.Minute, 10*time.Minute)
	h := [][]pitwall.Series{{row("n", "job=j instance=a code=200 method=GET", 0, 0, 0, 0)}, {row("e", "job=j instance=a code=500 method=GET", 0, 0, 0, 0)}}
	b.ReportAllocs()
	for i := range b.N {
		p := pitwall.Period{From: noon.Add(time.Duration(i) * time.Minute), To: noon.Add(time.Duration(i+1) * time.Minute)}
		for _, list := range h {
			list[0].T[0], list[0].T[1] = p.From.UnixMilli()+15_000, p.From.UnixMilli()+45_000
			list[0].V[0], list[0].V[1] = float64(2*i), float64(2*i+1)
		}
		l := m.Look(p, h)
		if got := l.Counts("o"); i > 0 && got[0].Counts.Bad != 2 {
			b.Fatal(got)
		}
		l.Keep()
	}
}

func TestThePastOfNativeHistograms(t *testing.T) {
	m := meterOf(t, pitwall.SLIQuery{Ratio: `histogram_fraction(0, 0.5, sum(rate(h{x="%"}[5m])))`})
	p := pitwall.Period{From: noon, To: noon.Add(2 * time.Minute)}
	needs := m.Needs(p)
	if len(needs) != 2 || needs[0].Query == "" || needs[0].Step != 15*time.Second || !needs[0].Period.From.Equal(noon.Add(15*time.Second-10*time.Minute)) {
		t.Fatalf("%+v", needs)
	}
	count, fraction := row("", "job=j", -15, 0, 0, 0, 15, 0, 30, 4), row("", "job=j", 30, 3)
	l := m.Look(p, [][]pitwall.Series{{count}, {fraction}})
	past := l.Earlier(time.Hour)
	if len(past) != 1 || !strings.Contains(past[0], "histogram_fraction(0, 0.5, last_over_time(") {
		t.Fatalf("%q", past)
	}
	if _, err := Parse(past[0]); err != nil {
		t.Error(err)
	}
	// Without observations there is no fraction; the first one is an increase.
	if got := words(l.Counts("o")); got != "0:1/4" {
		t.Errorf("got %s", got)
	}
}
