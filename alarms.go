package pitwall

import "time"

// Correction takes a stretch of time out of the budgets it names, such as an
// announced maintenance: what happened in it counts neither as good nor as bad.
// It is never deleted; revoking it is another entry of the record.
type Correction struct {
	ID      string      `json:"id"`
	SLO     SLOName     `json:"slo,omitempty"`     // empty: every objective of Service
	Service ServiceName `json:"service,omitempty"` // empty with SLO empty: every objective
	Period  Period      `json:"period"`
	Reason  string      `json:"reason"`
	By      string      `json:"by"`
	At      time.Time   `json:"at"` // when it was asked for
	Revoked *Revoked    `json:"revoked,omitempty"`
}

// Revoked says who took a correction back.
type Revoked struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Covers says whether a correction that stands concerns an objective.
func (c Correction) Covers(s SLO) bool {
	switch {
	case c.Revoked != nil:
		return false
	case c.SLO != "":
		return c.SLO == s.Name
	case c.Service != "":
		return c.Service == s.Service
	}
	return true
}

// Alarm is a tier of an objective that fires, or did until just now.
type Alarm struct {
	// ID is the same for one firing, however often it is seen.
	ID      string        `json:"id"`
	SLO     SLOName       `json:"slo"`
	Service ServiceName   `json:"service"`
	Action  Action        `json:"action"`
	State   TierState     `json:"state"`
	Since   time.Time     `json:"since"`
	Until   time.Time     `json:"until,omitzero"` // zero: it fires
	Left    Ratio         `json:"left"`           // of the budget
	EndsIn  time.Duration `json:"ends_in,omitempty"`
	Plan    PlanID        `json:"plan,omitempty"`
	// Objective says what was promised.
	Objective string   `json:"objective,omitempty"`
	Owner     string   `json:"owner"`
	Runbook   string   `json:"runbook,omitempty"`
	Link      string   `json:"link,omitempty"`
	Changes   []Change `json:"changes,omitempty"` // shortly before it began, newest first
	Title     string   `json:"title,omitempty"`   // what burns, in a few words
	Text      string   `json:"text"`              // one sentence
	// SpokenBy is the alarm of the same objective that speaks for this one; empty:
	// people hear of it.
	SpokenBy string `json:"spoken_by,omitempty"`
	// Labels are the objective's own, such as team or environment.
	Labels map[string]string `json:"labels,omitempty"`
}

// Firing says whether the alarm is not over.
func (a Alarm) Firing() bool { return a.Until.IsZero() }

// MessageKind is what a message is about.
type MessageKind string

// The kinds of messages.
const (
	MessageAlarm    MessageKind = "alarm"    // something fires
	MessageResolved MessageKind = "resolved" // all of a group is over
	MessagePlan     MessageKind = "plan"     // a plan moved
	MessageTest     MessageKind = "test"     // somebody tries a route
)

// Message is what leaves for people.
type Message struct {
	ID     string      `json:"id"` // the same id twice is one message
	Kind   MessageKind `json:"kind"`
	Time   time.Time   `json:"time"`
	Action Action      `json:"action"` // page wakes somebody
	// Thread is the same for messages that belong together: those of a plan, or
	// of a group of alarms until it is over.
	Thread   string      `json:"thread"`
	Service  ServiceName `json:"service,omitempty"`
	Owner    string      `json:"owner,omitempty"`
	OnCall   []string    `json:"on_call,omitempty"` // who has duty, by the rotation
	Title    string      `json:"title"`
	Text     string      `json:"text"`
	Link     string      `json:"link,omitempty"`
	Runbook  string      `json:"runbook,omitempty"`
	Severity Severity    `json:"severity,omitempty"`

	Alarms []Alarm `json:"alarms,omitempty"` // the group, worst first

	Plan PlanID `json:"plan,omitempty"`
	From State  `json:"from,omitempty"`
	To   State  `json:"to,omitempty"`
}

// Delivery is a message on its way to one receiver. It is written down before it
// is sent, and stays until it is delivered or given up.
type Delivery struct {
	Receiver string    `json:"receiver"`
	Message  Message   `json:"message"`
	At       time.Time `json:"at"`                // when it was written down
	Attempts int       `json:"attempts"`          // so far
	Next     time.Time `json:"next"`              // not tried before
	Done     time.Time `json:"done,omitzero"`     // zero: it waits
	Failed   bool      `json:"failed,omitempty"`  // Done is when it was given up
	Trouble  string    `json:"trouble,omitempty"` // of the last attempt
}

// Share is a part of what a budget was spent on.
type Share struct {
	Value  string `json:"value"` // of the dimension; "(none)": not told, "(other)": the rest
	Counts Counts `json:"counts"`
	// Spent is the share of the objective's budget that this value spent.
	Spent Ratio `json:"spent"`
	// OfBad is its share of all bad events, with a 95 % interval (Wilson).
	OfBad     Ratio `json:"of_bad"`
	OfBadLow  Ratio `json:"of_bad_low"`
	OfBadHigh Ratio `json:"of_bad_high"`
	// Excess is how many bad events it has beyond its share of the traffic.
	Excess float64 `json:"excess"`
}

// Attribution says which values of a dimension spent a budget.
type Attribution struct {
	SLO       SLOName `json:"slo"`
	Dimension string  `json:"dimension"` // "operation", "version", "deploy", or the key of an attribute or label
	Period    Period  `json:"period"`
	Shares    []Share `json:"shares"` // the most bad events first
	// Covered is the share of the ledger's bad events that is told apart here;
	// the rest was not kept.
	Covered Ratio  `json:"covered"`
	Note    string `json:"note,omitempty"`
	Maths   Maths  `json:"maths"`
}

// Definition is an objective's text as it was from a time on.
type Definition struct {
	SLO    SLOName   `json:"slo"`
	At     time.Time `json:"at"`
	Source string    `json:"source"`
	YAML   string    `json:"yaml"`
}
