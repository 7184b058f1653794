package report

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
)

func aScan() Scanned {
	effect := 0.12
	values := make([]float64, 200)
	for i := range values {
		values[i] = 10 + float64(i%3)
	}
	values[5] = math.NaN()
	return Scanned{File: "a<b>.csv", Column: "p95", Values: values, At: make([]string, 200), Step: 60, Findings: pitwall.SeriesFindings{Known: 199,
		Changes: []pitwall.ChangePoint{{Index: 96, Kind: pitwall.ShapeStep, Interval: [2]int{94, 99}, Before: 10, After: 11.2,
			Effect: &effect, EffectInterval: &[2]float64{0.1, 0.14}, P: 0.0012, Confirmed: 120}},
		Suspects:  []pitwall.Suspect{{ChangePoint: pitwall.ChangePoint{Index: 190, Kind: pitwall.ShapeRamp, Interval: [2]int{190, 190}, Before: 0, After: -2, P: 0.04}, Needs: 7}},
		Anomalies: []pitwall.Anomaly{{Start: 40, End: 42, Peak: 41, Score: 2, Up: true, Expected: 10, Low: 9, High: 11}}}}
}

func TestScanWords(t *testing.T) {
	s := aScan()
	s.At[96], s.At[40] = "1700000000", "2026-03-02 14:00:00"
	v := Scan(s)
	for got, want := range map[string]string{
		v.Text:              "1 change, 1 suspect and 1 anomaly in 199 points",
		v.Changes[0].Text:   "step up of +12.0 % (+10.0 % to +14.0 %) at row 96 (94 to 99), p 0.001",
		v.Suspects[0].Text:  "perhaps ramp down from 0 to −2 by its end, from row 190, p 0.04; 7 more points will tell",
		v.Anomalies[0].Text: "rows 40 to 42 above what was expected: 12 at row 41, expected 10 (9 to 11)",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if string(v.Changes[0].Time) != "1700000000" || string(v.Anomalies[0].StartTime) != `"2026-03-02 14:00:00"` {
		t.Errorf("%s %s", v.Changes[0].Time, v.Anomalies[0].StartTime)
	}
	if rows := v.Rows(); len(rows) != 3 || rows[0].Row != 40 || rows[2].What != "suspect" {
		t.Errorf("%+v", rows)
	}
	if _, err := json.Marshal(v); err != nil {
		t.Error(err)
	}
}

// TestScanDraws: the change with its interval, the anomaly as a stretch, and
// nothing of the file's name as markup.
func TestScanDraws(t *testing.T) {
	var b strings.Builder
	none := Scanned{File: "none", Values: []float64{math.NaN()}, Findings: pitwall.SeriesFindings{}}
	flat := Scanned{File: "flat", Values: []float64{3, 3, 3}, Findings: pitwall.SeriesFindings{Known: 3}}
	if err := WriteScan(&b, []Scanned{aScan(), none, flat}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`class="within change"`, `class="mark change"`, `class="within odd"`, `class="mark onset"`, "a&lt;b&gt;.csv · p95", "∅ no data", "no change and no anomaly in 3 points"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
		t.Error("a number that is none was drawn")
	}
}

// TestScanNumbers: small values keep their digits, an axis has room for large
// ones, and a p-value is spelled out.
func TestScanNumbers(t *testing.T) {
	for got, want := range map[string]string{
		fine(0.0002054): "0.000205", fine(-0.0002): "−0.0002", fine(0): "0", fine(0.205): "0.205",
		coarse(5.437e8): "544 M", coarse(-123456): "−123 k", coarse(1987): "1,987", coarse(3e15): "3e+15", coarse(1e40): "1e+40",
		probability(0.0000022): "0.000002", probability(0.0123): "0.01", probability(0.04): "0.04", probability(1e-9): "< 0.000001",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
