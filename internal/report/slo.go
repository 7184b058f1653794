package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// SLORow is one objective with its budget.
type SLORow struct {
	Name      pitwall.SLOName     `json:"name"`
	Title     string              `json:"title"`
	Service   pitwall.ServiceName `json:"service"`
	Owner     string              `json:"owner,omitempty"`
	Objective string              `json:"objective"`
	Counted   string              `json:"counted"` // what it is counted from
	Window    string              `json:"window"`  // "over 30 d", "each month (Europe/Berlin)"
	Target    string              `json:"target"`
	Measured  string              `json:"measured"`
	Good      string              `json:"good"`
	Bad       string              `json:"bad"`
	Left      float64             `json:"left"`
	LeftText  string              `json:"left_text"`
	Burn      string              `json:"burn"`
	EndsIn    string              `json:"ends_in"`
	// Projected is what will have been spent when the calendar period ends.
	Projected string         `json:"projected,omitempty"`
	State     string         `json:"state"` // "burning (fast)", "alerting (day-50)", "spending", "calm", "overspent", "no data", "no requests now"
	Tone      Tone           `json:"tone"`
	Problem   string         `json:"problem,omitempty"` // why it cannot be counted
	PartOf    string         `json:"part_of,omitempty"`
	Plan      pitwall.PlanID `json:"plan,omitempty"` // the open one
	Tiers     []TierRow      `json:"tiers"`
	Source    string         `json:"source"`
	Maths     *Maths         `json:"maths"`
	// Of the other numbers; left out where they are not known.
	BurnMaths      *Maths `json:"burn_maths,omitempty"`
	EndsMaths      *Maths `json:"ends_maths,omitempty"`
	ProjectedMaths *Maths `json:"projected_maths,omitempty"`
}

// TierRow is one tier as evaluated now.
type TierRow struct {
	Name   string `json:"name"`
	When   string `json:"when"`   // the condition in words
	Factor string `json:"factor"` // what it fires above
	Long   string `json:"long"`   // "12.0× over 1 h"
	Short  string `json:"short"`
	Action string `json:"action"`
	Then   string `json:"then"`  // what else it asks for: a plan, deploys halted
	State  string `json:"state"` // "firing", "pending", "quiet", "no data"
	Held   string `json:"held,omitempty"`
	Since  string `json:"since,omitempty"`
	Expr   string `json:"expr"`
	Tone   Tone   `json:"tone"`
	Maths  *Maths `json:"maths"`
}

// SLOs makes the rows of the objectives page, the least budget first; no data
// comes before everything, for it looks like health and is not.
func SLOs(slos []pitwall.SLO, budgets []pitwall.ErrorBudget, plans []pitwall.Plan) []SLORow {
	return sloRows(slos, budgets, plans, sloRow)
}

// BriefSLOs is SLOs without tiers and maths, which make most of the work and of
// the text: for lists of thousands.
func BriefSLOs(slos []pitwall.SLO, budgets []pitwall.ErrorBudget, plans []pitwall.Plan) []SLORow {
	return sloRows(slos, budgets, plans, briefRow)
}

func sloRows(slos []pitwall.SLO, budgets []pitwall.ErrorBudget, plans []pitwall.Plan, row func(pitwall.SLO, pitwall.ErrorBudget) SLORow) []SLORow {
	known := make(map[pitwall.SLOName]pitwall.ErrorBudget, len(budgets))
	for _, b := range budgets {
		known[b.SLO] = b
	}
	open := map[pitwall.SLOName]pitwall.PlanID{}
	for _, p := range plans {
		if !p.State.Final() {
			open[p.SLO] = p.ID
		}
	}
	rows := make([]SLORow, 0, len(slos))
	for _, s := range slos {
		b, has := known[s.Name]
		if !has {
			b = pitwall.ErrorBudget{SLO: s.Name, Target: s.Target}
		}
		r := row(s, b)
		r.Plan = open[s.Name]
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b SLORow) int {
		if (a.Tone == ToneNoData) != (b.Tone == ToneNoData) {
			if a.Tone == ToneNoData {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Left, b.Left), cmp.Compare(a.Name, b.Name))
	})
	return rows
}

// sloRow is a row with its tiers and all maths.
func sloRow(s pitwall.SLO, b pitwall.ErrorBudget) SLORow {
	r := briefRow(s, b)
	r.Maths = BudgetMaths(b)
	for _, t := range b.Tiers {
		r.Tiers = append(r.Tiers, tierRow(t, b.At))
	}
	r.BurnMaths = beside(b, "burn_rate", "Burn rate of "+string(s.Name))
	r.EndsMaths = beside(b, "ends_in", "When the budget of "+string(s.Name)+" ends")
	r.ProjectedMaths = beside(b, "projected", "What "+string(s.Name)+" will have spent")
	return r
}

func briefRow(s pitwall.SLO, b pitwall.ErrorBudget) SLORow {
	r := SLORow{Name: s.Name, Title: orWord(s.DisplayName, string(s.Name)), Service: s.Service, Owner: s.Owner, Objective: Objective(s), Counted: CountedFrom(s), Window: WindowText(s),
		Target: Percent(float64(s.Target)), Measured: noData, Good: Count(int64(b.Counts.Good)), Bad: Count(int64(b.Counts.Bad)), PartOf: string(s.PartOf),
		LeftText: LeftText(b), Burn: noData, EndsIn: "–", Tone: budgetTone(b), State: noData, Source: s.Source, Tiers: []TierRow{}}
	if !b.Known {
		return r
	}
	if ratio, ok := b.Counts.ErrorRatio(); ok {
		r.Measured = Percent(1 - float64(ratio))
	}
	if b.Slices != nil {
		if ratio, ok := b.Slices.ErrorRatio(); ok {
			r.Measured = Percent(1-float64(ratio)) + " of slices"
		}
	}
	r.Left = float64(b.Remaining())
	if b.BurnKnown {
		r.Burn = Times(b.BurnRate)
	}
	if b.EndsIn > 0 {
		r.EndsIn = Span(b.EndsIn)
	}
	if b.Projected != nil {
		r.Projected = Percent(float64(*b.Projected))
	}
	switch firing := firingTier(b); {
	case firing != "":
		r.State, r.Tone = firing, ToneBad
	case r.Left <= 0:
		r.State = "overspent"
	case b.BurnKnown && b.BurnRate > 1:
		r.State = "spending"
	case !b.BurnKnown:
		r.State, r.Tone = "no requests now", ToneNoData
	default:
		r.State = "calm"
	}
	return r
}

// firingTier words the worst tier that fires: "burning (fast)", or "alerting
// (day-50)" of one about what was spent while nothing burns any more. What only
// informs that a share of the budget is gone is no alarm: a healthy objective
// passes it every day.
func firingTier(b pitwall.ErrorBudget) string {
	for _, t := range b.Tiers {
		burns := t.Tier.When == "" || t.Tier.When == pitwall.WhenBurn || t.Tier.When == pitwall.WhenExhaustion
		switch {
		case !t.Firing, !burns && t.Tier.Action == pitwall.ActionInform:
			continue
		case burns, b.BurnKnown && b.BurnRate > 1:
			return "burning (" + t.Tier.Name + ")"
		}
		return "alerting (" + t.Tier.Name + ")"
	}
	return ""
}

func tierRow(t pitwall.TierState, at time.Time) TierRow {
	r := TierRow{Name: t.Tier.Name, When: Condition(t.Tier), Factor: tierLimit(t.Tier), Action: string(t.Tier.Action), Then: tierThen(t.Tier), State: "quiet", Tone: ToneOK,
		Held: t.Held, Expr: t.Expr, Maths: TierMaths(t)}
	r.Long, r.Short = tierWindows(t)
	if !t.Since.IsZero() && at.After(t.Since) {
		r.Since = "since " + Span(at.Sub(t.Since))
	}
	switch {
	case t.Firing:
		r.State, r.Tone = "firing", ToneBad
	case !t.Known:
		r.State, r.Tone = noData, ToneNoData
	case t.Held != "":
		r.State, r.Tone = "held back", ToneWarn
	case !t.Since.IsZero():
		r.State, r.Tone = "pending", ToneWarn
	}
	return r
}

// tierWindows are the two columns of numbers of a tier.
func tierWindows(t pitwall.TierState) (long, short string) {
	burn := t.Tier.When == "" || t.Tier.When == pitwall.WhenBurn
	cell := func(rate float64, over time.Duration) string {
		switch {
		case over <= 0:
			return "–"
		case !t.Known:
			return noData + " over " + Span(over)
		case !burn:
			return "over " + Span(over)
		}
		return fmt.Sprintf("%s over %s", Times(rate), Span(over))
	}
	return cell(t.LongRate, t.Tier.Long), cell(t.ShortRate, t.Tier.Short)
}

// SLOView is one objective in full.
type SLOView struct {
	Schema string `json:"schema"` // "pitwall.slo-view/1"
	SLORow
	Description string              `json:"description,omitempty"` // as the file says it
	Elapsed     float64             `json:"elapsed"`               // share of the window that is known, or of the calendar period that is over
	Waiting     *Waiting            `json:"waiting,omitempty"`
	Rules       []Fact              `json:"rules"` // what keeps few events from firing
	Members     []SLORow            `json:"members"`
	Corrections []CorrectionRow     `json:"corrections"`
	Detection   *TableView          `json:"detection,omitempty"`
	Dimensions  []string            `json:"dimensions"` // what its budget can be told apart by
	YAML        string              `json:"yaml"`
	Definition  []Definition        `json:"definitions"` // as it was written, newest first
	Series      []pitwall.Counts    `json:"counts"`      // per step, from Start on
	Start       time.Time           `json:"start"`
	Step        float64             `json:"step_s"`
	Longest     float64             `json:"longest_s"` // the longest that charts can be asked for: the window, or its part that is over
	Charts      []ChartView         `json:"charts"`
	Plans       []PlanRow           `json:"plans"`
	Period      pitwall.Period      `json:"period"`
	Budget      pitwall.ErrorBudget `json:"budget"` // every number as a number
}

// Waiting says that an objective is too young for its tiers.
type Waiting struct {
	Text  string  `json:"text"` // "2 h 10 m of the 6 h needed"
	Share float64 `json:"share"`
}

// Definition is an objective's text as it was at a time.
type Definition struct {
	At     time.Time `json:"at"`
	Source string    `json:"source"`
	Diff   string    `json:"diff"` // to the one before; the whole of the first
}

// CorrectionRow is one correction of a budget.
type CorrectionRow struct {
	pitwall.Correction
	Scope string `json:"scope"`
	Span  string `json:"span"`
	State string `json:"state"` // "left out", "revoked by …"
}

// SLOInput is what an SLO's page is made from.
type SLOInput struct {
	SLO         pitwall.SLO
	Budget      pitwall.ErrorBudget
	Steps       []pitwall.LedgerStep
	Period      pitwall.Period
	Step        time.Duration
	Plans       []pitwall.Plan
	Live        func(pitwall.PlanID) pitwall.Live // may be nil
	Members     []SLORow
	Corrections []pitwall.Correction
	Detection   []pitwall.Detection
	Dimensions  []string
	Definitions []Definition
	Problem     string
	Seen        time.Duration // how long it has been counted
}

// SLODetail makes the page of one objective: its row, its definition, and two
// charts from the same counts.
func SLODetail(in SLOInput, o Options) SLOView {
	rows := SLOs([]pitwall.SLO{in.SLO}, []pitwall.ErrorBudget{in.Budget}, in.Plans)
	v := SLOView{Schema: "pitwall.slo-view/1", SLORow: rows[0], Description: in.SLO.Description, YAML: in.SLO.YAML, Start: in.Period.From, Step: in.Step.Seconds(), Period: in.Period,
		Longest: longestCharts(in).Seconds(), Series: []pitwall.Counts{}, Members: orEmpty(in.Members), Corrections: []CorrectionRow{}, Budget: in.Budget,
		Definition: orEmpty(in.Definitions), Dimensions: orEmpty(in.Dimensions), Rules: fewEvents(in.SLO), Detection: DetectionTable(in.Detection)}
	v.Problem = in.Problem
	v.Elapsed = elapsed(in.Budget)
	v.Waiting = waiting(in)
	for _, c := range in.Corrections {
		v.Corrections = append(v.Corrections, CorrectionOf(c))
	}
	var mine []pitwall.Plan
	for _, p := range in.Plans {
		if p.SLO == in.SLO.Name {
			mine = append(mine, p)
		}
	}
	v.Plans = List(mine, in.Live, []pitwall.SLO{in.SLO}, o)
	for _, s := range in.Steps {
		v.Series = append(v.Series, s.Counts)
	}
	v.Charts = []ChartView{}
	if in.SLO.SLI.Composite == nil || counted(in.Steps) { // else only its members have counts, and charts of no data would be a lie
		v.Charts = sloCharts(in, mine)
	}
	return v
}

func counted(steps []pitwall.LedgerStep) bool {
	return slices.ContainsFunc(steps, func(s pitwall.LedgerStep) bool { return s.Counts.Total() > 0 })
}

func longestCharts(in SLOInput) time.Duration {
	if b := in.Budget; in.SLO.Calendar != nil && b.Window.To.After(b.At) {
		return min(in.SLO.Window, b.At.Sub(b.Window.From))
	}
	return in.SLO.Window
}

// sloCharts draw the bad share and what it spends, beside the even pace that
// would spend the budget exactly. The last point of what is spent is the tile's
// number: the line begins at what was spent before the chart.
func sloCharts(in SLOInput, mine []pitwall.Plan) []ChartView {
	bad := pitwall.ChartSeries{Name: "bad share"}
	spent := pitwall.ChartSeries{Name: "budget spent in this window"}
	ideal := pitwall.ChartSeries{Name: "even pace"}
	var sum, all pitwall.Counts
	for _, s := range in.Steps {
		if !leftOut(in.Corrections, s) {
			all = all.Add(s.Counts)
		}
	}
	perBad := 0.0 // of the budget, one bad event
	if b := in.Budget; b.Known && b.Counts.Bad > 0 {
		perBad = float64(b.Spent) / float64(b.Counts.Bad)
	}
	before := float64(in.Budget.Spent) - perBad*float64(all.Bad)
	for _, s := range in.Steps {
		if !leftOut(in.Corrections, s) {
			sum = sum.Add(s.Counts)
		}
		t := s.Start * 1000
		var share *float64
		if r, ok := s.Counts.ErrorRatio(); ok {
			x := float64(r)
			share = &x
		}
		bad.T, bad.V = append(bad.T, t), append(bad.V, share)
		if in.Budget.Known {
			x, y := before+perBad*float64(sum.Bad), evenPace(in, time.Unix(s.Start, 0))
			spent.T, spent.V = append(spent.T, t), append(spent.V, &x)
			ideal.T, ideal.V = append(ideal.T, t), append(ideal.V, &y)
		}
	}
	limit, full := math.Max(0, 1-float64(in.SLO.Target)), 1.0
	query := fmt.Sprintf("ledger %s, steps of %s", in.SLO.Name, Span(in.Step))
	var views []ChartView
	for i, c := range []pitwall.Chart{
		{Title: "Bad share", Unit: pitwall.UnitRatio, Query: query, Series: []pitwall.ChartSeries{bad}, Limit: &limit},
		{Title: "Budget spent", Unit: pitwall.UnitRatio, Query: query + "; spent = what was spent before + bad so far × spent now / bad of the window", Series: []pitwall.ChartSeries{spent, ideal}, Limit: &full},
	} {
		c.Marks = planMarksOf(mine)
		views = append(views, chartView(fmt.Sprintf("slo-%d", i+1), c))
	}
	return views
}

// leftOut says whether a correction in force takes a step out of the budget; its
// counts stay in the ledger.
func leftOut(list []pitwall.Correction, s pitwall.LedgerStep) bool {
	at := time.Unix(s.Start, 0)
	return slices.ContainsFunc(list, func(c pitwall.Correction) bool {
		return c.Revoked == nil && !at.Before(c.Period.From) && at.Before(c.Period.To)
	})
}

// evenPace is what would be spent at an instant if the budget went evenly: of a
// calendar period the share of it that is over; of a rolling window the line that
// rises by a chart's share of it and ends where the budget is spent exactly.
func evenPace(in SLOInput, at time.Time) float64 {
	w := in.Budget.Window
	if w.Duration() <= 0 {
		return 0
	}
	if in.SLO.Calendar != nil {
		return math.Min(1, math.Max(0, float64(at.Sub(w.From))/float64(w.Duration())))
	}
	return 1 - float64(in.Period.To.Sub(at))/float64(w.Duration())
}

func planMarksOf(plans []pitwall.Plan) []pitwall.ChartMark {
	marks := []pitwall.ChartMark{}
	for _, p := range plans {
		marks = append(marks, pitwall.ChartMark{T: p.OpenedAt.UnixMilli(), Label: string(p.ID), Kind: "plan"})
	}
	return marks
}
