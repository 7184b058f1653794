package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// PlanRow is one line of the list of plans.
type PlanRow struct {
	ID        pitwall.PlanID      `json:"id"`
	Service   pitwall.ServiceName `json:"service"`
	SLO       pitwall.SLOName     `json:"slo"`
	What      string              `json:"what"`
	State     pitwall.State       `json:"state"`
	StateWord string              `json:"state_word"`
	Tone      Tone                `json:"tone"`
	Sentence  string              `json:"sentence"`
	Owner     string              `json:"owner"`
	Severity  int                 `json:"severity"`
	OpenedAt  time.Time           `json:"opened_at"`
	Updated   time.Time           `json:"updated_at"`
	Deadline  time.Time           `json:"deadline"`
	Due       string              `json:"due"`
	Overdue   bool                `json:"overdue"`
	Next      string              `json:"next"`
	Cause     string              `json:"cause"`
	Final     bool                `json:"final"`
	Rail      []string            `json:"rail"` // statuses of the phases, for the small rail
}

// List makes the rows of the plans page: those that need a person first, then
// the open ones, then the closed ones, each newest first. live may be nil.
func List(plans []pitwall.Plan, live func(pitwall.PlanID) pitwall.Live, slos []pitwall.SLO, o Options) []PlanRow {
	rows := make([]PlanRow, 0, len(plans))
	for _, p := range plans {
		m := maker{p: p, o: o, slo: findSLO(slos, p.SLO)}
		if live != nil {
			m.live = live(p.ID)
		}
		due, overdue := m.due()
		r := PlanRow{ID: p.ID, Service: p.Service, SLO: p.SLO, What: m.what(), State: p.State, StateWord: m.stateWord(),
			Tone: m.tone(), Sentence: m.sentence(), Owner: orWord(p.Opened.Owner, "nobody"), Severity: int(p.Opened.Severity),
			OpenedAt: p.OpenedAt, Updated: p.Updated, Deadline: p.Opened.Deadline, Due: due, Overdue: overdue,
			Next: strings.TrimPrefix(m.next(), "next: "), Cause: m.causeShort(), Final: p.State.Final()}
		for _, ph := range m.rail() {
			r.Rail = append(r.Rail, ph.Status)
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b PlanRow) int {
		if x, y := rank(a), rank(b); x != y {
			return x - y
		}
		return b.OpenedAt.Compare(a.OpenedAt)
	})
	return rows
}

func rank(r PlanRow) int {
	switch {
	case r.Final:
		return 2
	case r.Tone == ToneWait || r.Tone == ToneBad || r.Tone == ToneWarn:
		return 0
	}
	return 1
}

func findSLO(slos []pitwall.SLO, name pitwall.SLOName) pitwall.SLO {
	for _, s := range slos {
		if s.Name == name {
			return s
		}
	}
	return pitwall.SLO{}
}

// SLORow is one objective with its budget.
type SLORow struct {
	Name      pitwall.SLOName     `json:"name"`
	Title     string              `json:"title"`
	Service   pitwall.ServiceName `json:"service"`
	Objective string              `json:"objective"`
	Target    string              `json:"target"`
	Measured  string              `json:"measured"`
	Good      string              `json:"good"`
	Bad       string              `json:"bad"`
	Left      float64             `json:"left"`
	LeftText  string              `json:"left_text"`
	Burn      string              `json:"burn"`
	EndsIn    string              `json:"ends_in"`
	State     string              `json:"state"` // "burning", "spending", "calm", "overspent", "no data"
	Tone      Tone                `json:"tone"`
	Plan      pitwall.PlanID      `json:"plan,omitempty"` // the open one
	Tiers     []TierRow           `json:"tiers"`
	Source    string              `json:"source"`
	Maths     *Maths              `json:"maths"`
}

// TierRow is one burn tier as evaluated now.
type TierRow struct {
	Name   string `json:"name"`
	Factor string `json:"factor"`
	Long   string `json:"long"` // "12.0× over 1 h"
	Short  string `json:"short"`
	Action string `json:"action"`
	State  string `json:"state"` // "firing", "quiet", "no data"
	Tone   Tone   `json:"tone"`
	Maths  *Maths `json:"maths"`
}

// SLOs makes the rows of the objectives page, the least budget first; no data
// comes before everything, for it looks like health and is not.
func SLOs(slos []pitwall.SLO, budgets []pitwall.ErrorBudget, plans []pitwall.Plan) []SLORow {
	rows := make([]SLORow, 0, len(slos))
	for _, s := range slos {
		b := pitwall.ErrorBudget{SLO: s.Name, Target: s.Target}
		if i := slices.IndexFunc(budgets, func(b pitwall.ErrorBudget) bool { return b.SLO == s.Name }); i >= 0 {
			b = budgets[i]
		}
		r := sloRow(s, b)
		for _, p := range plans {
			if p.SLO == s.Name && !p.State.Final() {
				r.Plan = p.ID
			}
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b SLORow) int {
		if (a.Tone == ToneNoData) != (b.Tone == ToneNoData) {
			if a.Tone == ToneNoData {
				return -1
			}
			return 1
		}
		switch {
		case a.Left < b.Left:
			return -1
		case a.Left > b.Left:
			return 1
		}
		return strings.Compare(string(a.Name), string(b.Name))
	})
	return rows
}

func sloRow(s pitwall.SLO, b pitwall.ErrorBudget) SLORow {
	r := SLORow{Name: s.Name, Title: orWord(s.DisplayName, string(s.Name)), Service: s.Service, Objective: Objective(s),
		Target: Percent(float64(s.Target)), Measured: noData, Good: Count(int64(b.Counts.Good)), Bad: Count(int64(b.Counts.Bad)),
		LeftText: LeftText(b), Burn: noData, EndsIn: "–", Tone: budgetTone(b), State: noData, Source: s.Source, Tiers: []TierRow{}, Maths: BudgetMaths(b)}
	firing := ""
	for _, t := range b.Tiers {
		row := tierRow(t)
		if t.Firing && firing == "" {
			firing = t.Tier.Name
		}
		r.Tiers = append(r.Tiers, row)
	}
	if !b.Known {
		return r
	}
	if ratio, ok := b.Counts.ErrorRatio(); ok {
		r.Measured = Percent(1 - float64(ratio))
	}
	r.Left = float64(b.Remaining())
	if b.BurnKnown {
		r.Burn = Times(b.BurnRate)
	}
	if b.EndsIn > 0 {
		r.EndsIn = Span(b.EndsIn)
	}
	switch {
	case firing != "":
		r.State, r.Tone = "burning ("+firing+")", ToneBad
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

func tierRow(t pitwall.TierState) TierRow {
	r := TierRow{Name: t.Tier.Name, Factor: Times(t.Tier.Factor), Action: string(t.Tier.Action), State: "quiet", Tone: ToneOK,
		Long:  fmt.Sprintf("%s over %s", Times(t.LongRate), Span(t.Tier.Long)),
		Short: fmt.Sprintf("%s over %s", Times(t.ShortRate), Span(t.Tier.Short)), Maths: TierMaths(t)}
	switch {
	case !t.Known:
		r.State, r.Tone, r.Long, r.Short = noData, ToneNoData, noData+" over "+Span(t.Tier.Long), noData+" over "+Span(t.Tier.Short)
	case t.Firing:
		r.State, r.Tone = "firing", ToneBad
	}
	return r
}

// SLOView is one objective in full.
type SLOView struct {
	Schema string `json:"schema"` // "pitwall.slo-view/1"
	SLORow
	YAML   string           `json:"yaml"`
	Series []pitwall.Counts `json:"counts"` // per step, from Start on
	Start  time.Time        `json:"start"`
	Step   float64          `json:"step_s"`
	Charts []ChartView      `json:"charts"`
	Plans  []PlanRow        `json:"plans"`
	Period pitwall.Period   `json:"period"`
}

// SLOInput is what an SLO's page is made from.
type SLOInput struct {
	SLO    pitwall.SLO
	Budget pitwall.ErrorBudget
	Steps  []pitwall.LedgerStep
	Period pitwall.Period
	Step   time.Duration
	Plans  []pitwall.Plan
	Live   func(pitwall.PlanID) pitwall.Live // may be nil
}

// SLODetail makes the page of one objective: its row, its definition, and two
// charts from the same counts.
func SLODetail(in SLOInput, o Options) SLOView {
	rows := SLOs([]pitwall.SLO{in.SLO}, []pitwall.ErrorBudget{in.Budget}, in.Plans)
	v := SLOView{Schema: "pitwall.slo-view/1", SLORow: rows[0], YAML: in.SLO.YAML, Start: in.Period.From, Step: in.Step.Seconds(), Period: in.Period, Series: []pitwall.Counts{}}
	var mine []pitwall.Plan
	for _, p := range in.Plans {
		if p.SLO == in.SLO.Name {
			mine = append(mine, p)
		}
	}
	v.Plans = List(mine, in.Live, []pitwall.SLO{in.SLO}, o)
	bad := pitwall.ChartSeries{Name: "bad share"}
	spent := pitwall.ChartSeries{Name: "budget spent in this window"}
	ideal := pitwall.ChartSeries{Name: "even pace"}
	var sum, all pitwall.Counts
	for _, s := range in.Steps {
		all = all.Add(s.Counts)
	}
	allowed := (1 - float64(in.SLO.Target)) * float64(all.Total())
	for i, s := range in.Steps {
		v.Series = append(v.Series, s.Counts)
		sum = sum.Add(s.Counts)
		t := s.Start * 1000
		var share *float64
		if r, ok := s.Counts.ErrorRatio(); ok {
			x := float64(r)
			share = &x
		}
		bad.T, bad.V = append(bad.T, t), append(bad.V, share)
		if allowed > 0 {
			x, y := float64(sum.Bad)/allowed, float64(i+1)/float64(len(in.Steps))
			spent.T, spent.V = append(spent.T, t), append(spent.V, &x)
			ideal.T, ideal.V = append(ideal.T, t), append(ideal.V, &y)
		}
	}
	limit, full := math.Max(0, 1-float64(in.SLO.Target)), 1.0
	query := fmt.Sprintf("ledger %s, steps of %s", in.SLO.Name, Span(in.Step))
	for i, c := range []pitwall.Chart{
		{Title: "Bad share of requests", Unit: pitwall.UnitRatio, Query: query, Series: []pitwall.ChartSeries{bad}, Limit: &limit},
		{Title: "Budget spent", Unit: pitwall.UnitRatio, Query: query + "; spent = bad so far / ((1 − target) × all requests shown)", Series: []pitwall.ChartSeries{spent, ideal}, Limit: &full},
	} {
		c.Marks = planMarksOf(mine)
		v.Charts = append(v.Charts, chartView(fmt.Sprintf("slo-%d", i+1), c))
	}
	return v
}

func planMarksOf(plans []pitwall.Plan) []pitwall.ChartMark {
	marks := []pitwall.ChartMark{}
	for _, p := range plans {
		marks = append(marks, pitwall.ChartMark{T: p.OpenedAt.UnixMilli(), Label: string(p.ID), Kind: "plan"})
	}
	return marks
}
