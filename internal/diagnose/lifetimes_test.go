package diagnose

import (
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// life is one instance of a service: when it began to answer and ceased to, how
// often, and how slow it is at an age.
type life struct {
	id       string
	from, to time.Duration // since the window began
	every    time.Duration
	slow     func(age time.Duration) bool
}

// lived is an inquiry into a service of which only the instances are known. One
// called "old" answered in the baseline, a minute before.
func lived(t *testing.T, window time.Duration, lives ...life) *inquiry {
	t.Helper()
	x := &inquiry{g: fold.NewGraph()}
	x.q.Baseline = pitwall.Period{From: epoch, To: epoch.Add(time.Minute)}
	x.q.Window = pitwall.Period{From: epoch.Add(time.Minute), To: epoch.Add(time.Minute + window)}
	id := byte(0)
	answer := func(b *pitwall.SpanBatch, at time.Time, instance string, took time.Duration) {
		id++
		b.Add(pitwall.SpanRow{
			TraceID: pitwall.TraceID{id, byte(at.UnixMilli()), byte(at.UnixMilli() >> 8), byte(at.UnixMilli() >> 16)}, SpanID: 1, Start: at, Duration: took,
			Service: "checkout", Operation: "POST /checkout", Kind: pitwall.SpanServer,
			Attrs: []pitwall.Attr{{Key: "service.instance.id", Value: instance}},
		})
	}
	base, head := &pitwall.SpanBatch{}, &pitwall.SpanBatch{}
	for i := range 60 {
		answer(base, epoch.Add(time.Duration(i)*900*time.Millisecond), "old", 100*time.Millisecond)
	}
	for _, l := range lives {
		for at := l.from; at < min(l.to, window-2*time.Second); at += l.every {
			took := 100 * time.Millisecond
			if l.slow(at - l.from) {
				took = time.Second
			}
			answer(head, x.q.Window.From.Add(at), l.id, took)
		}
	}
	spec := fold.Spec{Headline: fold.Operation{Service: "checkout", Name: "POST /checkout"}, Period: x.q.Baseline}
	x.base = fold.Fold(x.g, base, spec)
	spec.Period = x.q.Window
	x.head = fold.Fold(x.g, head, spec)
	if x.base.Count() < fewRequests || x.head.Count() < fewRequests {
		t.Fatalf("%d and %d requests", x.base.Count(), x.head.Count())
	}
	return x
}

// TestOneRolloutIsNoColdStart: instances that came together have to be fast for
// as long again themselves; those that come again and again tell by the others.
func TestOneRolloutIsNoColdStart(t *testing.T) {
	young := func(d time.Duration) func(time.Duration) bool {
		return func(age time.Duration) bool { return age < d }
	}
	always := young(time.Hour)
	never := young(0)
	const s, every = time.Second, 100 * time.Millisecond
	old := life{"old", 0, time.Hour, every / 2, never}
	pair := func(d time.Duration) []life {
		return []life{{"a", 0, time.Hour, every, young(d)}, {"b", s / 2, time.Hour, every, young(d)}}
	}
	again := []life{{"old", 0, time.Hour, 5 * every, never}}
	for i := range 10 {
		from := time.Duration(i) * 3 * s
		again = append(again, life{string(rune('a' + i)), from, from + 2*s, every, always})
	}
	for name, c := range map[string]struct {
		lives []life
		want  bool
	}{
		"fast for longer than they were slow":      {pair(8 * s), true},
		"not yet fast for as long":                 {pair(18 * s), false},
		"slow for good, the old ones still fast":   {append(pair(time.Hour), old), false},
		"slow at first, the old ones fast as well": {append(pair(8*s), old), true},
		"a slow rollout, slow for good":            {[]life{{"a", 0, time.Hour, every, always}, {"b", 21 * s, time.Hour, every, always}, old}, false},
		"again and again, each gone before":        {again, true},
	} {
		x := lived(t, 30*s, c.lives...)
		if f := x.cold("checkout", starts{ids: x.fresh("checkout")}); f != nil != c.want {
			t.Errorf("%s: %+v, want one: %v", name, f, c.want)
		}
	}
}

// TestFullBeforeAndStartedMoreOften: memory that was always full is no excuse
// for starts that are new; starts that were there before are not the trouble.
func TestFullBeforeAndStartedMoreOften(t *testing.T) {
	for name, c := range map[string]struct {
		baseline      time.Duration
		before, since int // starts
		full, want    bool
	}{
		"new starts":                       {time.Minute, 0, 3, true, true},
		"a rollout and one start more":     {time.Minute, 0, 2, true, false},
		"a few more":                       {time.Minute, 3, 4, true, false},
		"as often":                         {time.Minute, 3, 3, true, false},
		"more often in less time":          {4 * time.Minute, 4, 3, true, true},
		"as often, for the time":           {4 * time.Minute, 12, 3, true, false},
		"new starts, never full":           {time.Minute, 0, 3, false, false},
		"more often by uptime, never full": {time.Minute, 0, 6, false, false},
	} {
		x := &inquiry{g: fold.NewGraph(), base: &fold.Side{}, head: &fold.Side{}}
		on := epoch.Add(c.baseline)
		x.q.Baseline, x.q.Window = pitwall.Period{From: epoch, To: on}, pitwall.Period{From: on, To: on.Add(time.Minute)}
		level := 50.0
		if c.full {
			level = 95
		}
		list := map[string]*pitwall.Measured{}
		for at := epoch; at.Before(x.q.Window.To); at = at.Add(time.Second) {
			restarts := float64(c.before) * at.Sub(epoch).Seconds() / (c.baseline.Seconds() - 1)
			if !at.Before(on) {
				restarts = float64(c.before) + float64(c.since)*at.Sub(on).Seconds()/59
			}
			for metric, v := range map[string]float64{metricMemory: level, metricMemoryMax: 100, metricRestarts: float64(int(restarts + 1e-9))} {
				if list[metric] == nil {
					list[metric] = &pitwall.Measured{Service: "auth", Metric: metric, Stat: "value"}
				}
				list[metric].T, list[metric].V = append(list[metric].T, at.UnixMilli()), append(list[metric].V, v)
			}
		}
		x.typed = indexMeasured(Answer{Measured: []pitwall.Measured{*list[metricMemory], *list[metricMemoryMax], *list[metricRestarts]}})
		if f := x.outOfMemory("auth"); f != nil != c.want {
			t.Errorf("%s: %+v, want one: %v", name, f, c.want)
		}
	}
}
