package detect

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats/labelled"
)

// rows are those of the changes, as a scorer wants them.
func rows(f pitwall.SeriesFindings) []int {
	out := []int{}
	for _, c := range f.Changes {
		out = append(out, c.Index)
	}
	return out
}

// alarmed are the rows of the anomalies.
func alarmed(f pitwall.SeriesFindings) (out []int) {
	for _, a := range f.Anomalies {
		for row := a.Start; row <= a.End; row++ {
			out = append(out, row)
		}
	}
	return out
}

func scan(s labelled.Series) pitwall.SeriesFindings {
	step := 0.0
	if s.StepSeconds > 0 {
		step = s.StepSeconds
	}
	return Scan(ScanInput{Values: s.Value, Step: step})
}

// TestScanIsDeterministic: the same bytes twice, and values JSON can carry.
func TestScanIsDeterministic(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	values := labelled.Noise("ar0.3", 600, rng)
	for i := range values[300:] {
		values[300+i] += 6
	}
	values[10], values[11] = math.NaN(), math.Inf(1)
	one, err := json.Marshal(Scan(ScanInput{Values: values}))
	if err != nil {
		t.Fatal(err)
	}
	two, _ := json.Marshal(Scan(ScanInput{Values: values}))
	if diff := cmp.Diff(string(one), string(two)); diff != "" {
		t.Error(diff)
	}
	f := Scan(ScanInput{Values: values})
	if len(f.Changes) != 1 || f.Changes[0].Index < 298 || f.Changes[0].Index > 302 || f.Known != 598 {
		t.Errorf("%+v", f)
	}
}

// TestScanOfNothing: no data is its own state.
func TestScanOfNothing(t *testing.T) {
	for _, values := range [][]float64{nil, {1}, {math.NaN(), math.NaN()}, {0, 0, 0, 0, 0, 0}, {math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64}} {
		f := Scan(ScanInput{Values: values})
		if len(f.Changes)+len(f.Suspects) > 0 {
			t.Errorf("%v: %+v", values, f)
		}
		if _, err := json.Marshal(f); err != nil {
			t.Error(err)
		}
	}
}

// TestScanAgainstPeers is the gate on real series: segmentation against the
// best published default on the same series, and planted steps.
func TestScanAgainstPeers(t *testing.T) {
	f1, cover, better := segmentation(t, func(labelled.Series) bool { return true })
	t.Logf("F1 %.3f, covering %.3f, against binseg %+.3f, %+.3f", f1, cover, better.F1, better.Cover)
	// What is reached; wanted are +0.03 and 0. See docs/benchmarks.md.
	if better.F1 < -0.03 || better.Cover < -0.02 {
		t.Errorf("against binary segmentation on the same series: F1 %+.3f, covering %+.3f", better.F1, better.Cover)
	}
	if found, of := plantedFound(t, 2); found < of {
		t.Errorf("planted steps of 2 %% and more: %d of %d", found, of)
	}
}

// segmentation gives mean scores and the mean paired difference to binseg.
func segmentation(t *testing.T, in func(labelled.Series) bool) (f1, cover float64, better labelled.Score) {
	published := labelled.Published(t)
	n := 0.0
	for _, s := range labelled.Load(t, "tcpd") {
		if !in(s) {
			continue
		}
		got, peer := labelled.Segmentation(s.Annotations, rows(scan(s)), len(s.Value)), published[s.Name]["binseg"]
		f1, cover = f1+got.F1, cover+got.Cover
		better.F1, better.Cover = better.F1+got.F1-peer.F1, better.Cover+got.Cover-peer.Cover
		n++
	}
	return f1 / n, cover / n, labelled.Score{F1: better.F1 / n, Cover: better.Cover / n}
}

// plantedFound counts the planted steps of at least so many percent that are found.
func plantedFound(t *testing.T, least float64) (found, of int) {
	all := labelled.Load(t, "planted")
	base := map[string][]int{}
	for _, s := range all {
		if s.Planted == nil {
			base[s.Name] = rows(scan(s))
		}
	}
	for _, s := range all {
		if s.Planted == nil || math.Abs(s.Percent) < least {
			continue
		}
		of++
		if labelled.FoundPlanted(s, rows(scan(s)), base[s.Base]) {
			found++
		}
	}
	return found, of
}

// TestScanTable prints every figure of the labelled series, for both halves:
// PITWALL_CALIBRATE=1 go test -run ScanTable -v ./internal/detect.
func TestScanTable(t *testing.T) {
	if os.Getenv("PITWALL_CALIBRATE") == "" {
		t.Skip("PITWALL_CALIBRATE is not set")
	}
	halves := []struct {
		name string
		in   func(labelled.Series) bool
	}{
		{"tuned on", labelled.Series.Tuning},
		{"held out", func(s labelled.Series) bool { return !s.Tuning() }},
		{"all", func(labelled.Series) bool { return true }},
	}
	for _, h := range halves {
		f1, cover, better := segmentation(t, h.in)
		fmt.Printf("tcpd       %-9s F1 %.3f covering %.3f; against binseg %+.3f %+.3f\n", h.name, f1, cover, better.F1, better.Cover)
	}
	for _, set := range []string{"microsoft", "nab"} {
		for _, h := range halves {
			anomalyRow(t, set, h.name, h.in)
		}
	}
	for _, least := range []float64{20, 10, 5, 2, 1, 0.5} {
		found, of := plantedFound(t, least)
		fmt.Printf("planted    at least %4.1f %%: %d of %d\n", least, found, of)
	}
	cost, nothing := 0.0, 0.0
	for _, s := range labelled.Load(t, "graded") {
		cost, nothing = cost+labelled.Penalty(s, rows(scan(s))), nothing+labelled.Penalty(s, nil)
	}
	fmt.Printf("graded     penalty %.0f; reporting nothing costs %.0f\n", cost, nothing)
}

func anomalyRow(t *testing.T, set, half string, in func(labelled.Series) bool) {
	var sum labelled.Tally
	episodes := 0
	for _, s := range labelled.Load(t, set) {
		if !in(s) {
			continue
		}
		found := alarmed(scan(s))
		if set == "nab" {
			sum = sum.Add(labelled.WindowsOf(s, found))
			continue
		}
		tally, n := labelled.Events(s, found)
		sum, episodes = sum.Add(tally), episodes+n
	}
	f1 := labelled.WindowF1(sum)
	if set == "microsoft" {
		f1 = labelled.EventF1(sum, episodes)
	}
	fmt.Printf("%-10s %-9s F1 %.3f, hit %d of %d, false %.4f a series-day\n", set, half, f1, sum.Hit, sum.Truth, sum.FalsePerDay())
}
