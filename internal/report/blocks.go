package report

import (
	"time"

	"github.com/pitwall/pitwall"
)

// Block is one piece of evidence of a moment; exactly the field that Kind
// names is set, besides Title and Text.
type Block struct {
	Kind       string           `json:"kind"` // text, facts, hypotheses, checks, waterfall, flame, chart, comparison, steps, table, files
	Title      string           `json:"title,omitempty"`
	Text       string           `json:"text,omitempty"`
	Facts      []Fact           `json:"facts,omitempty"`
	Hypotheses []HypothesisView `json:"hypotheses,omitempty"`
	Checks     []CheckView      `json:"checks,omitempty"`
	Waterfall  *WaterfallView   `json:"waterfall,omitempty"`
	Flame      *FlameView       `json:"flame,omitempty"`
	Chart      *ChartView       `json:"chart,omitempty"`
	Comparison *ComparisonView  `json:"comparison,omitempty"`
	Steps      []StepView       `json:"steps,omitempty"`
	Table      *TableView       `json:"table,omitempty"`
	Files      []FileView       `json:"files,omitempty"`
}

// Fact is a labelled value; the maths behind it is one gesture away.
type Fact struct {
	Label string `json:"label"`
	Value string `json:"value"`
	Tone  Tone   `json:"tone,omitempty"`
	Maths *Maths `json:"maths,omitempty"`
}

// Maths is "show the maths": how one number came to be.
type Maths struct {
	Title   string     `json:"title"`
	Formula string     `json:"formula,omitempty"`
	Lines   []Fact     `json:"lines,omitempty"`
	Query   string     `json:"query,omitempty"`
	At      *time.Time `json:"at,omitempty"`
}

// TableView is a plain table; cells are ready to print.
type TableView struct {
	Columns []string   `json:"columns"`
	Numeric []bool     `json:"numeric"` // which columns are aligned right
	Rows    [][]string `json:"rows"`
}

// EvidenceView is one measured fact for or against.
type EvidenceView struct {
	Check  string `json:"check"`
	Claim  string `json:"claim"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	Change string `json:"change,omitempty"`
	Maths  *Maths `json:"maths,omitempty"`
}

// HypothesisView is one ranked claim with both sides.
type HypothesisView struct {
	Rank       int                 `json:"rank"`
	Service    pitwall.ServiceName `json:"service"`
	Class      pitwall.Bottleneck  `json:"class"`
	Claim      string              `json:"claim"`
	Confidence string              `json:"confidence"` // "high (0.91)"
	Score      float64             `json:"score"`      // [0,1]
	Tone       Tone                `json:"tone"`
	Chosen     bool                `json:"chosen"`   // the one being tried, or that was
	Rejected   bool                `json:"rejected"` // tried, and the fix did not help
	Change     string              `json:"change,omitempty"`
	ChangeHow  string              `json:"change_how,omitempty"` // how the change was seen
	For        []EvidenceView      `json:"for"`
	Against    []EvidenceView      `json:"against"`
	Disproof   string              `json:"disproof"`
	Bound      string              `json:"bound"` // Amdahl in a sentence
	Signal     string              `json:"signal"`
	Maths      *Maths              `json:"maths,omitempty"`
}

// CheckView is one check of the diagnosis board.
type CheckView struct {
	Name     string         `json:"name"`
	Question string         `json:"question"`
	Outcome  string         `json:"outcome"` // hit, clear, skipped, error
	Tone     Tone           `json:"tone"`
	Reason   string         `json:"reason"`
	Evidence []EvidenceView `json:"evidence"`
}

// WaterfallView is where the added time went; the bars and the remainder sum to
// the whole increase.
type WaterfallView struct {
	Title       string         `json:"title"` // "Where the extra 412 ms went"
	Total       string         `json:"total"`
	Bars        []WaterfallBar `json:"bars"`
	Unexplained string         `json:"unexplained"`
	Summary     string         `json:"summary"`
	Zero        float64        `json:"zero"` // where the sum begins and ends, as shares of the axis
	End         float64        `json:"end"`
}

// WaterfallBar is one place; From and To are shares of the axis in [0,1].
type WaterfallBar struct {
	Label  string  `json:"label"`
	Before string  `json:"before"`
	After  string  `json:"after"`
	Delta  string  `json:"delta"`
	Share  string  `json:"share"`
	From   float64 `json:"from"`
	To     float64 `json:"to"`
	Tone   Tone    `json:"tone"`
}

// FlameView is a profile difference: as tables, and as a flame graph where the
// record has its tree. Every value is per request, the baseline's before now's.
type FlameView struct {
	Title    string     `json:"title"`
	Summary  string     `json:"summary"`
	Families []FrameRow `json:"families"`
	Frames   []FrameRow `json:"frames"`
	Tree     []FlameBox `json:"tree,omitempty"`
	Total    string     `json:"total,omitempty"` // "8.2 ms → 12 ms (+46.3 %)", per request
	Warnings []string   `json:"warnings,omitempty"`
}

// FrameRow is one family or function; Was and Is are shares of the widest bar.
type FrameRow struct {
	Name        string  `json:"name"`
	Before      string  `json:"before"`
	After       string  `json:"after"`
	Change      string  `json:"change"`
	P           string  `json:"p"`
	ShareAfter  string  `json:"share_after"`
	Was         float64 `json:"was"`
	Is          float64 `json:"is"`
	Significant bool    `json:"significant"`
	Tone        Tone    `json:"tone"`
}

// ChartView is a chart with its text; a table is made from the same series.
type ChartView struct {
	ID      string `json:"id"`
	Summary string `json:"summary"`
	pitwall.Chart
}

// ComparisonView is the table of a canary or of a verification.
type ComparisonView struct {
	Kind      string          `json:"kind"` // canary, verification
	Title     string          `json:"title"`
	Control   string          `json:"control"`   // head of the first column of values
	Treatment string          `json:"treatment"` // head of the second
	Live      bool            `json:"live"`
	At        time.Time       `json:"at"`
	Verdict   string          `json:"verdict"` // in words
	Tone      Tone            `json:"tone"`
	Rows      []ComparisonRow `json:"rows"`
	Progress  *Progress       `json:"progress,omitempty"`
	Facts     []Fact          `json:"facts"`
}

// ComparisonRow is one guardrail with value, limit, n, interval and verdict.
type ComparisonRow struct {
	Name        string `json:"name"`
	Where       string `json:"where"`
	Control     string `json:"control"`
	ControlPM   string `json:"control_pm,omitempty"`
	Treatment   string `json:"treatment"`
	TreatmentPM string `json:"treatment_pm,omitempty"`
	Change      string `json:"change"` // "~" when it cannot be told apart
	Detail      string `json:"detail"` // "p=0.001 n=5,996/412"
	Limit       string `json:"limit"`
	Verdict     string `json:"verdict"`
	Tone        Tone   `json:"tone"`
	Why         string `json:"why,omitempty"`
	NeedMore    string `json:"need_more,omitempty"`
	Maths       *Maths `json:"maths,omitempty"`
}

// Progress has a known total, and an estimate of what is left as a range.
type Progress struct {
	Share float64 `json:"share"` // in [0,1]; negative when the total is not known
	Text  string  `json:"text"`
	ETA   string  `json:"eta,omitempty"`
}

// StepView is one step of the change.
type StepView struct {
	ID         string     `json:"id"`
	Title      string     `json:"title"`
	Weight     int        `json:"weight"`  // percent of traffic on the fix
	Weights    string     `json:"weights"` // "v40 10 % · v41 90 %"
	Status     string     `json:"status"`  // done, current, failed, todo, undone
	Tone       Tone       `json:"tone"`
	At         *time.Time `json:"at,omitempty"`
	Took       string     `json:"took,omitempty"`
	Verdict    string     `json:"verdict,omitempty"`
	Checkpoint string     `json:"checkpoint,omitempty"`
	Undo       string     `json:"undo,omitempty"`
	Resumed    bool       `json:"resumed,omitempty"`
	Failed     int        `json:"failed,omitempty"`
	Error      string     `json:"error,omitempty"`
}

// EnforcedView is what was left behind.
type EnforcedView struct {
	Summary    string     `json:"summary"`
	Repository string     `json:"repository"`
	Branch     string     `json:"branch"`
	Commit     string     `json:"commit"`
	Command    string     `json:"command"` // how to look
	Files      []FileView `json:"files"`
}

// FileView is one delivered file as a diff.
type FileView struct {
	Kind    string     `json:"kind"`
	Word    string     `json:"word"` // "Gate"
	Path    string     `json:"path"`
	Purpose string     `json:"purpose"`
	Added   int        `json:"added"`
	Removed int        `json:"removed"`
	Lines   []DiffLine `json:"lines"`
}

// DiffLine is one line of a diff; Op is "+", "-", " " or "@".
type DiffLine struct {
	Op   string `json:"op"`
	Text string `json:"text"`
}
