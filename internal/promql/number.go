package promql

import (
	"fmt"
	"strconv"

	"github.com/pitwall/pitwall"
)

// Literal writes a number as rules have it, without an exponent.
func Literal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Clean keeps twelve digits, more than any person wrote, and so drops the noise
// of binary fractions: of 1 − 0.999 it makes 0.001.
func Clean(v float64) float64 {
	c, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64) // it was just written
	return c
}

// Sign is a comparison as PromQL and people write it.
func Sign(c pitwall.Compare) (string, error) {
	if s := sign(c); s != "" {
		return s, nil
	}
	return "", fmt.Errorf("value is compared by %q", c)
}

// OpenEvents is OpenCounter of each counter of an indicator that counts events;
// one that it does not have stays "". It needs two of them.
func OpenEvents(q pitwall.SLIQuery) (good, bad, total string, err error) {
	queries, missing := []*string{&q.Good, &q.Bad, &q.Total}, 0 // q is a copy
	for _, query := range queries {
		if *query == "" {
			missing++
			continue
		}
		if *query, err = OpenCounter(*query); err != nil {
			return "", "", "", err
		}
	}
	if missing > 1 {
		return "", "", "", fmt.Errorf("two of good, bad and total are needed")
	}
	return q.Good, q.Bad, q.Total, nil
}
