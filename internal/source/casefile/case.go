package casefile

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/pitwall/pitwall"
)

// schema is the one form of a case there is.
const schema = "pitwall.case/1"

// Question is what a case asks.
type Question struct {
	Service   pitwall.ServiceName `json:"service"`
	Operation string              `json:"operation"` // optional; empty: all that the service serves
	SLI       pitwall.Signal      `json:"sli"`
	AlertAt   time.Time           `json:"alert_at"`
	Alert     Alert               `json:"alert"`
}

// Alert holds the alert's own fields, as far as they were given.
type Alert struct {
	Metric    string  `json:"metric"`
	Threshold float64 `json:"threshold"`
	Observed  float64 `json:"observed"`
	Severity  string  `json:"severity"`
	Monitor   string  `json:"monitor"`
	Summary   string  `json:"summary"`
	Detail    string  `json:"detail"`
}

// Case is one opened folder. Its methods read a file when they are asked. It is
// for one goroutine.
type Case struct {
	ID       string
	Question Question
	Baseline pitwall.Period
	Window   pitwall.Period
	Sampling float64  // probability with which a trace was kept, (0,1]
	Warnings []string // what the recorder lost

	dir                  string
	metrics, spans, logs []string           // relative to dir
	read                 *pitwall.SpanBatch // of the span files, once they were read
}

// Open reads case.json of a folder.
func Open(dir string) (*Case, error) {
	c := &Case{dir: dir}
	raw, err := c.whole("case.json")
	if err != nil {
		return nil, &pitwall.Error{Op: "opening case", Kind: pitwall.NotFound, Err: err,
			Hint: "name a folder that holds case.json; docs/reference/case.md says what else belongs there"}
	}
	var in struct {
		Schema   string         `json:"schema"`
		ID       string         `json:"id"`
		Question Question       `json:"question"`
		Baseline pitwall.Period `json:"baseline"`
		Window   pitwall.Period `json:"window"`
		Metrics  []string       `json:"metrics"`
		Spans    []string       `json:"spans"`
		Logs     []string       `json:"logs"`
		Sampling float64        `json:"sampling"`
		Warnings []string       `json:"warnings"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, bad(dir, "case.json", "%v", err)
	}
	c = &Case{
		ID: in.ID, Question: in.Question, Baseline: in.Baseline, Window: in.Window, Sampling: in.Sampling, Warnings: in.Warnings,
		dir: dir, metrics: in.Metrics, spans: in.Spans, logs: in.Logs,
	}
	if c.Sampling <= 0 || c.Sampling > 1 {
		c.Sampling = 1
	}
	return c, c.check(in.Schema)
}

// longest is how long one period may be: a case is an incident, and what counts
// in steps of time must not be asked for a thousand years of them.
const longest = 31 * 24 * time.Hour

func (c *Case) check(form string) error {
	switch {
	case form != schema:
		return bad(c.dir, "case.json", "schema is %q, want %q", form, schema)
	case c.Question.Service == "":
		return bad(c.dir, "case.json", "question.service is missing: the service whose indicator is bad")
	case c.Baseline.Duration() <= 0:
		return bad(c.dir, "case.json", "baseline is empty: from %s to %s", c.Baseline.From, c.Baseline.To)
	case c.Window.Duration() <= 0:
		return bad(c.dir, "case.json", "window is empty: from %s to %s", c.Window.From, c.Window.To)
	case c.Baseline.Duration() > longest || c.Window.Duration() > longest:
		return bad(c.dir, "case.json", "baseline lasts %s and window %s; at most %s", c.Baseline.Duration(), c.Window.Duration(), longest)
	case c.Baseline.To.After(c.Window.From):
		return bad(c.dir, "case.json", "baseline must end before the window begins: it ends %s, the window begins %s", c.Baseline.To, c.Window.From)
	}
	switch c.Question.SLI {
	case pitwall.SignalLatency, pitwall.SignalErrors, pitwall.SignalAvailability, pitwall.SignalSaturation, pitwall.SignalAny:
		return nil
	case "":
		c.Question.SLI = pitwall.SignalAny
		return nil
	}
	return bad(c.dir, "case.json", "question.sli is %q; it is latency, errors, availability, saturation or any", c.Question.SLI)
}

func bad(dir, file, format string, args ...any) error {
	return &pitwall.Error{Op: "reading case", Kind: pitwall.Invalid,
		Err:  fmt.Errorf("%s: %w", filepath.Join(dir, file), fmt.Errorf(format, args...)),
		Hint: "docs/reference/case.md describes the folder"}
}

// absent says that a case holds nothing of a sort.
func (c *Case) absent(what string) error {
	return pitwall.Errorf(pitwall.NotFound, "reading case", "the recording has no %s", what)
}
