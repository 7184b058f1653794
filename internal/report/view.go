package report

import (
	"time"

	"github.com/pitwall/pitwall"
)

// Options are what a view depends on besides the plan.
type Options struct {
	Now       time.Time
	PublicURL string // prefix of links; may be empty
	ReadOnly  bool   // nobody may act here
	// Zone is used in texts made here; nil means UTC. Views carry instants.
	Zone *time.Location
	// Others are all plans, so that a closed one can say whether it came back.
	Others []pitwall.Plan
}

func (o Options) zone() *time.Location {
	if o.Zone == nil {
		return time.UTC
	}
	return o.Zone
}

// Tone is how something stands; a UI shows each tone as icon, word and colour.
type Tone string

// The tones.
const (
	ToneOK     Tone = "ok"
	ToneActive Tone = "active" // in progress
	ToneWait   Tone = "wait"   // somebody is needed
	ToneWarn   Tone = "warn"
	ToneBad    Tone = "bad"
	ToneNone   Tone = "none"    // neutral
	ToneNoData Tone = "no-data" // not seen: never a pass
)

// Icon is the sign of a tone, for text and for those who see no colour.
func (t Tone) Icon() string {
	switch t {
	case ToneOK:
		return "✓"
	case ToneActive:
		return "◐"
	case ToneWait:
		return "◷"
	case ToneWarn:
		return "!"
	case ToneBad:
		return "✗"
	case ToneNoData:
		return "∅"
	}
	return "·"
}

// PlanView is the whole Plan page as data. Texts are ready to print; instants
// are for the reader's own zone.
type PlanView struct {
	Schema       string              `json:"schema"` // "pitwall.plan-view/1"
	ID           pitwall.PlanID      `json:"id"`
	Service      pitwall.ServiceName `json:"service"`
	SLO          pitwall.SLOName     `json:"slo"`
	What         string              `json:"what"` // "p99 latency of POST /checkout"
	Objective    string              `json:"objective"`
	State        pitwall.State       `json:"state"`
	StateWord    string              `json:"state_word"` // "Canarying — step 2 of 3"
	Tone         Tone                `json:"tone"`
	Final        bool                `json:"final"`
	Sentence     string              `json:"sentence"`
	Line         string              `json:"line"`
	Loud         *Loud               `json:"loud,omitempty"`
	Owner        string              `json:"owner"`
	Severity     int                 `json:"severity"`
	SeverityWord string              `json:"severity_word"`
	OpenedAt     time.Time           `json:"opened_at"`
	Updated      time.Time           `json:"updated_at"`
	Deadline     time.Time           `json:"deadline"`
	Due          string              `json:"due"` // "due in 47 h", "closed after 6 m 12 s"
	Overdue      bool                `json:"overdue"`
	Cycle        int                 `json:"cycle"`
	Seq          uint64              `json:"seq"`
	At           time.Time           `json:"at"` // when this view was made
	Waiting      string              `json:"waiting,omitempty"`
	Rail         []Phase             `json:"rail"`
	Budget       BudgetClock         `json:"budget"`
	Story        []Moment            `json:"story"`
	Next         string              `json:"next,omitempty"` // what comes next
	Activity     []Entry             `json:"activity"`
	Selected     string              `json:"selected"` // anchor of the moment that matters now
	Steps        []StepView          `json:"steps"`
	Comparison   *ComparisonView     `json:"comparison,omitempty"`
	Charts       []ChartView         `json:"charts"`
	Enforced     *EnforcedView       `json:"enforced,omitempty"`
	Holding      []HoldCheck         `json:"holding"`
	Clocks       []StageClock        `json:"clocks"`
	Cause        *CauseView          `json:"cause,omitempty"`
	Learned      []string            `json:"learned"`
	Actions      []ActionView        `json:"actions"`
	Links        Links               `json:"links"`
}

// Loud is the banner of a side state: nobody may overlook it.
type Loud struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	Next  string `json:"next"` // what to do
	Tone  Tone   `json:"tone"`
}

// Phase is one dot of the rail.
type Phase struct {
	State  pitwall.State `json:"state"`
	Word   string        `json:"word"`
	Status string        `json:"status"` // done, current, stopped, todo, skipped
	At     *time.Time    `json:"at,omitempty"`
	Since  string        `json:"since,omitempty"` // "+12 s": after the opening
	Anchor string        `json:"anchor,omitempty"`
}

// BudgetClock says what is left of the error budget, how fast it goes, and when
// it is gone.
type BudgetClock struct {
	Known    bool      `json:"known"`
	Left     float64   `json:"left"` // share; negative once overspent
	LeftText string    `json:"left_text"`
	Was      string    `json:"was,omitempty"` // "was burning 14.4× (gone in 32 h)"
	Now      string    `json:"now"`           // "now 0.8×"
	Tone     Tone      `json:"tone"`
	At       time.Time `json:"at"`
	Stale    bool      `json:"stale"` // not live: from the record
	Maths    *Maths    `json:"maths,omitempty"`
}

// Moment is one line of the story.
type Moment struct {
	Anchor string        `json:"anchor"` // "t7": stable, for permalinks
	Seq    uint64        `json:"seq,omitempty"`
	Time   time.Time     `json:"time"`
	Kind   string        `json:"kind"` // state, decision, step, note, world
	Tone   Tone          `json:"tone"`
	Title  string        `json:"title"`
	Text   string        `json:"text,omitempty"`
	Actor  string        `json:"actor,omitempty"`
	State  pitwall.State `json:"state,omitempty"`
	Live   bool          `json:"live,omitempty"` // still going on
	Blocks []Block       `json:"blocks"`
}

// Entry is one line of the activity log: every event, however small.
type Entry struct {
	Seq    uint64            `json:"seq"`
	Time   time.Time         `json:"time"`
	Type   pitwall.EventType `json:"type"`
	Actor  string            `json:"actor"`
	Title  string            `json:"title"`
	Anchor string            `json:"anchor"` // of the moment it belongs to, or ""
	Hash   string            `json:"hash"`
}

// StageClock is how long one stage took, with what is counted.
type StageClock struct {
	Name    string  `json:"name"` // "detect"
	Label   string  `json:"label"`
	Seconds float64 `json:"seconds"`
	Text    string  `json:"text"`
	Counted string  `json:"counted"` // "onset → page"
}

// HoldCheck answers "is it still holding?" at one age of a closed plan.
type HoldCheck struct {
	Label string    `json:"label"` // "7 days"
	At    time.Time `json:"at"`
	Tone  Tone      `json:"tone"`
	Text  string    `json:"text"`
}

// CauseView is the root cause as the page's head states it.
type CauseView struct {
	Verdict    pitwall.DiagnosisVerdict `json:"verdict"`
	Claim      string                   `json:"claim"`
	Service    pitwall.ServiceName      `json:"service"`
	Class      pitwall.Bottleneck       `json:"class"`
	Change     string                   `json:"change,omitempty"`
	Confidence string                   `json:"confidence"`
	Anchor     string                   `json:"anchor,omitempty"`
}

// ActionView is one thing a person may do, or why not.
type ActionView struct {
	Name    string `json:"name"` // as in POST …/actions
	Label   string `json:"label"`
	Enabled bool   `json:"enabled"`
	WhyNot  string `json:"why_not,omitempty"`
	Effect  string `json:"effect"`
	Undo    string `json:"undo"`
	Policy  string `json:"policy"`
	Primary bool   `json:"primary"` // what a person is asked for now
	Danger  bool   `json:"danger"`
}

// Links are the forms of this plan.
type Links struct {
	App      string `json:"app"`
	HTML     string `json:"html"`
	Markdown string `json:"markdown"`
	JSON     string `json:"json"`
	Raw      string `json:"raw"`
	// Diagnosis is the page of the plan's diagnosis; empty: it has none yet.
	Diagnosis string `json:"diagnosis,omitempty"`
}
