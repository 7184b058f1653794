package alertlint

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// Tiers lints objectives and what they alert on.
func Tiers(slos []pitwall.SLO) []Finding {
	var list []Finding
	for _, s := range slos {
		for _, t := range s.Tiers {
			list = append(list, tier(s, t)...)
		}
		list = append(list, objective(s)...)
	}
	return arrange(list)
}

func at(s pitwall.SLO, alert, rule string, level Level) Finding {
	f := Finding{Rule: rule, Level: level, File: s.Source, Alert: alert, Service: s.Service}
	if name, line, ok := cutLast(s.Source, ":"); ok {
		if n, err := strconv.Atoi(line); err == nil {
			f.File, f.Line = name, n
		}
	}
	return f
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func tier(s pitwall.SLO, t pitwall.BurnTier) (list []Finding) {
	name := string(s.Name) + "/" + t.Name
	if t.When != "" && t.When != pitwall.WhenBurn {
		return nil
	}
	// Decimals as people write them: 10 × (1 − 0.9) is 1 and not a little less.
	if limit := t.Factor * (1 - float64(s.Target)); limit >= 1-1e-9 {
		f := at(s, name, RuleCannotFire, Fault)
		f.What = fmt.Sprintf("burn rate > %s cannot be: %s × (1 − %s) = %s, and no error ratio exceeds 1", short(t.Factor), short(t.Factor), short(float64(s.Target)), short(limit))
		f.Why, f.Instead = "It looks like cover, and there is none.", "raise the objective, or lower the factor"
		f.Replacement = "factor: " + short(0.8/(1-float64(s.Target)))
		list = append(list, f)
	}
	if t.Short <= 0 && t.For <= 0 {
		f := at(s, name, RuleFor, Warning)
		f.What = fmt.Sprintf("it looks at %s alone", t.Long)
		f.Why = fmt.Sprintf("It goes on firing for up to %s after the trouble is over.", t.Long)
		f.Instead = "ask a short window at the same time, a twelfth of the long one"
		f.Replacement = "short: " + (t.Long / 12).String()
		list = append(list, f)
	}
	return list
}

// objective finds what concerns all tiers of an objective.
func objective(s pitwall.SLO) (list []Finding) {
	name := string(s.Name)
	pages := slices.ContainsFunc(s.Tiers, func(t pitwall.BurnTier) bool { return t.Action == pitwall.ActionPage })
	if s.Runbook == "" && pages {
		f := at(s, name, RuleRunbook, Warning)
		f.What, f.Why = "its tiers page, and it names no runbook", "Whoever is woken at three begins with nothing."
		f.Instead, f.Replacement = "annotate it", "annotations:\n  pitwall.dev/runbook: https://…/"+name
		list = append(list, f)
	}
	if s.Owner == "" {
		f := at(s, name, RuleOwner, Note)
		f.What, f.Why = "it has no owner", "Tickets and escalations go to nobody."
		f.Instead, f.Replacement = "annotate it", "annotations:\n  pitwall.dev/owner: …"
		list = append(list, f)
	}
	lost := slices.ContainsFunc(s.Tiers, func(t pitwall.BurnTier) bool { return t.When == pitwall.WhenTrafficLost })
	if pages && !lost && s.SLI.Kind != pitwall.SLIValue && s.SLI.Kind != pitwall.SLIComposite {
		f := at(s, name, RuleBlind, Note)
		f.What, f.Why = "no tier asks whether the traffic is lost", "Without requests there is no error ratio: when nothing arrives any more, no tier fires."
		f.Instead, f.Replacement = "add a tier", "- {name: traffic-lost, when: traffic-lost, short: 5m, action: page}"
		list = append(list, f)
	}
	return list
}

// Fired is one time that an alert fired.
type Fired struct {
	Name    string
	Service pitwall.ServiceName
	From    time.Time
	To      time.Time // zero: it still fires
}

// FiredAlerts are the firings of another system's alerts. Those with the same
// name and service are one alert.
func FiredAlerts(alerts []pitwall.Alert) []Fired {
	list := make([]Fired, 0, len(alerts))
	for _, a := range alerts {
		list = append(list, Fired{a.Name, a.Service, a.From, a.To})
	}
	return list
}

// Deed is something people did: opened a plan, wrote a note, silenced an alert,
// changed something.
type Deed struct {
	At      time.Time
	Service pitwall.ServiceName // empty: any
	Alert   string              // empty: any of the service
	What    string              // "plan", "note", "silence", "change"
}

// History is what fired and what was done.
type History struct {
	Fired []Fired
	Deeds []Deed
	Now   time.Time
	// Least is how often an alert must have fired to be judged; 0: 5.
	Least int
	// After is how long after an alert is over a deed may still answer it; 0: 4 h.
	After time.Duration
}

// Past lints alerts by what became of them: those that nobody ever acted on, and
// those that come and go.
func Past(h History) []Finding {
	h.Least, h.After = cmp.Or(h.Least, 5), cmp.Or(h.After, 4*time.Hour)
	type key struct {
		name    string
		service pitwall.ServiceName
	}
	by := map[key][]Fired{}
	for _, f := range h.Fired {
		k := key{f.Name, f.Service}
		by[k] = append(by[k], f)
	}
	deeds := slices.Clone(h.Deeds)
	slices.SortFunc(deeds, func(a, b Deed) int { return a.At.Compare(b.At) })
	h.Deeds = deeds
	var list []Finding
	for _, fired := range by {
		slices.SortFunc(fired, func(a, b Fired) int { return a.From.Compare(b.From) })
		list = append(list, h.ignored(fired)...)
		list = append(list, h.flapping(fired)...)
	}
	return arrange(list)
}

// over is when a firing ended, or now.
func (h History) over(f Fired) time.Time {
	if f.To.IsZero() {
		return h.Now
	}
	return f.To
}

func (h History) ignored(fired []Fired) []Finding {
	if len(fired) < h.Least {
		return nil
	}
	var lasted []time.Duration
	for _, f := range fired {
		if h.answered(f) {
			return nil
		}
		lasted = append(lasted, h.over(f).Sub(f.From))
	}
	slices.Sort(lasted)
	first, last := fired[0], fired[len(fired)-1]
	return []Finding{{Rule: RuleIgnored, Level: Warning, Alert: first.Name, Service: first.Service,
		What: fmt.Sprintf("fired %d times from %s to %s, for %s in the middle, and no plan, note, silence or change followed within %s", len(fired),
			first.From.UTC().Format(time.DateOnly), last.From.UTC().Format(time.DateOnly), lasted[len(lasted)/2].Round(time.Second), h.After),
		Why: "An alert nobody acts on teaches people to ignore the next one.", Instead: "delete it, let it open a ticket instead of paging, or raise its threshold to where somebody would act"}}
}

// answered says whether a deed followed a firing. The deeds are in time.
func (h History) answered(f Fired) bool {
	until := h.over(f).Add(h.After)
	i, _ := slices.BinarySearchFunc(h.Deeds, f.From, func(d Deed, t time.Time) int { return d.At.Compare(t) })
	for _, d := range h.Deeds[i:] {
		if d.At.After(until) {
			return false
		}
		if (d.Service == "" || f.Service == "" || d.Service == f.Service) && (d.Alert == "" || d.Alert == f.Name) {
			return true
		}
	}
	return false
}

// perHour is how many times an hour an alert may begin and end.
const perHour = 4

// flapping finds the hour with the most beginnings and ends.
func (h History) flapping(fired []Fired) []Finding {
	var moves []time.Time
	var lasted, quiet []time.Duration
	for i, f := range fired {
		moves = append(moves, f.From)
		if !f.To.IsZero() {
			moves, lasted = append(moves, f.To), append(lasted, f.To.Sub(f.From))
		}
		if i > 0 && !fired[i-1].To.IsZero() && f.From.After(fired[i-1].To) {
			quiet = append(quiet, f.From.Sub(fired[i-1].To))
		}
	}
	slices.SortFunc(moves, time.Time.Compare)
	most, when, from := 0, time.Time{}, 0
	for i, m := range moves {
		for m.Sub(moves[from]) >= time.Hour {
			from++
		}
		if n := i - from + 1; n > most {
			most, when = n, moves[from]
		}
	}
	if most < perHour {
		return nil
	}
	f := Finding{Rule: RuleFlapping, Level: Warning, Alert: fired[0].Name, Service: fired[0].Service,
		What: fmt.Sprintf("began or ended %d times in the hour from %s", most, when.UTC().Format("2006-01-02 15:04")),
		Why:  "Each time is a message; whoever reads the third no longer looks.", Instead: "let it hold before it fires, and keep it firing across short lulls"}
	if len(lasted) > 0 {
		f.Replacement = "for: " + minutes(most9(lasted))
	}
	if len(quiet) > 0 {
		f.Replacement += "\nkeep_firing_for: " + minutes(most9(quiet))
	}
	f.Replacement = strings.TrimPrefix(f.Replacement, "\n")
	return []Finding{f}
}

// most9 is the length that nine of ten keep below, at most half an hour, so that
// one long outage does not put the alert off for its length.
func most9(list []time.Duration) time.Duration {
	slices.Sort(list)
	return min(list[len(list)*9/10], 30*time.Minute)
}

func minutes(d time.Duration) string {
	return fmt.Sprintf("%dm", max(1, int64((d+time.Minute-1)/time.Minute)))
}
