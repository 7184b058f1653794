package report

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// TestAnyFileIsDrawn: the greatest numbers there are, names and times that are
// markup, and points without a value.
func TestAnyFileIsDrawn(t *testing.T) {
	for name, v := range map[string][]float64{"huge": {-1.7e308, 1.7e308, 0}, "nothing": {math.NaN()}, "one": {3}, "tiny": {5e-324, 0}} {
		var b bytes.Buffer
		err := WriteScan(&b, []Scanned{{File: "<b>", Column: `"><script>`, Values: v, At: []string{"</text><script>", "1e5", "x"}[:len(v)]}})
		if err != nil || strings.Contains(b.String(), "<script>") || strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
