package slo

import (
	"fmt"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// words says the condition with its numbers.
func (c *condition) words() string {
	t := c.st.Tier
	text := ""
	switch t.When {
	case pitwall.WhenSpent:
		text = c.spentWords()
	case pitwall.WhenExhaustion:
		text = fmt.Sprintf("budget ends within %s at the pace of %s: %s", brief(t.Within), brief(t.Long), c.endsWords())
		text += c.beside()
	case pitwall.WhenRemaining:
		text = fmt.Sprintf("less than %.4g %% of the budget left: %s", t.Percent, c.shareWords(c.st.Value))
	case pitwall.WhenProjected:
		text = fmt.Sprintf("%.4g %% of the %s's budget spent when it ends, at the pace of %s: %s", t.Percent, ofWord(t.Of), brief(t.Long), c.valueWords())
		if t.Within > 0 {
			text += fmt.Sprintf(", and the rest ends within %s: %s", brief(t.Within), c.endsWords())
		}
		text += c.beside()
	case pitwall.WhenTrafficLost:
		text = c.lostWords()
	default:
		text = fmt.Sprintf("burn rate > %.4g over %s", t.Factor, c.burnWords())
	}
	if c.slower != "" {
		text += fmt.Sprintf("; looking back as far as tier %s, for fewer events say nothing", c.slower)
	}
	if c.st.Held != "" {
		text += "; held back: " + c.st.Held
	}
	return text
}

// burnWords are the windows with what they hold.
func (c *condition) burnWords() string {
	t := c.st.Tier
	text := brief(t.Long)
	if t.Short > 0 {
		text += " and over " + brief(t.Short)
	}
	if !c.st.Known {
		return text + ": no requests"
	}
	text += ": " + side(c.st.LongRate, c.st.Long)
	if t.Short > 0 {
		text += " and " + side(c.st.ShortRate, c.st.Short)
	}
	return text
}

func side(rate float64, n pitwall.Counts) string {
	return fmt.Sprintf("%.4g (%d of %d bad)", rate, n.Bad, n.Total())
}

func (c *condition) spentWords() string {
	t := c.st.Tier
	switch {
	case t.Of == pitwall.OfDay:
		return fmt.Sprintf("%.4g %% of the day's budget spent since midnight: %s (%d of %d bad)", t.Percent, c.valueWords(), c.today.trials.Bad, c.today.trials.Total()) + fmt.Sprintf(", %.6g allowed a day", c.dayAllowance(c.day()))
	case c.total:
		return fmt.Sprintf("%.4g %% of the %s's budget spent: %s", t.Percent, ofWord(t.Of), c.shareWords(c.st.Value))
	}
	return fmt.Sprintf("more than %.4g %% of the %s's budget spent within %s, which is a burn rate > %.4g over %s",
		t.Percent, ofWord(t.Of), brief(t.Long), SpentFactor(t, c.whole.Duration()), c.burnWords())
}

func (c *condition) lostWords() string {
	text := fmt.Sprintf("no events over %s where %.4g are expected: ", brief(c.st.Tier.Short), c.st.Limit)
	switch {
	case !c.st.Known:
		return text + "too little is known to expect any"
	case c.short.counts.Total() > 0:
		return text + fmt.Sprintf("%d came", c.short.counts.Total())
	}
	return text + fmt.Sprintf("0 came, %.4g are usual", c.st.Value)
}

// beside is the factor that must be exceeded beside the condition.
func (c *condition) beside() string {
	if c.st.Tier.Factor <= 0 {
		return ""
	}
	return fmt.Sprintf(", and burn rate > %.4g over %s", c.st.Tier.Factor, c.burnWords())
}

func (c *condition) valueWords() string {
	if !c.st.Known {
		return "no requests"
	}
	return fmt.Sprintf("%.4g %%", c.st.Value)
}

func (c *condition) shareWords(percent float64) string {
	if !c.st.Known {
		return "no requests"
	}
	return fmt.Sprintf("%.4g %% (%.6g bad, %.6g allowed in a whole window at this traffic)", percent, c.sum.bad, c.allowance())
}

func (c *condition) endsWords() string {
	switch {
	case !c.st.Known:
		return "no requests"
	case c.never:
		return "it does not end"
	case c.ends <= 0:
		return "it is gone"
	}
	return brief(c.ends.Round(time.Second))
}

func ofWord(of pitwall.BudgetOf) string {
	switch of {
	case pitwall.OfDay, pitwall.OfPeriod:
		return string(of)
	}
	return "window"
}

// brief prints a duration without its empty parts: 15m, not 15m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
