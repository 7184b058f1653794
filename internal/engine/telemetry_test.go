package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/store/metrics"
)

// TestTelemetryOfTheShop looks at a running shop that sends traces and nothing else.
func TestTelemetryOfTheShop(t *testing.T) {
	w := newWorld(t)
	w.deploys = nil
	w.start()
	w.pass(2 * time.Minute)
	got, err := w.life.engine.Telemetry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range got.Services {
		names = append(names, string(s.Service))
		if !slices.Contains(s.Has, pitwall.SignalTraces) || !slices.Contains(s.Missing, pitwall.SignalLogs) || s.Requests == 0 {
			t.Errorf("%+v", s)
		}
	}
	slices.Sort(names)
	if fmt.Sprint(names) != "[checkout edge inventory orders payment]" {
		t.Errorf("services %v", names)
	}
	if c := got.Context; c.Calls < 1000 || c.Joined != c.Calls {
		t.Errorf("context %+v", c)
	}
	if len(got.Targets) != 1 || got.Targets[0].Name != "repository" || !got.Targets[0].Up {
		t.Errorf("targets %+v", got.Targets)
	}
	if b := blind(got, "the target may not change checkout"); b.Stops != pitwall.StopsActing {
		t.Errorf("the controller knows only inventory: %+v", got.Blind)
	}
	w.life.engine.c.Controls = []pitwall.ServiceName{"inventory", "checkout"}
	w.now = w.now.Add(time.Minute)
	if got, err = w.life.engine.Telemetry(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := blind(got, "controller checkout does not answer"); b.Stops != pitwall.StopsActing || !strings.Contains(b.Remedy, "no such service") {
		t.Errorf("the configuration names a service that the controller does not know: %+v", got.Targets)
	}
	for _, want := range []string{"no metrics of any service", "no logs of any service", "no profiles of any service", "no change is announced"} {
		if !slices.ContainsFunc(got.Blind, func(b pitwall.BlindSpot) bool { return b.What == want && b.Remedy != "" }) {
			t.Errorf("%q is not told: %+v", want, got.Blind)
		}
	}
	if slices.ContainsFunc(got.Blind, func(b pitwall.BlindSpot) bool { return b.Stops == pitwall.StopsJudging }) {
		t.Errorf("the objective has requests, yet %+v", got.Blind[0])
	}
}

// fakeReads answers from what it is given, counts, and hangs on demand.
type fakeReads struct {
	spans   func(pitwall.SpanQuery) *pitwall.SpanBatch
	asked   atomic.Int64
	hang    chan struct{} // logs hang until it is closed, whatever their context says
	polite  bool          // they end with their context
	changes []pitwall.Change
}

func (f *fakeReads) Spans(_ context.Context, q pitwall.SpanQuery) (*pitwall.SpanBatch, error) {
	f.asked.Add(1)
	if f.spans == nil {
		return &pitwall.SpanBatch{}, nil
	}
	return f.spans(q), nil
}

func (f *fakeReads) Logs(ctx context.Context, _ pitwall.LogQuery) ([]pitwall.LogRecord, error) {
	return nil, f.wait(ctx)
}

func (f *fakeReads) LogPatterns(ctx context.Context, _ pitwall.LogQuery) ([]pitwall.LogPattern, error) {
	return nil, f.wait(ctx)
}

func (f *fakeReads) wait(ctx context.Context) error {
	if f.polite {
		<-ctx.Done()
		return ctx.Err()
	}
	if f.hang != nil {
		<-f.hang
	}
	return nil
}

func (f *fakeReads) AppendChange(context.Context, pitwall.Change) (bool, error) { return true, nil }
func (f *fakeReads) Changes(context.Context, pitwall.Period) ([]pitwall.Change, error) {
	return f.changes, nil
}

// payment is one request of checkout's POST /pay with a computation inside.
func payment(b *pitwall.SpanBatch, n uint64, at time.Time, v pitwall.Version, silent bool) {
	id := pitwall.TraceID{byte(n), byte(n >> 8), byte(n >> 16), 1}
	b.Add(pitwall.SpanRow{TraceID: id, SpanID: 1, Start: at, Duration: time.Millisecond, Service: "checkout", Version: v, Operation: "POST /pay", Kind: pitwall.SpanServer})
	if !silent {
		b.Add(pitwall.SpanRow{TraceID: id, SpanID: 2, ParentID: 1, Start: at, Duration: time.Millisecond, Service: "checkout", Version: v, Operation: "price", Kind: pitwall.SpanInternal})
	}
}

func blind(got pitwall.Telemetry, what string) (b pitwall.BlindSpot) {
	for _, b = range got.Blind {
		if strings.Contains(b.What, what) {
			return b
		}
	}
	return pitwall.BlindSpot{}
}

// TestASourceThatHangs becomes a blind spot; the rest is told all the same.
func TestASourceThatHangs(t *testing.T) {
	for _, polite := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeReads{hang: make(chan struct{}), polite: polite, spans: func(q pitwall.SpanQuery) *pitwall.SpanBatch {
				b := &pitwall.SpanBatch{}
				payment(b, 1, q.Period.From, "v1", false)
				return b
			}}
			e := &Engine{c: Config{Spans: f, Logs: f, Changes: f, Ledger: slo.NewLedger(nil, time.Second), Now: time.Now}}
			begun := time.Now()
			got, err := e.Telemetry(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begun); took > askPatience+time.Second {
				t.Errorf("it took %s", took)
			}
			if b := blind(got, "the log store does not answer"); b.Signal != pitwall.SignalLogs || b.Stops != pitwall.StopsDiagnosis {
				t.Errorf("got %+v", got.Blind)
			}
			if len(got.Services) != 1 || slices.Contains(got.Services[0].Missing, pitwall.SignalLogs) {
				t.Errorf("services %+v", got.Services)
			}
			time.Sleep(telemetryFresh)
			begun = time.Now()
			if got, err = e.Telemetry(t.Context()); err != nil {
				t.Fatal(err)
			}
			if b := blind(got, "the log store does not answer"); !polite && (time.Since(begun) > time.Second || !strings.Contains(b.Means, "earlier question")) {
				t.Errorf("a question that is still out was asked again: %s, %+v", time.Since(begun), b)
			}
			close(f.hang)
			synctest.Wait()
			f.polite = false
			time.Sleep(telemetryFresh)
			if got, _ = e.Telemetry(t.Context()); blind(got, "the log store").What != "" {
				t.Errorf("it answers again, yet %+v", got.Blind)
			}
		})
	}
}

// TestOneSurveyServesAll: pages that ask at once, and soon again, share one look.
func TestOneSurveyServesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeReads{}
		e := &Engine{c: Config{Spans: f, Changes: f, Ledger: slo.NewLedger(nil, time.Second), Now: time.Now}}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := e.Telemetry(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		time.Sleep(telemetryFresh - time.Second)
		if _, err := e.Telemetry(t.Context()); err != nil || f.asked.Load() != 1 {
			t.Errorf("asked %d times, %v", f.asked.Load(), err)
		}
		time.Sleep(time.Second)
		if _, err := e.Telemetry(t.Context()); err != nil || f.asked.Load() != 2 {
			t.Errorf("asked %d times, %v", f.asked.Load(), err)
		}
	})
}

// TestAReleaseThatTookTelemetryAway reads both sides of a release, its metrics
// from a real store.
func TestAReleaseThatTookTelemetryAway(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	released := now.Add(-40 * time.Minute)
	f := &fakeReads{changes: []pitwall.Change{
		{At: released, Service: "checkout", Kind: pitwall.ChangeDeploy, Version: "v42", PreviousVersion: "v41", SeenBy: pitwall.SeenByWebhook},
		{At: released.Add(9 * time.Second), Service: "checkout", Kind: pitwall.ChangeDeploy, Version: "v42", PreviousVersion: "v41", SeenBy: pitwall.SeenByTelemetry},
	}, spans: func(q pitwall.SpanQuery) *pitwall.SpanBatch {
		b, n := &pitwall.SpanBatch{}, uint64(0)
		for at := q.Period.From; at.Before(q.Period.To); at = at.Add(10 * time.Second) {
			v := pitwall.Version("v41")
			if at.After(released) {
				v = "v42"
			}
			if n++; q.Version == "" || q.Version == v {
				payment(b, n, at, v, v == "v42")
			}
		}
		return b
	}}
	store := released41(t, now, released)
	e := &Engine{c: Config{Spans: f, Changes: f, Metrics: store, Ledger: slo.NewLedger(nil, time.Second), Now: func() time.Time { return now },
		SLOs: []pitwall.SLO{{Name: "pay", Service: "checkout", Window: time.Hour, Target: 0.99, SLI: pitwall.SLI{Service: "checkout", Operation: "POST /pays"}}}}}
	got, err := e.Telemetry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, d := range got.Drifts {
		found = append(found, fmt.Sprintf("%s %s %s→%s", d.Kind, d.What, d.From, d.To))
	}
	if want := []string{"operation-gone price v41→v42", "metric-gone pool_in_use v41→v42", "fewer-spans POST /pay v41→v42"}; !slices.Equal(found, want) {
		t.Errorf("got %q, want %q", found, want)
	}
	if b := blind(got, "objective pay never had a span"); b.Stops != pitwall.StopsJudging || !strings.Contains(b.Remedy, `"POST /pay"`) {
		t.Errorf("got %+v", got.Blind)
	}
	if s := got.Services[0]; !slices.Contains(s.Has, pitwall.SignalMetrics) || !slices.Contains(s.Has, pitwall.SignalChanges) {
		t.Errorf("got %+v", s)
	}
}

// released41 fills a store: both versions count requests, only v41 tells of its
// pool, and a limit that never moves and an error that happened once are missing
// after it too.
func released41(t *testing.T, now, released time.Time) *metrics.Store {
	t.Helper()
	store, err := metrics.Open(t.TempDir(), metrics.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	one := func(name string, v pitwall.Version, from, to time.Time, value func(i int) float64) pitwall.Series {
		s := pitwall.Series{Labels: map[string]string{"__name__": name, "service_name": "checkout", "service_version": string(v)}}
		for at, i := from, 0; at.Before(to); at, i = at.Add(time.Minute), i+1 {
			s.T, s.V = append(s.T, at.UnixMilli()), append(s.V, value(i))
		}
		return s
	}
	rises := func(i int) float64 { return float64(i) }
	still := func(int) float64 { return 10 }
	opened := now.Add(-2 * time.Hour)
	if err := store.AppendSeries(t.Context(), []pitwall.Series{
		one("requests_total", "v41", opened, released, rises), one("requests_total", "v42", released, now, rises),
		one("pool_in_use", "v41", opened, released, rises),
		one("pool_limit", "v41", opened, released, still), one("errors_total", "v41", opened, released, still),
	}); err != nil {
		t.Fatal(err)
	}
	return store
}
