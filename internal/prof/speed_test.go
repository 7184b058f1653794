package prof

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/pitwall/pitwall"
)

// large makes windows as a big service gives them: 2,000 distinct stacks each,
// 8 to 40 frames deep, of 3,000 functions that call each other as in a tree.
func large(tb testing.TB, windows int) []pitwall.ProfileWindow {
	tb.Helper()
	rng := rand.New(rand.NewPCG(7, 7))
	names := make([]string, 3000)
	for i := range names {
		names[i] = fmt.Sprintf("github.com/acme/shop/internal/part%d.(*Service).method%d", i/40, i)
	}
	stack := func() []int { // the root is number 0; a function calls one of six
		path := []int{0}
		for range 8 + rng.IntN(33) {
			path = append(path, (path[len(path)-1]*6+1+rng.IntN(6))%len(names))
		}
		slices.Reverse(path)
		return path
	}
	common := make([][]int, 1500)
	for i := range common {
		common[i] = stack()
	}
	out := make([]pitwall.ProfileWindow, windows)
	for w := range out {
		p := &profile.Profile{
			SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
			PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 10e6,
		}
		for i, n := range names {
			f := &profile.Function{ID: uint64(i + 1), Name: n, SystemName: n, Filename: "part.go"}
			p.Function = append(p.Function, f)
			p.Location = append(p.Location, &profile.Location{ID: f.ID, Address: f.ID * 64, Line: []profile.Line{{Function: f, Line: int64(i)}}})
		}
		for i := range 2000 {
			path := stack()
			if i < len(common) {
				path = common[i]
			}
			s := &profile.Sample{Value: []int64{1 + rng.Int64N(3), 0}}
			s.Value[1] = s.Value[0] * 10e6
			for _, f := range path {
				s.Location = append(s.Location, p.Location[f])
			}
			p.Sample = append(p.Sample, s)
		}
		data, err := encode(p)
		if err != nil {
			tb.Fatal(err)
		}
		out[w] = pitwall.ProfileWindow{Service: "shop", Type: pitwall.ProfileCPU, Requests: 9000 + rng.Int64N(2000), Data: data}
	}
	return out
}

// BenchmarkDiff compares 30 large windows with 30.
func BenchmarkDiff(b *testing.B) {
	ws := large(b, 60)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Diff(ws[:30], ws[30:], Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
