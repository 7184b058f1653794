package remote

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func second(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }

func period(from, to float64) pitwall.Period {
	return pitwall.Period{From: second(from), To: second(to)}
}

// world has a trace at each of its moments and answers as servers do: at most
// so many, the newest, without a word about the others.
type world struct {
	at    []float64
	limit int
	asked atomic.Int32
}

func (w *world) find(_ context.Context, p Part) ([]float64, int, error) {
	w.asked.Add(1)
	var got []float64
	for _, s := range w.at {
		if p.Period.Contains(second(s)) {
			got = append(got, s)
		}
	}
	if len(got) > w.limit {
		got = got[len(got)-w.limit:]
	}
	return got, len(got), nil
}

func moments(from, to, step float64) (list []float64) {
	for s := from; s < to; s += step {
		list = append(list, s)
	}
	return list
}

func TestGatherFindsAllBehindTheLimit(t *testing.T) {
	// Busy at the end: only there the slices become small.
	w := &world{at: append(moments(0, 900, 10), moments(900, 1000, .25)...), limit: 50}
	l := Limits{Traces: 50, Requests: 200}.WithDefaults()
	got, cut, err := Gather(t.Context(), l, []Part{{Period: period(0, 1000)}}, w.find)
	if err != nil || cut != 0 {
		t.Fatalf("%d cut, %v", cut, err)
	}
	all := slices.Concat(got...)
	slices.Sort(all)
	if d := cmp.Diff(w.at, all); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if n := w.asked.Load(); n > 60 {
		t.Errorf("%d requests for 490 traces at 50 each", n)
	}
}

func TestGatherSaysThatItIsASample(t *testing.T) {
	w := &world{at: moments(0, 16, .01), limit: 10}
	// The smallest slice still has a hundred.
	l := Limits{Traces: 10, Requests: 1000, Smallest: time.Second}.WithDefaults()
	_, cut, err := Gather(t.Context(), l, []Part{{Period: period(0, 16)}}, w.find)
	if err != nil || cut != 16 {
		t.Errorf("%d slices cut, %v; want 16", cut, err)
	}
	// Too few requests: a sample, but spread over all of the time.
	w.asked.Store(0)
	l.Requests = 20
	got, cut, err := Gather(t.Context(), l, []Part{{Period: period(0, 16)}}, w.find)
	if err != nil || cut != 8 || w.asked.Load() > 20 {
		t.Errorf("%d slices cut after %d requests, %v; want 8 after at most 20", cut, w.asked.Load(), err)
	}
	seen := map[int]int{}
	for _, s := range slices.Concat(got...) {
		seen[int(s)/4]++
	}
	if d := cmp.Diff(map[int]int{0: 20, 1: 20, 2: 20, 3: 20}, seen); d != "" {
		t.Errorf("not spread evenly (-want +got):\n%s", d)
	}
	if got := Sampled(cut, 10); got != "8 slices hit the limit of 10 traces: what is shown is a sample" {
		t.Error(got)
	}
}

func TestGatherEndsAtTheFirstError(t *testing.T) {
	down := errors.New("down")
	var running, most atomic.Int32
	var mu sync.Mutex
	parts := make([]Part, 50)
	asked := 0
	_, _, err := Gather(t.Context(), Limits{Parallel: 4}.WithDefaults(), parts, func(ctx context.Context, p Part) (int, int, error) {
		mu.Lock()
		asked++
		n := asked
		mu.Unlock()
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		if n == 10 {
			return 0, 0, down
		}
		return 0, 0, ctx.Err()
	})
	if !errors.Is(err, down) || asked > 20 || running.Load() != 0 {
		t.Errorf("%v after %d of 50, %d still running", err, asked, running.Load())
	}
	if most.Load() > 4 {
		t.Errorf("%d at once, want 4", most.Load())
	}
}

func TestPartsLookBeforeThePeriodForLongSpans(t *testing.T) {
	l := Limits{Lookback: time.Minute}.WithDefaults()
	q := pitwall.SpanQuery{Period: period(100, 200), MinDuration: time.Second}
	got := l.Parts(q, []pitwall.ServiceName{"edge"})
	want := []Part{
		{"edge", period(95, 200), time.Second},
		{"edge", period(40, 95), 5 * time.Second}, // what began so early and ended in the period
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
