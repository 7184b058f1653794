package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// KPIRow is one reading of a business number in words.
type KPIRow struct {
	Name    string `json:"name"`
	Cohort  string `json:"cohort,omitempty"`
	Was     string `json:"was"`
	Is      string `json:"is"`
	Change  string `json:"change"`
	Tone    Tone   `json:"tone"`
	Trouble string `json:"trouble,omitempty"`
	Query   string `json:"query"`
}

// KPIs words readings, in their order.
func KPIs(readings []pitwall.KPIReading) []KPIRow {
	rows := make([]KPIRow, 0, len(readings))
	for _, r := range readings {
		rows = append(rows, kpiRow(r))
	}
	return rows
}

func kpiRow(r pitwall.KPIReading) KPIRow {
	row := KPIRow{Name: r.KPI.Name, Cohort: cohort(r.Cohort), Was: "no data", Is: "no data", Change: "–", Tone: ToneNoData, Trouble: r.Trouble, Query: r.KPI.Query}
	unit := ""
	if r.KPI.Unit != "" {
		unit = " " + r.KPI.Unit
	}
	if r.WasN > 0 {
		row.Was = number(r.Was) + unit
	}
	if r.IsN > 0 {
		row.Is = number(r.Is) + unit
	}
	if change, ok := r.Change(); ok {
		row.Change, row.Tone = Change(float64(change)), ToneOK
		if r.Worse() && (change > 0.05 || change < -0.05) {
			row.Tone = ToneWarn
		}
	}
	return row
}

func cohort(labels map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if name != "__name__" {
			parts = append(parts, name+"="+labels[name])
		}
	}
	return strings.Join(parts, ", ")
}

// kpiFacts are the business numbers beside those hit.
func kpiFacts(readings []pitwall.KPIReading) []Fact {
	var facts []Fact
	for _, row := range KPIs(readings) {
		name := row.Name
		if row.Cohort != "" {
			name += " (" + row.Cohort + ")"
		}
		value := fmt.Sprintf("%s → %s (%s)", row.Was, row.Is, row.Change)
		if row.Trouble != "" {
			value = "not known: " + row.Trouble
		}
		facts = append(facts, Fact{Label: name, Value: value, Tone: row.Tone, Maths: &Maths{Title: row.Name,
			Formula: "mean of the query over the period, beside an equally long one before the onset", Lines: []Fact{
				{Label: "before", Value: row.Was}, {Label: "after", Value: row.Is}}, Query: row.Query}})
	}
	return facts
}
