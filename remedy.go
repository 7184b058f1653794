package pitwall

import "time"

// Playbook is a matched remedy as data.
type Playbook struct {
	Name    string        `json:"name" yaml:"name"`
	Title   string        `json:"title" yaml:"title"`
	Match   PlaybookMatch `json:"match" yaml:"match"`
	Risk    Risk          `json:"risk" yaml:"risk"`
	Expect  string        `json:"expect" yaml:"expect"`   // expected effect in words
	Undo    string        `json:"undo" yaml:"undo"`       // what undoing means, in words
	Action  string        `json:"action" yaml:"action"`   // "rollback-by-weights"
	Weights []int         `json:"weights" yaml:"weights"` // canary steps in percent, ending at 100
	Enforce []string      `json:"enforce" yaml:"enforce"` // "response-size-gate", "payload-alert", "runbook"
	Runbook PlaybookText  `json:"runbook" yaml:"runbook"`
	Source  string        `json:"source,omitempty" yaml:"-"`
}

// PlaybookMatch says when a playbook applies; every given field must hold.
type PlaybookMatch struct {
	Classes     []Bottleneck `json:"classes" yaml:"classes"`
	ChangeKinds []ChangeKind `json:"change_kinds" yaml:"change_kinds"`
}

// PlaybookText is what a playbook adds to the runbook.
type PlaybookText struct {
	Symptom  string   `json:"symptom" yaml:"symptom"`
	Commands []string `json:"commands" yaml:"commands"`
}

// Risk is how dangerous a remedy is.
type Risk string

// The risks.
const (
	RiskLow    Risk = "low"
	RiskMedium Risk = "medium"
	RiskHigh   Risk = "high"
)

// Fix is a playbook rendered for one hypothesis.
type Fix struct {
	Playbook   string      `json:"playbook"`
	Title      string      `json:"title"`
	Kind       string      `json:"kind"` // "rollback"
	Service    ServiceName `json:"service"`
	Good       Version     `json:"good"` // the version to go back to
	Bad        Version     `json:"bad"`
	Risk       Risk        `json:"risk"`
	Expect     string      `json:"expect"`
	Steps      []Step      `json:"steps"`
	Undo       string      `json:"undo"`
	Guardrails []Guardrail `json:"guardrails"`
	Enforce    []string    `json:"enforce"`
}

// Step is one change of weights, with a checkpoint that must hold before the next.
type Step struct {
	ID         string          `json:"id"` // "canary-10", unique in the plan's cycle
	Title      string          `json:"title"`
	Weights    map[Version]int `json:"weights"` // desired, sums to 100
	Undo       map[Version]int `json:"undo"`    // what it was before the fix
	Checkpoint string          `json:"checkpoint"`
	Judged     bool            `json:"judged"` // the canary judges this step before the next one
}

// Guardrail is a limit that must hold.
type Guardrail struct {
	Name      string      `json:"name"` // "p99 latency", "error ratio", "neighbour GET /catalog"
	Service   ServiceName `json:"service"`
	Operation string      `json:"operation"`
	Metric    string      `json:"metric"` // "latency" or "errors"
	// Margin is the practical margin: worse by less than this ratio is not worse.
	Margin Ratio  `json:"margin"`
	Goal   string `json:"goal"` // "better" must be proven better; "not-worse" must not be worse
}

// DecisionResult is what policy says.
type DecisionResult string

// The decisions.
const (
	DecisionAllow DecisionResult = "allow"
	DecisionAsk   DecisionResult = "ask"
	DecisionDeny  DecisionResult = "deny"
)

// Decision is policy's recorded answer with the rule that gave it.
type Decision struct {
	Result DecisionResult `json:"result"`
	Rule   string         `json:"rule"`
	Reason string         `json:"reason"`
	Inputs map[string]any `json:"inputs,omitempty"`
	Bundle string         `json:"bundle,omitempty"` // hash of the policy file
	By     string         `json:"by,omitempty"`     // a person, when one answered
	At     time.Time      `json:"at"`
}

// Word is a verdict on one comparison.
type Word string

// The words of a comparison. "~" is shown for same.
const (
	Better    Word = "better"
	Same      Word = "same"
	Worse     Word = "worse"
	Undecided Word = "inconclusive"
	NoData    Word = "no-data"
)

// Comparison is one row of a before/after or control/treatment table; canary
// and verification have the same shape.
type Comparison struct {
	Name      string      `json:"name"`
	Service   ServiceName `json:"service"`
	Operation string      `json:"operation"`
	Control   Measure     `json:"control"`   // baseline
	Treatment Measure     `json:"treatment"` // canary, or after
	// Change is treatment/control - 1 with its interval.
	Change     float64 `json:"change"`
	ChangeLow  float64 `json:"change_low"`
	ChangeHigh float64 `json:"change_high"`
	P          float64 `json:"p"` // anytime-valid p-value in a canary, 1 when undecided
	EValue     float64 `json:"e_value,omitempty"`
	Limit      string  `json:"limit"` // "≤ baseline + 10 %"
	Goal       string  `json:"goal"`  // of the guardrail
	Verdict    Word    `json:"verdict"`
	Pass       bool    `json:"pass"`
	Query      string  `json:"query"`
	Why        string  `json:"why,omitempty"`
	// NeedMore is how many more treatment requests a decision is expected to
	// take; 0 when decided.
	NeedMore int64 `json:"need_more,omitempty"`
}

// CanaryAction is what the judge wants next.
type CanaryAction string

// The canary actions.
const (
	CanaryAdvance  CanaryAction = "advance"
	CanaryWait     CanaryAction = "wait"
	CanaryRollBack CanaryAction = "roll-back"
	CanaryGiveUp   CanaryAction = "inconclusive" // the time of the step is over, no verdict
)

// CanaryLook is one look of the canary's judge; looking often costs nothing.
type CanaryLook struct {
	StepID  string       `json:"step"`
	At      time.Time    `json:"at"`
	Period  Period       `json:"period"`
	Weight  int          `json:"weight"` // percent of traffic on the treatment
	Control Version      `json:"control"`
	Treat   Version      `json:"treatment"`
	Rows    []Comparison `json:"rows"`
	Action  CanaryAction `json:"action"`
	Reason  string       `json:"reason"`
	// Balance is the p-value of the sample-ratio check: tiny means the split is
	// not what the weights say, so nothing may be concluded.
	Balance float64 `json:"balance_p"`
}

// Verification is the before/after proof under the same load.
type Verification struct {
	At     time.Time    `json:"at"`
	Before Period       `json:"before"`
	During Period       `json:"during"`
	After  Period       `json:"after"`
	Rows   []Comparison `json:"rows"`
	// P99 before, during, after at the headline operation, seconds.
	P99Before Measure `json:"p99_before"`
	P99During Measure `json:"p99_during"`
	P99After  Measure `json:"p99_after"`
	// NoiseFloor is the A/A floor the p99 comparison was held against.
	NoiseFloor Ratio  `json:"noise_floor"`
	SameLoad   bool   `json:"same_load"`
	LoadWhy    string `json:"load_why"`
	Verdict    Word   `json:"verdict"` // same or better: verified; worse: not; inconclusive
	Pass       bool   `json:"pass"`
	Done       bool   `json:"done"` // false: more requests needed
	Reason     string `json:"reason"`
	Need       int64  `json:"need,omitempty"` // requests still missing
}

// EnforcedKind is what sort of lock a file is.
type EnforcedKind string

// The locks left behind by a closed plan.
const (
	EnforcedGate      EnforcedKind = "gate"
	EnforcedAlertRule EnforcedKind = "alert-rule"
	EnforcedRunbook   EnforcedKind = "runbook"
)

// EnforcedFile is one file left behind so that the class of regression cannot
// return, with the diff that delivered it.
type EnforcedFile struct {
	Kind    EnforcedKind `json:"kind"`
	Path    string       `json:"path"` // inside the repository
	Content string       `json:"content"`
	Diff    string       `json:"diff,omitempty"` // unified
	Commit  string       `json:"commit,omitempty"`
}

// Gate is a contract that a build must keep.
type Gate struct {
	Schema    string      `json:"schema" yaml:"schema"` // "pitwall.gate/1"
	Name      string      `json:"name" yaml:"name"`
	Plan      PlanID      `json:"plan" yaml:"plan"`
	Service   ServiceName `json:"service" yaml:"service"`
	Operation string      `json:"operation" yaml:"operation"`
	Owner     string      `json:"owner" yaml:"owner"`
	Mode      string      `json:"mode" yaml:"mode"` // "warn" or "enforce"
	// MedianBytes is the median response before the regression; MaxRatio times
	// it is the limit for the median of what the gate measures.
	MedianBytes Bytes         `json:"median_bytes" yaml:"median_bytes"`
	MaxRatio    float64       `json:"max_ratio" yaml:"max_ratio"`
	Requests    []GateRequest `json:"requests" yaml:"requests"`
}

// Limit is the largest median response that passes.
func (g Gate) Limit() Bytes { return Bytes(float64(g.MedianBytes) * g.MaxRatio) }

// GateRequest is one request the gate sends to the build under test.
type GateRequest struct {
	Method string `json:"method" yaml:"method"`
	Path   string `json:"path" yaml:"path"`
	Body   string `json:"body,omitempty" yaml:"body,omitempty"`
}
