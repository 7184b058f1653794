package month

import (
	"cmp"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// State is how an objective did.
type State string

// The states, in the order of a report.
const (
	Missed State = "missed"
	Met    State = "met"
	NoData State = "no-data"
)

// maxDays bounds a period; a longer one is no month.
const maxDays = 400

// Plan is what the report says of a plan.
type Plan struct {
	ID     pitwall.PlanID  `json:"id"`
	SLO    pitwall.SLOName `json:"slo"`
	Title  string          `json:"title,omitempty"`
	State  pitwall.State   `json:"state"`
	Opened time.Time       `json:"opened"`
	Closed time.Time       `json:"closed,omitzero"`
}

// Input is what a report is made of.
type Input struct {
	Period   pitwall.Period
	Previous pitwall.Period // to compare with; zero: no comparison
	// Now ends a period that is still running; zero: it is over.
	Now  time.Time
	Zone *time.Location // of days; nil: UTC
	// Step is how long a step of the ledgers is; zero: a minute.
	Step        time.Duration
	Objectives  []pitwall.SLO // members of composites too
	Steps       []pitwall.LedgerStep
	Corrections []pitwall.Correction
	Alarms      []pitwall.Alarm
	Plans       []Plan
}

// Report is all objectives over a period.
type Report struct {
	Period   pitwall.Period `json:"period"`
	Through  time.Time      `json:"through"` // up to when was counted: the end, or now
	Previous pitwall.Period `json:"previous,omitzero"`
	Zone     string         `json:"zone"`
	Rows     []Row          `json:"rows"` // missed first, then those that spent most
	Met      int            `json:"met"`
	Missed   int            `json:"missed"`
	NoData   int            `json:"no_data"`
	Pages    int            `json:"pages"`
	Opened   int            `json:"plans_opened"`
	Closed   int            `json:"plans_closed"`
}

// Row is one objective over the period.
type Row struct {
	SLO      pitwall.SLOName     `json:"slo"`
	Name     string              `json:"name"`
	Service  pitwall.ServiceName `json:"service"`
	Owner    string              `json:"owner,omitempty"`
	State    State               `json:"state"`
	Target   pitwall.Ratio       `json:"target"`
	Counts   pitwall.Counts      `json:"counts"`
	Slices   *pitwall.Counts     `json:"slices,omitempty"`
	Measured pitwall.Ratio       `json:"measured"` // share of good; meaningless without data
	// Spent is of a budget of exactly this period.
	Spent     pitwall.Ratio        `json:"spent"`
	Coverage  pitwall.Ratio        `json:"coverage"`
	Days      []Day                `json:"days"`
	Worst     *Day                 `json:"worst,omitempty"`     // nil: no day spent anything
	Pages     int                  `json:"pages"`               // stretches of time, not tiers
	Tickets   int                  `json:"tickets"`             // and escalations
	Corrected time.Duration        `json:"corrected,omitempty"` // time that corrections leave out
	Reasons   []pitwall.Correction `json:"corrections,omitempty"`
	Before    Before               `json:"before"`
	Plans     []Plan               `json:"plans,omitempty"` // opened or closed in the period
	Maths     pitwall.Maths        `json:"maths"`
}

// Before is how the same objective did in the period before.
type Before struct {
	Known bool          `json:"known"`
	Spent pitwall.Ratio `json:"spent"`
	// Trend is "better", "worse" or "same", which is within one per cent of the
	// budget; empty: one of both is not known.
	Trend string `json:"trend,omitempty"`
}

// Day is one local day.
type Day struct {
	Date   string         `json:"date"` // 2006-01-02
	Counts pitwall.Counts `json:"counts"`
	// Spent is the share of the period's budget that this day spent.
	Spent pitwall.Ratio `json:"spent"`
	Known bool          `json:"known"` // false: nothing was counted
}

// Build makes the report. A period that is empty, ends before it began to be
// counted, or is longer than 400 days is Invalid.
func Build(in Input) (Report, error) {
	in, err := check(in)
	if err != nil {
		return Report{}, err
	}
	through := in.Period.To
	if !in.Now.IsZero() && in.Now.Before(through) {
		through = in.Now
	}
	r := Report{Period: in.Period, Through: through, Previous: in.Previous, Zone: in.Zone.String(), Rows: []Row{}}
	books, err := ledger(in)
	if err != nil {
		return Report{}, err
	}
	for _, s := range in.Objectives {
		r.Rows = append(r.Rows, in.row(books, s, through))
	}
	for i := range r.Rows {
		r.count(&r.Rows[i])
	}
	slices.SortStableFunc(r.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(order(a.State), order(b.State)), cmp.Compare(b.Spent, a.Spent), cmp.Compare(a.SLO, b.SLO))
	})
	for _, p := range in.Plans {
		if in.Period.Contains(p.Opened) {
			r.Opened++
		}
		if in.Period.Contains(p.Closed) {
			r.Closed++
		}
	}
	return r, nil
}

func order(s State) int { return slices.Index([]State{Missed, Met, NoData}, s) }

func (r *Report) count(row *Row) {
	switch row.State {
	case Met:
		r.Met++
	case Missed:
		r.Missed++
	default:
		r.NoData++
	}
	r.Pages += row.Pages
}

func check(in Input) (Input, error) {
	wrong := func(format string, args ...any) error {
		err := pitwall.Errorf(pitwall.Invalid, "making a report", format, args...)
		err.Hint = "give a period such as a month that has begun"
		return err
	}
	if in.Zone == nil {
		in.Zone = time.UTC
	}
	if in.Step <= 0 {
		in.Step = slo.DefaultStep
	}
	switch {
	case in.Period.Duration() <= 0:
		return in, wrong("the period from %s to %s is empty", in.Period.From.Format(time.RFC3339), in.Period.To.Format(time.RFC3339))
	case in.Period.Duration() > maxDays*24*time.Hour:
		return in, wrong("the period is longer than %d days", maxDays)
	case !in.Now.IsZero() && !in.Now.After(in.Period.From):
		return in, wrong("the period begins at %s, which is yet to come", in.Period.From.Format(time.RFC3339))
	case !in.Previous.IsZero() && (in.Previous.Duration() <= 0 || in.Previous.Duration() > maxDays*24*time.Hour || in.Previous.To.After(in.Period.From)):
		return in, wrong("the period before must end before the period begins")
	}
	return in, nil
}

// plain is an objective whose budget is that of a period of this length.
func plain(s pitwall.SLO, length time.Duration) pitwall.SLO {
	s.Window, s.Calendar, s.Tiers = length, nil, nil
	return s
}

// ledger counts all steps anew, so that corrections, slices and composites are
// judged by the same arithmetic as ever.
func ledger(in Input) (*slo.Ledger, error) {
	from := in.Period.From
	if !in.Previous.IsZero() {
		from = in.Previous.From
	}
	books := make([]pitwall.SLO, 0, len(in.Objectives))
	for _, s := range in.Objectives {
		books = append(books, plain(s, in.Period.To.Sub(from)+in.Step))
	}
	l := slo.NewLedger(books, in.Step)
	l.Correct(in.Corrections)
	by := map[pitwall.SLOName][]pitwall.LedgerStep{}
	for _, st := range in.Steps {
		if at := time.Unix(st.Start, 0); !at.Before(from) && at.Before(in.Period.To) {
			by[st.SLO] = append(by[st.SLO], st)
		}
	}
	seconds := int64(l.Step() / time.Second)
	end := time.Unix((in.Period.To.Unix()+seconds-1)/seconds*seconds, 0)
	for _, s := range in.Objectives {
		if steps := by[s.Name]; len(steps) > 0 {
			if err := l.Count(s.Name, steps, end); err != nil {
				return nil, err
			}
		}
	}
	return l, nil
}

// row judges one objective.
func (in Input) row(l *slo.Ledger, s pitwall.SLO, through time.Time) Row {
	b := l.Budget(plain(s, through.Sub(in.Period.From)), through)
	r := Row{SLO: s.Name, Name: cmp.Or(s.DisplayName, string(s.Name)), Service: s.Service, Owner: s.Owner, State: NoData, Target: s.Target,
		Counts: b.Counts, Slices: b.Slices, Spent: b.Spent, Coverage: b.Coverage, Corrected: b.Corrected, Maths: b.Maths}
	r.Maths.More = nil // of burn rates and what is to come, which a report has not
	if b.Known {
		r.State = Met
		if b.Spent > 1 {
			r.State = Missed
		}
		// Of every method: the share of bad is what of the budget is spent, times the budget.
		r.Measured = 1 - b.Spent*pitwall.Ratio(slo.BudgetShare(s.Target))
	}
	in.days(l, s, b, &r, through)
	if !in.Previous.IsZero() {
		before := l.Evaluate(plain(s, in.Previous.Duration()), in.Previous.To)
		r.Before = Before{Known: before.Known, Spent: before.Spent}
		if before.Known && b.Known {
			r.Before.Trend = trend(before.Spent, b.Spent)
		}
	}
	r.Pages = in.stretches(s.Name, pitwall.ActionPage)
	r.Tickets = in.stretches(s.Name, pitwall.ActionTicket) + in.stretches(s.Name, pitwall.ActionEscalate)
	for _, c := range in.Corrections {
		if c.Covers(s) && c.Period.From.Before(through) && c.Period.To.After(in.Period.From) {
			r.Reasons = append(r.Reasons, c)
		}
	}
	for _, p := range in.Plans {
		if p.SLO == s.Name && (in.Period.Contains(p.Opened) || in.Period.Contains(p.Closed)) {
			r.Plans = append(r.Plans, p)
		}
	}
	return r
}

func trend(before, now pitwall.Ratio) string {
	switch {
	case now > before+0.01:
		return "worse"
	case now < before-0.01:
		return "better"
	}
	return "same"
}

// days fills in each local day. A day's share of the budget is its share of the
// bad events, or bad slices, of the period.
func (in Input) days(l *slo.Ledger, s pitwall.SLO, b pitwall.ErrorBudget, r *Row, through time.Time) {
	all := bad(b)
	for from := in.Period.From; from.Before(through); {
		local := from.In(in.Zone)
		to := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, in.Zone)
		if to.After(through) {
			to = through
		}
		e := l.Evaluate(plain(s, to.Sub(from)), to)
		d := Day{Date: local.Format(time.DateOnly), Counts: e.Counts, Known: e.Known}
		if all > 0 && b.Known {
			d.Spent = b.Spent * pitwall.Ratio(float64(bad(e))/float64(all))
		}
		r.Days = append(r.Days, d)
		if d.Spent > 0 && (r.Worst == nil || d.Spent > r.Worst.Spent) {
			worst := d
			r.Worst = &worst
		}
		from = to
	}
}

func bad(b pitwall.ErrorBudget) uint64 {
	if b.Slices != nil {
		return b.Slices.Bad
	}
	return b.Counts.Bad
}

// stretches counts how often alarms of an action began in the period; tiers that
// fire at the same time are one.
func (in Input) stretches(name pitwall.SLOName, action pitwall.Action) (n int) {
	var list []pitwall.Alarm
	for _, a := range in.Alarms {
		if a.SLO == name && a.Action == action {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b pitwall.Alarm) int { return a.Since.Compare(b.Since) })
	var until time.Time
	open := false // the stretch before is not over
	for _, a := range list {
		if !open && (until.IsZero() || a.Since.After(until)) && in.Period.Contains(a.Since) {
			n++
		}
		open = open || a.Firing()
		if a.Until.After(until) {
			until = a.Until
		}
	}
	return n
}
