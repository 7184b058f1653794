package pitwall

import (
	"encoding/json"
	"time"
)

// State is where a plan is in its life.
type State string

// The states of a plan, in the order of a smooth life, then the side states,
// which are loud.
const (
	Opened    State = "opened"
	Baselined State = "baselined"
	Diagnosed State = "diagnosed"
	Proposed  State = "proposed"
	Approved  State = "approved"
	Canarying State = "canarying"
	Verifying State = "verifying"
	Enforcing State = "enforcing"
	Closed    State = "closed"

	Held               State = "held"
	Escalated          State = "escalated"
	RolledBack         State = "rolled-back"
	InconclusiveState  State = "inconclusive"
	Expired            State = "expired"
	NotWarranted       State = "not-warranted"
	ClosedWithoutCause State = "closed-without-cause"
)

// Smooth lists the states of a life without trouble, in order; the phase rail
// of the plan page shows them.
func Smooth() []State {
	return []State{Opened, Baselined, Diagnosed, Proposed, Approved, Canarying, Verifying, Enforcing, Closed}
}

// Final says whether a plan in this state needs nothing more.
func (s State) Final() bool {
	switch s {
	case Closed, NotWarranted, ClosedWithoutCause, Expired:
		return true
	}
	return false
}

// EventType says what an event records.
type EventType string

// The event types. Each has its payload type of the same name below.
const (
	EventOpened        EventType = "plan.opened"
	EventBaselined     EventType = "plan.baselined"
	EventDiagnosed     EventType = "plan.diagnosed"
	EventProposed      EventType = "plan.proposed"
	EventDecided       EventType = "plan.decided"   // policy's answer
	EventApproved      EventType = "plan.approved"  // policy allowed, or a person approved
	EventCanarying     EventType = "plan.canarying" // the change begins
	EventStepIntended  EventType = "step.intended"  // recorded before every external effect
	EventStepDone      EventType = "step.done"      // the world was seen to be as intended
	EventStepFailed    EventType = "step.failed"    // the target refused or could not be reached
	EventStepJudged    EventType = "step.judged"    // the canary's verdict on a step
	EventPromoted      EventType = "plan.promoted"  // all traffic is on the treatment; watch begins
	EventVerifying     EventType = "plan.verifying"
	EventVerified      EventType = "plan.verified"
	EventEnforced      EventType = "plan.enforced"
	EventClosed        EventType = "plan.closed"
	EventRolledBack    EventType = "plan.rolled-back"
	EventHeld          EventType = "plan.held"
	EventResumed       EventType = "plan.resumed"
	EventEscalated     EventType = "plan.escalated"
	EventInconclusive  EventType = "plan.inconclusive"
	EventExpired       EventType = "plan.expired"
	EventNotWarranted  EventType = "plan.not-warranted"
	EventWithoutCause  EventType = "plan.closed-without-cause"
	EventNote          EventType = "note.added"
	EventServerStarted EventType = "server.started" // belongs to no plan
	EventChangeSeen    EventType = "change.seen"    // belongs to no plan
	EventDefined       EventType = "slo.defined"    // belongs to no plan: an objective is new or reads differently
	EventCorrected     EventType = "slo.corrected"  // belongs to no plan
	EventUncorrected   EventType = "slo.correction-revoked"
	EventAccepted      EventType = "finding.accepted" // belongs to no plan
)

// Event is one line of the record: append-only and hash-chained.
type Event struct {
	Seq   uint64          `json:"seq"` // 1, 2, 3 … without gaps
	Time  time.Time       `json:"time"`
	Plan  PlanID          `json:"plan,omitempty"`
	Type  EventType       `json:"type"`
	Actor string          `json:"actor"` // "pitwall", or a person
	From  State           `json:"from,omitempty"`
	To    State           `json:"to,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
	Prev  string          `json:"prev"` // hash of the event before, hex
	Hash  string          `json:"hash"`
}

// Severity is how bad it is; 1 is worst.
type Severity int

// OpenedData is the payload of EventOpened.
type OpenedData struct {
	Trigger    string      `json:"trigger"` // "slo-burn", or "finding": a change that was found while no objective burns
	Finding    string      `json:"finding,omitempty"`
	Burn       Burn        `json:"burn"`
	Regression Regression  `json:"regression"`
	Budget     ErrorBudget `json:"budget"`
	Owner      string      `json:"owner"`
	Severity   Severity    `json:"severity"`
	Deadline   time.Time   `json:"deadline"`
	Impact     Impact      `json:"impact"`
	Criteria   []string    `json:"end_criteria"`
}

// Impact is the blast radius.
type Impact struct {
	Operations     []string `json:"operations"`
	Callers        []string `json:"callers"`
	ShareOfTraffic Ratio    `json:"share_of_traffic"` // requests of the headline operation that are bad
	BadPerMinute   float64  `json:"bad_per_minute"`
	// KPIs since the onset, beside as long before it.
	KPIs []KPIReading `json:"kpis,omitempty"`
}

// BaselinedData is the payload of EventBaselined.
type BaselinedData struct {
	Baseline Baseline `json:"baseline"`
}

// DiagnosedData is the payload of EventDiagnosed.
type DiagnosedData struct {
	Diagnosis Diagnosis `json:"diagnosis"`
}

// ProposedData is the payload of EventProposed.
type ProposedData struct {
	Cycle      int `json:"cycle"`      // 1 for the first hypothesis tried
	Hypothesis int `json:"hypothesis"` // its rank
	Fix        Fix `json:"fix"`
}

// DecidedData is the payload of EventDecided and EventApproved.
type DecidedData struct {
	Decision Decision `json:"decision"`
}

// StepData is the payload of the step events.
type StepData struct {
	StepID  string          `json:"step"`
	Key     string          `json:"key"` // idempotency key, the same for every try
	Fencing uint64          `json:"fencing"`
	Service ServiceName     `json:"service"`
	Weights map[Version]int `json:"weights"`           // desired
	Was     map[Version]int `json:"was,omitempty"`     // seen before acting
	Seen    map[Version]int `json:"seen,omitempty"`    // seen after acting
	Undo    bool            `json:"undo,omitempty"`    // this effect undoes the fix
	Resumed bool            `json:"resumed,omitempty"` // finished after a restart by observing the world
	Error   string          `json:"error,omitempty"`
}

// JudgedData is the payload of EventStepJudged.
type JudgedData struct {
	Look CanaryLook `json:"look"`
}

// VerifiedData is the payload of EventVerified.
type VerifiedData struct {
	Verification Verification `json:"verification"`
}

// EnforcedData is the payload of EventEnforced.
type EnforcedData struct {
	Repository string         `json:"repository"`
	Branch     string         `json:"branch"`
	Commit     string         `json:"commit"`
	Files      []EnforcedFile `json:"files"`
	Gate       *Gate          `json:"gate,omitempty"`
}

// ClosedData is the payload of EventClosed and of the side endings.
type ClosedData struct {
	Reason    string           `json:"reason"`
	Verdict   DiagnosisVerdict `json:"verdict,omitempty"`
	RootCause *RootCause       `json:"root_cause,omitempty"`
	KPIs      []KPIReading     `json:"kpis,omitempty"` // since the fix, beside the same length before the onset
}

// ReasonData is the payload of EventHeld, EventResumed, EventEscalated,
// EventRolledBack, EventInconclusive and EventNote.
type ReasonData struct {
	Reason string `json:"reason"`
}

// Plan is the fold of its events: the time-bound program from burn to lock.
type Plan struct {
	ID       PlanID      `json:"id"`
	State    State       `json:"state"`
	Before   State       `json:"state_before,omitempty"` // the state that Held interrupts
	Service  ServiceName `json:"service"`
	SLO      SLOName     `json:"slo"`
	OpenedAt time.Time   `json:"opened_at"`
	Updated  time.Time   `json:"updated_at"`
	Since    time.Time   `json:"since"` // when the present state began
	Seq      uint64      `json:"seq"`   // last event
	Cycle    int         `json:"cycle"`

	Opened       OpenedData          `json:"opened"`
	Baseline     *Baseline           `json:"baseline,omitempty"`
	Diagnosis    *Diagnosis          `json:"diagnosis,omitempty"`
	Hypothesis   *Hypothesis         `json:"hypothesis,omitempty"` // the one being tried
	Fix          *Fix                `json:"fix,omitempty"`
	Decision     *Decision           `json:"decision,omitempty"`
	Steps        []StepRun           `json:"steps,omitempty"`
	PromotedAt   *time.Time          `json:"promoted_at,omitempty"`
	Verification *Verification       `json:"verification,omitempty"`
	Enforced     *EnforcedData       `json:"enforced,omitempty"`
	Closed       *ClosedData         `json:"closed,omitempty"`
	Tried        []int               `json:"tried,omitempty"`  // ranks of hypotheses tried and rejected
	Reason       string              `json:"reason,omitempty"` // of a side state
	Reached      map[State]time.Time `json:"reached"`
	Events       []Event             `json:"-"`
}

// StepRun is one step of the fix as far as it has come.
type StepRun struct {
	Step     StepData    `json:"step"`
	Intended time.Time   `json:"intended_at"`
	Done     *time.Time  `json:"done_at,omitempty"`
	Failed   int         `json:"failed"`         // tries that failed
	Look     *CanaryLook `json:"look,omitempty"` // the verdict that ended it
}

// Live is what a running engine knows beyond the record: the latest looks,
// which are recomputed and never stored.
type Live struct {
	At           time.Time     `json:"at"`
	Budget       *ErrorBudget  `json:"budget,omitempty"`
	Look         *CanaryLook   `json:"look,omitempty"`
	Verification *Verification `json:"verification,omitempty"`
	Waiting      string        `json:"waiting,omitempty"` // what the plan waits for, in words
	NextLook     *time.Time    `json:"next_look,omitempty"`
	Charts       []Chart       `json:"charts,omitempty"`
}
