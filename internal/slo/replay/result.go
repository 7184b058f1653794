package replay

import (
	"cmp"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// Result is what would have happened.
type Result struct {
	SLO    pitwall.SLOName `json:"slo"`
	Target pitwall.Ratio   `json:"target"`
	Period pitwall.Period  `json:"period"`
	Every  time.Duration   `json:"every"`
	// Firings are every tier's, in time; those of one tier do not overlap.
	Firings []Firing `json:"firings"`
	// Pages are the stretches in which at least one tier would have paged:
	// how often somebody is woken. Tickets are those of tickets and escalations.
	Pages   []Episode `json:"pages"`
	Tickets []Episode `json:"tickets"`
	// PerWeek are pages a week.
	PerWeek float64 `json:"pages_per_week"`
	// Longest is the longest page, as far as the period shows it.
	Longest time.Duration `json:"longest_page"`
	// Worst is the most of the budget that was spent at any instant; WorstAt when.
	Worst   pitwall.Ratio `json:"worst_spent"`
	WorstAt time.Time     `json:"worst_at,omitzero"`
	// Exhausted is when the budget was gone for the first time; zero: never.
	Exhausted time.Time `json:"exhausted,omitzero"`
	// Known is false if no events were counted in the period.
	Known bool `json:"known"`
	// Incidents say how each was noticed, in the order given.
	Incidents []Noticed `json:"incidents,omitempty"`
	Missed    int       `json:"missed_incidents"`
	False     int       `json:"false_pages"` // belong to no incident; 0 without labels
	// Table is how fast each constant burn is noticed from a clean state.
	Table []pitwall.Detection `json:"table"`
	// Evaluated is at how many of the Instants more than sums had to be looked at.
	Instants  int `json:"instants"`
	Evaluated int `json:"evaluated"`
}

// Firing is one time that a tier fired.
type Firing struct {
	Tier   string         `json:"tier"`
	Action pitwall.Action `json:"action"`
	From   time.Time      `json:"from"`
	To     time.Time      `json:"to,omitzero"` // zero: it still fired at the end
	// Spent is how much of the budget was spent when it began.
	Spent pitwall.Ratio  `json:"spent"`
	Long  pitwall.Counts `json:"long"` // when it began
	Short pitwall.Counts `json:"short"`
	// Inhibited: a worse tier fired already when it began, so nobody heard of it.
	Inhibited bool `json:"inhibited,omitempty"`
	Plan      bool `json:"plan,omitempty"` // it would have opened a plan
	// Incident is the number of the one it belongs to, from 1; 0: none.
	Incident int `json:"incident,omitempty"`

	long time.Duration
}

// over is when a firing ended, or the end of what was replayed.
func (f Firing) over(end time.Time) time.Time {
	if f.To.IsZero() {
		return end
	}
	return f.To
}

// Episode is a stretch in which at least one tier of an action fired.
type Episode struct {
	From  time.Time     `json:"from"`
	To    time.Time     `json:"to"`
	Tiers []string      `json:"tiers"` // in the order they fired
	Spent pitwall.Ratio `json:"spent"` // of the budget when it began
	// Incident is the number of the one it belongs to, from 1; 0: none.
	Incident int `json:"incident,omitempty"`
}

// Noticed is how an incident was noticed.
type Noticed struct {
	Period pitwall.Period `json:"period"`
	Paged  bool           `json:"paged"`
	Tier   string         `json:"tier,omitempty"` // the first that paged
	// Delay is from its beginning to the page; 0: somebody was awake already.
	Delay time.Duration `json:"delay,omitempty"`
	Spent pitwall.Ratio `json:"spent,omitempty"` // of the budget at the page
	// Ticket says that at least a ticket was written, when nobody was paged.
	Ticket bool `json:"ticket,omitempty"`
}

// sum up what the firings come to.
func (r *Result) sum(incidents []pitwall.Period) {
	slices.SortStableFunc(r.Firings, func(a, b Firing) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Tier, b.Tier)) })
	about := make([][]Firing, len(incidents))
	for i := range r.Firings {
		f := &r.Firings[i]
		for k, n := range f.of(incidents, r.Period.To) {
			if k == 0 {
				f.Incident = n + 1
			}
			about[n] = append(about[n], *f)
		}
	}
	page := func(f Firing) bool { return f.Action == pitwall.ActionPage }
	ticket := func(f Firing) bool { return f.Action == pitwall.ActionTicket || f.Action == pitwall.ActionEscalate }
	r.Pages, r.Tickets = r.episodes(page), r.episodes(ticket)
	for _, e := range r.Pages {
		r.Longest = max(r.Longest, e.To.Sub(e.From))
		if e.Incident == 0 && len(incidents) > 0 {
			r.False++
		}
	}
	if weeks := r.Period.Duration().Hours() / (7 * 24); weeks > 0 {
		r.PerWeek = float64(len(r.Pages)) / weeks
	}
	for i, p := range incidents {
		n := noticed(p, about[i], page, ticket)
		if !n.Paged {
			r.Missed++
		}
		r.Incidents = append(r.Incidents, n)
	}
}

// of gives the incidents that a firing is about: those it overlaps; if there are
// none, the last one before it that its long window still sees.
func (f Firing) of(incidents []pitwall.Period, end time.Time) (list []int) {
	last := -1
	for i, p := range incidents {
		switch {
		case f.From.Before(p.To) && f.over(end).After(p.From):
			list = append(list, i)
		case !p.To.After(f.From) && f.From.Before(p.To.Add(f.long)) && (last < 0 || p.To.After(incidents[last].To)):
			last = i
		}
	}
	if len(list) == 0 && last >= 0 {
		list = []int{last}
	}
	return list
}

func (r *Result) episodes(of func(Firing) bool) []Episode {
	list := []Episode{}
	for _, f := range r.Firings {
		if !of(f) {
			continue
		}
		to := f.over(r.Period.To)
		if last := len(list) - 1; last >= 0 && !f.From.After(list[last].To) {
			e := &list[last]
			if to.After(e.To) {
				e.To = to
			}
			if !slices.Contains(e.Tiers, f.Tier) {
				e.Tiers = append(e.Tiers, f.Tier)
			}
			e.Incident = cmp.Or(e.Incident, f.Incident)
			continue
		}
		list = append(list, Episode{From: f.From, To: to, Tiers: []string{f.Tier}, Spent: f.Spent, Incident: f.Incident})
	}
	return list
}

// noticed finds the first page among the firings about an incident.
func noticed(p pitwall.Period, about []Firing, page, ticket func(Firing) bool) Noticed {
	n := Noticed{Period: p}
	for _, f := range about {
		switch {
		case page(f):
			n.Paged, n.Tier, n.Spent, n.Ticket = true, f.Tier, f.Spent, false
			n.Delay = max(0, f.From.Sub(p.From))
			return n
		case ticket(f):
			n.Ticket = true
		}
	}
	return n
}
