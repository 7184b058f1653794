package diagnose

import (
	"bytes"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/pprof/profile"

	"github.com/pitwall/pitwall"
)

// windows draws profiles of five seconds with Poisson counts, as a sampler at
// 100 Hz takes them.
func (w world) windows(q Query) []pitwall.ProfileWindow {
	sh, r := w.phase(q.Period)
	var list []pitwall.ProfileWindow
	for at := q.Period.From; !at.Add(5 * time.Second).After(q.Period.To); at = at.Add(5 * time.Second) {
		per := pitwall.Period{From: at, To: at.Add(5 * time.Second)}
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
