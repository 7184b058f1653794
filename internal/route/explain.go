package route

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// Explain says, line by line, what would become of an alarm: the routes it
// takes, who is told and who has duty, and what keeps it quiet.
func (r *Routes) Explain(a pitwall.Alarm, now time.Time) []string {
	s := ofAlarm(a)
	list := r.targets(s)
	var lines []string
	if len(list) == 0 {
		lines = append(lines, "nobody is told: "+r.whyNobody(s))
	}
	var last *Route
	for _, t := range list {
		if t.route != last {
			lines = append(lines, fmt.Sprintf("route %s matches %s", t.route.Source, t.route.Match))
			last = t.route
		}
		lines = append(lines, "  "+r.tells(t, a, now))
	}
	if w, quiet := quietFor(r.open(now), s); quiet {
		lines = append(lines, fmt.Sprintf("quiet until %s: window %q of %s, %s", w.until(w.since).UTC().Format(time.RFC3339), w.Name, w.By, w.Reason))
	}
	for _, v := range r.Inhibit {
		if slices.Contains(v.Silences, string(a.Action)) {
			lines = append(lines, fmt.Sprintf("silent while %s fires on the same %s", strings.Join(v.By, " or "), v.Same))
		}
	}
	return lines
}

func (r *Routes) whyNobody(s subject) string {
	for _, route := range r.Routes {
		if route.Match.fits(s) {
			return fmt.Sprintf("route %s matches %s and names no receiver", route.Source, route.Match)
		}
	}
	return "there is no routing file"
}

// tells words one receiver's part.
func (r *Routes) tells(t target, a pitwall.Alarm, now time.Time) string {
	v := r.receiver(t.receiver)
	if v != nil && v.Alertmanager != nil {
		return fmt.Sprintf("%s (alertmanager) has it while it fires, and groups it itself", t.receiver)
	}
	kind := "unknown"
	if v != nil {
		kind = v.Kind()
	}
	text := fmt.Sprintf("%s (%s) is told after %s, grouped by %s", t.receiver, kind, spanText(t.route.After+t.route.Wait), t.route.grouping(a))
	if t.route.Repeat > 0 {
		text += ", again every " + spanText(t.route.Repeat)
	}
	if t.route.OnCall == "" {
		return text
	}
	duty, ok := r.OnCall(t.route.OnCall, now)
	if !ok {
		return text + "; nobody is on call in " + t.route.OnCall + " yet"
	}
	text += fmt.Sprintf("; on call in %s is %s until %s", t.route.OnCall, duty.Person.Name, duty.Until.Format(time.RFC3339))
	if duty.Reason != "" {
		text += " (" + duty.Reason + ")"
	}
	return text
}

func (r *Route) grouping(a pitwall.Alarm) string {
	switch {
	case len(r.GroupBy) == 0:
		return "nothing: one group for all"
	case r.GroupBy[0] == correlation:
		return "correlation"
	}
	return r.valueOf(a)
}
