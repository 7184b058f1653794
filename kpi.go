package pitwall

// KPI is a business number worth watching, as a query: orders a minute,
// conversion, abandonment.
type KPI struct {
	Name    string      `json:"name"`
	Query   string      `json:"query"` // PromQL; its labels tell cohorts and flag states apart
	Unit    string      `json:"unit,omitempty"`
	Less    bool        `json:"less_is_better"`
	Service ServiceName `json:"service,omitempty"` // whose trouble it shows; empty: of every service
}

// KPIReading is a KPI in a period beside an earlier one, for one cohort of those
// its query tells apart.
type KPIReading struct {
	KPI    KPI               `json:"kpi"`
	Cohort map[string]string `json:"cohort,omitempty"`
	Before Period            `json:"before_period"`
	Now    Period            `json:"now_period"`
	// Was and Is are means over the periods, of WasN and IsN points; a period
	// without points has no mean.
	Was  float64 `json:"was"`
	WasN int     `json:"was_n"`
	Is   float64 `json:"is"`
	IsN  int     `json:"is_n"`
	// Trouble says why there is no reading, such as a query that failed.
	Trouble string `json:"trouble,omitempty"`
}

// Change is Is relative to Was; ok is false when either is not known.
func (r KPIReading) Change() (Ratio, bool) {
	if r.WasN == 0 || r.IsN == 0 || r.Was == 0 {
		return 0, false
	}
	return Ratio(r.Is/r.Was - 1), true
}

// Worse says whether the number moved to the wrong side.
func (r KPIReading) Worse() bool {
	c, ok := r.Change()
	return ok && (c < 0) != r.KPI.Less && c != 0
}
