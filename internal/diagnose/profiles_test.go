package diagnose

import (
	"bytes"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// windows draws profiles of five seconds with Poisson counts, as a sampler at
// 100 Hz takes them.
func (w world) windows(q Query) []pitwall.ProfileWindow {
	_, r := w.phase(q.Period)
	var list []pitwall.ProfileWindow
	for at := q.Period.From; !at.Add(5 * time.Second).After(q.Period.To); at = at.Add(5 * time.Second) {
		per := pitwall.Period{From: at, To: at.Add(5 * time.Second)}
		sh := w.at(at)
		requests := sh.rate * 5
		cost := sh.cpu[string(q.Service)]
		switch {
		case q.Type == pitwall.ProfileMutex && sh.wait[string(q.Service)] > 0:
			cost = map[string]float64{"sync.(*Mutex).Unlock": sh.wait[string(q.Service)]}
		case q.Type != pitwall.ProfileCPU:
			return nil
		}
		list = append(list, pitwall.ProfileWindow{
			Service: q.Service, Version: pitwall.Version(sh.versions[string(q.Service)]), Instance: "a", Type: q.Type, Period: per,
			Requests: int64(requests), Data: pprofOf(r, q.Type, cost, requests),
		})
	}
	return list
}

// pprofOf makes a profile of functions that each cost milliseconds per request.
func pprofOf(r *rand.Rand, kind pitwall.ProfileType, cost map[string]float64, requests float64) []byte {
	types := []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}}
	if kind == pitwall.ProfileMutex {
		types = []*profile.ValueType{{Type: "contentions", Unit: "count"}, {Type: "delay", Unit: "nanoseconds"}}
	}
	p := &profile.Profile{SampleType: types, PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 10e6}
	for i, name := range slices.Sorted(maps.Keys(cost)) {
		f := &profile.Function{ID: uint64(i + 1), Name: name, SystemName: name}
		loc := &profile.Location{ID: uint64(i + 1), Line: []profile.Line{{Function: f, Line: 1}}}
		mean := cost[name] * 1e6 * requests / 10e6
		n := int64(max(0, math.Round(mean+math.Sqrt(mean)*r.NormFloat64())))
		p.Function, p.Location = append(p.Function, f), append(p.Location, loc)
		p.Sample = append(p.Sample, &profile.Sample{Location: []*profile.Location{loc}, Value: []int64{n, n * 10e6}})
	}
	var buf bytes.Buffer
	if err := p.Write(&buf); err != nil {
		panic(err) // writing to memory; a defect of the test itself
	}
	return buf.Bytes()
}

// TestDimProfilesAreNotClear: that nothing stands out counts only as far as the
// profiles can see.
func TestDimProfilesAreNotClear(t *testing.T) {
	f := func(name string, want pitwall.Outcome, words string, length time.Duration, work float64, counted bool) {
		t.Helper()
		w := calm()
		w.seed = 1
		w.bad = w.good.with(func(s *shop) {
			for fn := range s.cpu["checkout"] {
				s.cpu["checkout"][fn] *= work
			}
		})
		w.good = w.bad
		q := w.question()
		x := &inquiry{q: q, g: fold.NewGraph(), answers: map[string]Answer{}, profiles: map[profileKey]profileAnswer{}}
		key := profileKey{"checkout", pitwall.ProfileCPU}
		for i, suffix := range []string{baselineSide, windowSide} {
			from := q.Baseline.From
			if i == 1 {
				from = q.Window.From
			}
			list := w.windows(Query{Service: key.service, Type: key.kind, Period: pitwall.Period{From: from, To: from.Add(length)}})
			for j := range list {
				if !counted {
					list[j].Requests = 0
				}
			}
			id := profileID(key.service, key.kind, suffix)
			x.answers[id] = Answer{Query: id, Profiles: list}
		}
		x.profiles[key] = x.compareProfiles(key)
		if r := profileDiff(x); r.outcome != want || !strings.Contains(r.reason, words) {
			t.Errorf("%s: %s, %s; want %s, %s", name, r.outcome, r.reason, want, words)
		}
	}
	f("five windows", pitwall.OutcomeSkipped, "5 CPU profiles before and 5 after of checkout are too few", 25*time.Second, 100, true)
	f("little work", pitwall.OutcomeSkipped, "more a side are needed", 5*time.Minute, 0.05, true)
	f("enough", pitwall.OutcomeClear, "no frame family of 1 service", 5*time.Minute, 200, true)
	f("no work", pitwall.OutcomeSkipped, "hardly a sample", 5*time.Minute, 0, true)
	f("no counts", pitwall.OutcomeSkipped, "no request counts", 5*time.Minute, 200, false)
}
