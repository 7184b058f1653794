package report

import (
	"fmt"

	"github.com/pitwall/pitwall"
)

// SpentView says which values of a dimension spent a budget.
type SpentView struct {
	Schema     string          `json:"schema"` // "pitwall.slo-spent/1"
	SLO        pitwall.SLOName `json:"slo"`
	By         string          `json:"by"`
	Period     pitwall.Period  `json:"period"`
	Sentence   string          `json:"sentence"`
	Rows       []SpentRow      `json:"rows"`
	Dimensions []string        `json:"dimensions"` // what else it can be told apart by, the most telling first
	Covered    string          `json:"covered"`
	Note       string          `json:"note,omitempty"`
	Maths      *Maths          `json:"maths"`
}

// SpentRow is one value of the dimension.
type SpentRow struct {
	Value    string  `json:"value"`
	Bad      string  `json:"bad"`
	Total    string  `json:"total"`
	BadShare string  `json:"bad_share"` // of its own events
	OfBad    string  `json:"of_bad"`    // of all bad events
	Low      string  `json:"of_bad_low"`
	High     string  `json:"of_bad_high"`
	Share    float64 `json:"share"` // of all bad events, with its interval
	From     float64 `json:"share_low"`
	To       float64 `json:"share_high"`
	Spent    string  `json:"spent"`
	Excess   string  `json:"excess"` // bad events beyond its share of the traffic
}

// Spent words an attribution.
func Spent(a pitwall.Attribution, dimensions []string) SpentView {
	v := SpentView{Schema: "pitwall.slo-spent/1", SLO: a.SLO, By: a.Dimension, Period: a.Period, Rows: []SpentRow{}, Dimensions: orEmpty(dimensions),
		Covered: Percent(float64(a.Covered)), Note: a.Note, Maths: &Maths{Title: "What spent the budget, by " + a.Dimension, Formula: a.Maths.Formula, Query: a.Maths.Query,
			Lines: []Fact{{Label: "period", Value: periodText(a.Period)}, {Label: "bad events told apart", Value: Percent(float64(a.Covered))}}}}
	var all pitwall.Counts
	for _, s := range a.Shares {
		all = all.Add(s.Counts)
		own := noData
		if r, ok := s.Counts.ErrorRatio(); ok {
			own = Percent(float64(r))
		}
		v.Rows = append(v.Rows, SpentRow{Value: s.Value, Bad: Count(int64(s.Counts.Bad)), Total: Count(int64(s.Counts.Total())), BadShare: own,
			OfBad: Percent(float64(s.OfBad)), Low: Percent(float64(s.OfBadLow)), High: Percent(float64(s.OfBadHigh)), Share: float64(s.OfBad), From: float64(s.OfBadLow), To: float64(s.OfBadHigh),
			Spent: Percent(float64(s.Spent)), Excess: number(s.Excess)})
	}
	switch {
	case all.Total() == 0:
		v.Sentence, v.Covered, v.Rows, v.Note = "Nothing was counted in this period, good or bad.", noData, []SpentRow{}, "No data is not the same as nothing bad."
	case all.Bad == 0:
		v.Sentence = "No bad event in this period."
	default:
		top := a.Shares[0]
		v.Sentence = fmt.Sprintf("%s spent %s of what was spent (%s of the budget).", orWord(top.Value, "(none)"), Percent(float64(top.OfBad)), Percent(float64(top.Spent)))
	}
	return v
}
