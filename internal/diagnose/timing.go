package diagnose

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	// announced is by how much a change may be stamped after its first effect:
	// controllers report when a rollout is through. What was only inferred from
	// telemetry arrives with the telemetry.
	announced = 2 * time.Second
	inferred  = 15 * time.Second
	// unproven is how long before the onset a change may lie that touches
	// nothing of the kind and is suspected for its place and time alone.
	unproven = 90 * time.Second
)

// onset is the latest moment at which the trouble may have begun.
func (x *inquiry) onset() time.Time { return x.onsetBand().Latest }

// onsetAt is its likeliest moment.
func (x *inquiry) onsetAt() time.Time { return x.onsetBand().At }

// lastPart says that the window is the last part of a trouble that began long before
// it: what happened in between is not seen.
func (x *inquiry) lastPart() bool {
	latest := x.q.Regression.Onset.Latest
	return !latest.IsZero() && x.q.Window.From.Sub(latest) > x.q.Window.Duration()/10
}

// wrongTime judges when a change took effect; a commit takes it later than it
// was merged.
func (x *inquiry) wrongTime(at time.Time, c pitwall.Change) string {
	slack := announced
	if c.SeenBy == pitwall.SeenByTelemetry {
		slack = inferred
	}
	if x.noSpans != "" {
		slack += x.rowStep() // a row tells of the time around its stamp
	}
	switch after := at.Sub(x.onset()); {
	case after > slack:
		return fmt.Sprintf("it came %s after the trouble had begun", apart(after))
	case c.At.Before(x.q.Baseline.From):
		return "it came before the baseline, which was good with it"
	}
	return ""
}

// prompt says that the trouble began with what took effect at a moment: within
// what is uncertain of the onset and of an announcement. Rows date an onset too
// coarsely to say so.
func (x *inquiry) prompt(at time.Time) bool {
	o := x.q.Regression.Onset
	if x.noSpans != "" || o.Earliest.IsZero() || o.Latest.IsZero() {
		return false
	}
	return !at.Before(o.Earliest.Add(-announced)) && !at.After(o.Latest.Add(announced))
}

// when words how a blamed change lies to the onset: "0.4 s before the slowdown
// began (09:36:19 ± 1 s)".
func (x *inquiry) when(c pitwall.Change) string {
	trouble := "slowdown"
	if x.errors {
		trouble = "failures"
	}
	o := x.q.Regression.Onset
	switch {
	case x.noSpans != "":
		o, trouble = x.onsetBand(), "trouble"
	case o.At.IsZero():
		o.At = x.q.Window.From
	}
	if lead := o.At.Sub(c.At); lead > 0 {
		return fmt.Sprintf("%s before the %s began (%s)", apart(lead), trouble, uncertain(o))
	}
	return fmt.Sprintf("within the uncertainty of the onset (%s)", uncertain(o))
}

// uncertain words an onset: "09:36:19 ± 1 s", or both ends where they are not
// as far.
func uncertain(o pitwall.Onset) string {
	down, up := o.At.Sub(o.Earliest), o.Latest.Sub(o.At)
	switch {
	case o.Earliest.IsZero() || o.Latest.IsZero() || down < 0 || up < 0:
		return clock(o.At)
	case (down - up).Abs() <= max(down, up)/2:
		return fmt.Sprintf("%s ± %s", clock(o.At), apart(max(down, up)))
	}
	return fmt.Sprintf("between %s and %s", clock(o.Earliest), clock(o.Latest))
}

// apart words how far two moments are from each other: "0.4 s", "12 s", "3 min".
func apart(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 9.95:
		return fmt.Sprintf("%.2g s", max(s, 0.01))
	case s < 100:
		return fmt.Sprintf("%.0f s", s)
	case s < 100*60:
		return fmt.Sprintf("%.0f min", s/60)
	default:
		return fmt.Sprintf("%.0f h", s/3600)
	}
}
