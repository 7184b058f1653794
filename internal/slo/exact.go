package slo

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/pitwall/pitwall"
)

// limit is an error ratio as an exact fraction, so that 14.4 × (1 − 0.999) is
// 0.0144 and a ratio of exactly 0.0144 does not exceed it.
type limit struct {
	num, den uint64
	approx   float64
	exact    bool // false: too many digits for the fraction, approx decides
}

// limitOf is factor × (1 − target), both read as the decimals a person wrote.
func limitOf(factor float64, target pitwall.Ratio) limit {
	l := limit{approx: factor * BudgetShare(target)}
	f, fden, ok1 := decimal(factor)
	t, tden, ok2 := decimal(float64(target))
	if !ok1 || !ok2 || t > tden {
		return l
	}
	hi1, num := bits.Mul64(f, tden-t)
	hi2, den := bits.Mul64(fden, tden)
	if hi1 != 0 || hi2 != 0 {
		return l
	}
	return limit{num: num, den: den, approx: l.approx, exact: true}
}

// below1 says whether any error ratio can exceed the limit.
func (l limit) below1() bool {
	if l.exact {
		return l.num < l.den
	}
	return l.approx < 1
}

// exceeded says whether bad/total lies above the limit; no events never do.
func (l limit) exceeded(c pitwall.Counts) bool {
	if c.Total() == 0 {
		return false
	}
	if !l.exact {
		return float64(c.Bad)/float64(c.Total()) > l.approx
	}
	ahi, alo := bits.Mul64(c.Bad, l.den)
	bhi, blo := bits.Mul64(c.Total(), l.num)
	return ahi > bhi || ahi == bhi && alo > blo
}

// decimal gives the shortest decimal that reads back as v, as num/den.
func decimal(v float64) (num, den uint64, ok bool) {
	whole, frac, _ := strings.Cut(strconv.FormatFloat(v, 'f', -1, 64), ".")
	if len(frac) > 18 {
		return 0, 0, false
	}
	num, err := strconv.ParseUint(whole+frac, 10, 64)
	den = 1
	for range frac {
		den *= 10
	}
	return num, den, err == nil
}

// BudgetShare is the share of events that may be bad: 1 − target without the noise of binary fractions: 0.001 for
// 0.999, not 0.0010000000000000009.
func BudgetShare(target pitwall.Ratio) float64 {
	if num, den, ok := decimal(float64(target)); ok && num <= den {
		return float64(den-num) / float64(den)
	}
	return 1 - float64(target)
}
