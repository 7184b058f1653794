package slo

import (
	"math/big"
	"strconv"
	"time"

	"github.com/pitwall/pitwall"
)

// Timing is how a burn condition behaves when the error ratio is constant from a
// clean state on, looked at in every instant. All numbers are exact decimals.
type Timing struct {
	Reachable bool // some error ratio exceeds factor × (1 − target)
	Fires     bool // this one does; the limit itself does not
	BurnRate  *big.Rat
	// Detect is how many seconds after the errors began both windows exceed the
	// factor: long × factor / burn rate, plus For. Reset is how many seconds after
	// they ended the short window no longer does: short × (1 − factor / burn
	// rate); ResetLong is that of the long window alone.
	Detect, Reset, ResetLong *big.Rat
	Spent                    *big.Rat // share of the budget when it fires, without For: factor × long / window
	EndsIn                   *big.Rat // seconds until a full budget is gone; nil: never
}

// TimingOf gives the timing of a tier that is a burn rate, at an error ratio.
func TimingOf(t pitwall.BurnTier, s pitwall.SLO, errorRatio float64) Timing {
	t, _ = asBurn(t, s)
	budget := new(big.Rat).Sub(big.NewRat(1, 1), rat(float64(s.Target)))
	if budget.Sign() <= 0 {
		return Timing{BurnRate: new(big.Rat)}
	}
	return timing(t, s.Window, budget, new(big.Rat).Quo(rat(errorRatio), budget))
}

func timing(t pitwall.BurnTier, window time.Duration, budget, burn *big.Rat) Timing {
	one, factor := big.NewRat(1, 1), rat(t.Factor)
	out := Timing{BurnRate: burn, Reachable: new(big.Rat).Mul(factor, budget).Cmp(one) < 0, Fires: burn.Cmp(factor) > 0}
	if burn.Sign() > 0 {
		out.EndsIn = new(big.Rat).Quo(seconds(window), burn)
	}
	if !out.Fires {
		return out
	}
	part := new(big.Rat).Quo(factor, burn)
	rest := new(big.Rat).Sub(one, part)
	out.Detect = new(big.Rat).Mul(seconds(t.Long), part)
	out.Detect.Add(out.Detect, seconds(t.For))
	out.Reset = new(big.Rat).Mul(seconds(t.Short), rest)
	out.ResetLong = new(big.Rat).Mul(seconds(t.Long), rest)
	out.Spent = new(big.Rat).Quo(new(big.Rat).Mul(factor, seconds(t.Long)), seconds(window))
	return out
}

// Rates are the burn rates of a detection table: from a budget that lasts
// exactly to a total outage at 99.9 %.
func Rates() []float64 {
	return []float64{1, 1.5, 2, 3, 5, 6, 10, 14.4, 20, 28.8, 30, 50, 100, 200, 500, 1000}
}

// Table says for each burn rate which tier of an objective notices it first, how
// late, how long it goes on when the burn is over, and what is spent by then. A
// burn rate that not even everything failing gives is left out; without rates it
// is those of Rates.
func Table(s pitwall.SLO, rates ...float64) []pitwall.Detection {
	if len(rates) == 0 {
		rates = Rates()
	}
	budget := new(big.Rat).Sub(big.NewRat(1, 1), rat(float64(s.Target)))
	var rows []pitwall.Detection
	for _, r := range rates {
		burn := rat(r)
		if budget.Sign() <= 0 || burn.Sign() <= 0 || new(big.Rat).Mul(burn, budget).Cmp(big.NewRat(1, 1)) > 0 {
			continue
		}
		rows = append(rows, first(s, budget, burn))
	}
	return rows
}

// first is the row of one burn rate: of tiers that fire at the same time the
// worst, which stands first.
func first(s pitwall.SLO, budget, burn *big.Rat) pitwall.Detection {
	rate, _ := burn.Float64()
	row := pitwall.Detection{BurnRate: rate, EndsIn: duration(new(big.Rat).Quo(seconds(s.Window), burn))}
	var best *big.Rat
	for _, tier := range s.Tiers {
		t, ok := asBurn(tier, s)
		if !ok {
			continue
		}
		at := timing(t, s.Window, budget, burn)
		if !at.Fires || best != nil && at.Detect.Cmp(best) >= 0 {
			continue
		}
		best = at.Detect
		spent, _ := new(big.Rat).Quo(new(big.Rat).Mul(at.Detect, burn), seconds(s.Window)).Float64()
		row.Tier, row.Action, row.Detect, row.Reset, row.Spent = t.Name, t.Action, duration(at.Detect), duration(at.Reset), pitwall.Ratio(spent)
	}
	return row
}

// rat is the decimal a person wrote, exactly.
func rat(v float64) *big.Rat {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(v, 'g', -1, 64))
	if !ok {
		return new(big.Rat)
	}
	return r
}

func seconds(d time.Duration) *big.Rat { return big.NewRat(int64(d), int64(time.Second)) }

// duration rounds to the nanosecond; longer than can be said is the longest.
func duration(r *big.Rat) time.Duration {
	f, _ := new(big.Rat).Mul(r, big.NewRat(int64(time.Second), 1)).Float64()
	return time.Duration(min(f, 1<<62))
}
