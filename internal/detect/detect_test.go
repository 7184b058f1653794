package detect_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
)

var begin = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)

var objective = pitwall.SLO{
	Name: "checkout-latency", Service: "checkout", Target: 0.99, Window: time.Hour,
	SLI: pitwall.SLI{Kind: pitwall.SLILatency, Service: "checkout", Operation: "POST /checkout", Threshold: 500 * time.Millisecond},
}

// episode is a stretch in which requests have a median latency (sigma 0.4) and
// a share of failures.
type episode struct {
	until  time.Duration
	median float64 // seconds
	fails  float64
}

// traffic gives spans that had ended by the time the last episode is over.
func traffic(seed uint64, perSecond float64, episodes ...episode) *pitwall.SpanBatch {
	rng := rand.New(rand.NewPCG(seed, 5))
	b, id := &pitwall.SpanBatch{}, uint64(0)
	end := episodes[len(episodes)-1].until.Seconds()
	e := 0
	for at := 0.0; ; {
		at += rng.ExpFloat64() / perSecond
		if at >= end {
			return b
		}
		for at >= episodes[e].until.Seconds() {
			e++
		}
		took := episodes[e].median * math.Exp(0.4*rng.NormFloat64())
		failed := rng.Float64() < episodes[e].fails
		if at+took >= end {
			continue // not ended yet, so nobody has seen it
		}
		id++
		b.Add(pitwall.SpanRow{SpanID: id, Start: begin.Add(time.Duration(at * 1e9)), Duration: time.Duration(took * 1e9), Failed: failed,
			Service: "checkout", Operation: "POST /checkout", Kind: pitwall.SpanServer})
	}
}

func period(length time.Duration) pitwall.Period {
	return pitwall.Period{From: begin, To: begin.Add(length)}
}

func latencyOnset(b *pitwall.SpanBatch, length time.Duration) pitwall.Onset {
	return detect.FindOnset(detect.OnsetInput{Spans: b, Service: "checkout", Operation: "POST /checkout", Signal: pitwall.SignalLatency, Period: period(length)})
}

func TestFindOnsetOfAStep(t *testing.T) {
	for seed := range uint64(40) {
		at := 80*time.Second + time.Duration(seed)*370*time.Millisecond
		end := at + 8*time.Second + time.Duration(seed)*time.Second
		b := traffic(seed, 66, episode{until: 8 * time.Second, median: 0.4}, episode{until: at, median: 0.12}, episode{until: end, median: 0.6})
		o := latencyOnset(b, end)
		truth := begin.Add(at)
		if off := o.At.Sub(truth).Abs(); off > 2*time.Second {
			t.Errorf("seed %d: found at %s, %s off", seed, o.At, off)
		}
		if o.Earliest.After(truth) || o.Latest.Before(truth) {
			t.Errorf("seed %d: [%s, %s] does not hold %s", seed, o.Earliest, o.Latest, truth)
		}
		if o.Latest.Sub(o.Earliest) > 8*time.Second {
			t.Errorf("seed %d: a large step is only known to %s", seed, o.Latest.Sub(o.Earliest))
		}
	}
}

func TestFindOnsetOfFailures(t *testing.T) {
	for seed := range uint64(20) {
		b := traffic(seed, 66, episode{until: 70 * time.Second, median: 0.1, fails: 0.002}, episode{until: 90 * time.Second, median: 0.1, fails: 0.3})
		o := detect.FindOnset(detect.OnsetInput{Spans: b, Service: "checkout", Operation: "POST /checkout", Signal: pitwall.SignalErrors, Period: period(90 * time.Second)})
		if off := o.At.Sub(begin.Add(70 * time.Second)).Abs(); off > 2*time.Second {
			t.Errorf("seed %d: %s off", seed, off)
		}
	}
}

// An earlier incident that was over is not taken for the beginning of this one.
func TestFindOnsetAfterAnEarlierIncident(t *testing.T) {
	b := traffic(1, 66, episode{until: 40 * time.Second, median: 0.8}, episode{until: 100 * time.Second, median: 0.12}, episode{until: 115 * time.Second, median: 0.6})
	o := latencyOnset(b, 115*time.Second)
	if off := o.At.Sub(begin.Add(100 * time.Second)).Abs(); off > 2*time.Second {
		t.Errorf("found at %s, %s off", o.At, off)
	}
}

func TestFindOnsetIsHonestWithoutAStep(t *testing.T) {
	clear := 0
	for seed := range uint64(60) {
		b := traffic(seed, 66, episode{until: 100 * time.Second, median: 0.12})
		o := latencyOnset(b, 100*time.Second)
		if o.Earliest.After(begin.Add(2 * time.Second)) {
			clear++
		} else if !o.Latest.Equal(begin.Add(100 * time.Second)) {
			t.Errorf("seed %d: an unclear beginning must reach to the end: %+v", seed, o)
		}
	}
	if clear > 3 {
		t.Errorf("%d of 60 steady series have a clear beginning", clear)
	}
	for _, b := range []*pitwall.SpanBatch{nil, {}, traffic(1, 66, episode{until: time.Second, median: 0.1})} {
		o := latencyOnset(b, 100*time.Second)
		if o.Earliest.Before(begin) || o.Latest.After(begin.Add(100*time.Second)) || o.At.Before(o.Earliest) || o.At.After(o.Latest) {
			t.Errorf("onset of little data: %+v", o)
		}
	}
}

func TestDescribe(t *testing.T) {
	b := traffic(3, 66, episode{until: 90 * time.Second, median: 0.12}, episode{until: 110 * time.Second, median: 0.6})
	r := detect.Describe(detect.Input{SLO: objective, Spans: b, Period: period(110 * time.Second), Now: begin.Add(110 * time.Second)})
	if r.Signal != pitwall.SignalLatency || r.SLO != objective.Name || r.Service != "checkout" || r.Operation != "POST /checkout" {
		t.Errorf("names: %+v", r)
	}
	before, after := 0.12*math.Exp(0.4*2.326), 0.6*math.Exp(0.4*2.326)
	if !(r.Before.Low <= before && before <= r.Before.High && r.Before.N > 5000) {
		t.Errorf("before %+v, truth %v", r.Before, before)
	}
	if !(r.After.Low <= after && after <= r.After.High && r.After.N > 800) {
		t.Errorf("after %+v, truth %v", r.After, after)
	}

	failing := traffic(3, 66, episode{until: 90 * time.Second, median: 0.12}, episode{until: 110 * time.Second, median: 0.12, fails: 0.4})
	r = detect.Describe(detect.Input{SLO: objective, Spans: failing, Period: period(110 * time.Second), Now: begin.Add(110 * time.Second)})
	if r.Signal != pitwall.SignalErrors || r.After.Unit != pitwall.UnitRatio || r.After.Value < 0.3 || r.Before.Value > 0.01 {
		t.Errorf("failures behind a latency objective: %+v", r)
	}

	r = detect.Describe(detect.Input{SLO: objective, Period: period(time.Minute), Now: begin})
	if r.Before.Known() || r.After.Known() {
		t.Errorf("no spans, no data: %+v", r)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

func TestShouldOpen(t *testing.T) {
	now := begin.Add(time.Hour)
	burn := pitwall.Burn{SLO: objective.Name, At: now, State: pitwall.TierState{Tier: pitwall.BurnTier{
		Name: "page", Factor: 14.4, Long: 5 * time.Minute, Short: 30 * time.Second, OpensPlan: true, MinBad: 10}}}
	plan := func(state pitwall.State, since time.Time) pitwall.Plan {
		return pitwall.Plan{ID: "PIP-1", State: state, Service: "checkout", SLO: "checkout-availability", Since: since}
	}
	counts := func(good, bad uint64) func(time.Time) pitwall.Counts {
		return func(time.Time) pitwall.Counts { return pitwall.Counts{Good: good, Bad: bad} }
	}
	f := func(name string, want bool, word string, change func(*detect.OpenInput)) {
		t.Helper()
		in := detect.OpenInput{Burn: burn, SLO: objective, Now: now}
		change(&in)
		got := detect.ShouldOpen(in)
		if got.Open != want || !strings.Contains(got.Reason, word) {
			t.Errorf("%s: %+v, want open %v with %q", name, got, want, word)
		}
	}
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	f("nothing there", true, "no plan", func(*detect.OpenInput) {})
	f("informing tier", false, "informs", func(in *detect.OpenInput) { in.Burn.State.Tier.OpensPlan = false })
	f("at work, other objective", false, "PIP-1 is at work", func(in *detect.OpenInput) {
		in.Plans = []pitwall.Plan{plan(pitwall.Verifying, ago(time.Minute))}
	})
	f("held counts as at work", false, "PIP-1", func(in *detect.OpenInput) {
		in.Plans = []pitwall.Plan{plan(pitwall.Held, ago(time.Hour))}
	})
	f("other service", true, "no plan", func(in *detect.OpenInput) {
		p := plan(pitwall.Canarying, ago(time.Minute))
		p.Service = "search"
		in.Plans = []pitwall.Plan{p}
	})
	f("regression of the service", false, "at work", func(in *detect.OpenInput) {
		in.Plans = []pitwall.Plan{{State: pitwall.Canarying, Opened: pitwall.OpenedData{Regression: pitwall.Regression{Service: "checkout"}}}}
	})
	f("closed inside the window, calm since", false, "lies before the end", func(in *detect.OpenInput) {
		in.Plans, in.Since = []pitwall.Plan{plan(pitwall.Closed, ago(time.Minute))}, counts(900, 2)
	})
	f("closed inside the window, few events since", false, "lies before the end", func(in *detect.OpenInput) {
		in.Plans, in.Since = []pitwall.Plan{plan(pitwall.Closed, ago(time.Minute))}, counts(4, 4)
	})
	f("closed inside the window, nothing known", false, "nothing is known", func(in *detect.OpenInput) {
		in.Plans = []pitwall.Plan{plan(pitwall.Closed, ago(time.Minute))}
	})
	f("burns anew", true, "anew", func(in *detect.OpenInput) {
		in.Plans, in.Since = []pitwall.Plan{plan(pitwall.Closed, ago(time.Minute))}, counts(700, 200)
	})
	f("burns anew while settling", false, "settle", func(in *detect.OpenInput) {
		in.Plans, in.Since, in.Settle = []pitwall.Plan{plan(pitwall.Closed, ago(time.Minute))}, counts(700, 200), 2*time.Minute
	})
	f("closed long ago", true, "before the burn's window", func(in *detect.OpenInput) {
		in.Plans = []pitwall.Plan{plan(pitwall.NotWarranted, ago(30*time.Minute))}
	})
	f("the latest of several counts", false, "lies before", func(in *detect.OpenInput) {
		in.Plans = []pitwall.Plan{plan(pitwall.Closed, ago(30*time.Minute)), plan(pitwall.Closed, ago(time.Minute))}
		in.Since = counts(900, 2)
	})
}

// TestDescribeCounts: an objective that is counted from metrics is described by
// its counts, and its beginning is where its bad share rose.
func TestDescribeCounts(t *testing.T) {
	in := detect.Input{SLO: pitwall.SLO{Name: "api", Service: "api", SLI: pitwall.SLI{Kind: pitwall.SLIEvents, Service: "api"}}, Period: period(2 * time.Hour), Now: begin.Add(2 * time.Hour)}
	for minute := range 120 {
		c := pitwall.Counts{Good: 597, Bad: 3}
		if minute >= 100 {
			c = pitwall.Counts{Good: 480, Bad: 120}
		}
		in.Steps = append(in.Steps, pitwall.LedgerStep{SLO: "api", Start: begin.Add(time.Duration(minute) * time.Minute).Unix(), Counts: c})
	}
	r := detect.Describe(in)
	if off := r.Onset.At.Sub(begin.Add(100 * time.Minute)).Abs(); r.Signal != pitwall.SignalEvents || off > time.Minute {
		t.Errorf("%+v", r.Onset)
	}
	if math.Abs(r.Before.Value-0.005) > 1e-9 || math.Abs(r.After.Value-0.2) > 1e-9 || !(r.After.Low < 0.2 && 0.2 < r.After.High) {
		t.Errorf("before %+v, after %+v", r.Before, r.After)
	}
	for i := range in.Steps {
		in.Steps[i].Counts = pitwall.Counts{Good: 597, Bad: 3}
	}
	if r := detect.Describe(in); !r.Onset.Latest.Equal(in.Period.To) {
		t.Errorf("nothing moved: %+v", r.Onset)
	}
}

// TestDescribeSilence: an operation that gets no requests any more is described
// by its traffic, and its beginning is the last request.
func TestDescribeSilence(t *testing.T) {
	b := traffic(3, 10, episode{until: 60 * time.Second, median: 0.1})
	burn := pitwall.Burn{State: pitwall.TierState{Tier: pitwall.BurnTier{When: pitwall.WhenTrafficLost}}}
	in := detect.Input{SLO: objective, Burn: burn, Spans: b, Period: period(3 * time.Minute), Now: begin.Add(3 * time.Minute)}
	r := detect.Describe(in)
	if off := r.Onset.At.Sub(begin.Add(time.Minute)).Abs(); r.Signal != pitwall.SignalTraffic || off > 2*time.Second || r.Onset.Latest.Before(r.Onset.At) {
		t.Errorf("%+v", r)
	}
	if r.Before.Value < 8 || r.Before.Value > 12 || r.After.Value != 0 || !r.After.Known() {
		t.Errorf("before %+v, after %+v", r.Before, r.After)
	}
	in.Spans = nil
	if r := detect.Describe(in); r.Before.Known() || !r.Onset.Latest.Equal(in.Period.To) {
		t.Errorf("nothing seen, nothing known: %+v", r)
	}
}
