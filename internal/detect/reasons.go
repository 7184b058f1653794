package detect

// ReasonCode is the one reason why a change was not reported, or a label on a
// finding; lower-case with hyphens on the wire.
type ReasonCode string

// The reasons, in the order in which they are asked: the first that holds is
// the answer.
const (
	ReasonNoData         ReasonCode = "no-data"
	ReasonDuplicate      ReasonCode = "duplicate"
	ReasonDataGap        ReasonCode = "data-gap"
	ReasonOutlier        ReasonCode = "outlier"
	ReasonTooFew         ReasonCode = "too-few"
	ReasonTooSmall       ReasonCode = "too-small"
	ReasonPlanned        ReasonCode = "planned"
	ReasonSeason         ReasonCode = "season"
	ReasonCostShift      ReasonCode = "cost-shift"
	ReasonUnsettled      ReasonCode = "unsettled"
	ReasonWentAway       ReasonCode = "went-away"
	ReasonNotSignificant ReasonCode = "not-significant"
	ReasonFlapping       ReasonCode = "flapping"
	ReasonImprovement    ReasonCode = "improvement"
	ReasonTraffic        ReasonCode = "traffic" // a label only
)

// ReasonInfo is what a reason means, for documents and pages.
type ReasonInfo struct {
	Code  ReasonCode `json:"code"`
	Means string     `json:"means"` // one sentence
	// Unit says what Value and Limit of a NotReported are; empty: they are not set.
	Unit string `json:"unit,omitempty"`
	// Label says that a finding may carry it.
	Label bool `json:"label,omitempty"`
}

// Reasons lists them all, in the order in which they are asked.
func Reasons() []ReasonInfo {
	return []ReasonInfo{
		{Code: ReasonNoData, Means: "The evidence is no number, or there is no onset: nothing can be said."},
		{Code: ReasonDuplicate, Means: "This change of this series is already in a finding, in an open plan, or in this look."},
		{Code: ReasonDataGap, Means: "The telemetry itself changed: points or instances are missing, or what reports them began anew.", Unit: "share missing, share that would explain it"},
		{Code: ReasonOutlier, Means: "Single points stood out and the level did not change.", Unit: "points, fewest points"},
		{Code: ReasonTooFew, Means: "Too few requests are behind the new level.", Unit: "requests, fewest requests"},
		{Code: ReasonTooSmall, Means: "The change is real at most in the sense of arithmetic: it is smaller than what is worth a report.", Unit: "effect, smallest effect"},
		{Code: ReasonPlanned, Means: "It began in a planned window that is not over, or the new level was accepted."},
		{Code: ReasonSeason, Means: "The weekly profile expects it at these hours.", Unit: "least effect, effect of the season"},
		{Code: ReasonCostShift, Means: "The work moved between parts of a whole, which stayed as it was.", Unit: "most the whole rose, rise of the part"},
		{Code: ReasonUnsettled, Means: "More points are needed to know that it stays.", Unit: "points, points needed"},
		{Code: ReasonWentAway, Means: "It was gone before it was confirmed, or a found one is gone.", Unit: "share of the effect that is left, least share"},
		{Code: ReasonNotSignificant, Means: "Among so many series chance alone shows as much.", Unit: "p-value, or log e-value; the level it had to pass"},
		{Code: ReasonFlapping, Means: "It comes and goes: the first finding says so, and the detector should be tuned anew for this series.", Unit: "times it came back, times that are reported", Label: true},
		{Code: ReasonImprovement, Means: "The series moved to the better side."},
		{Code: ReasonTraffic, Means: "The load changed as much as explains it; it is reported with this label.", Label: true},
	}
}
