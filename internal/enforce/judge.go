package enforce

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// MinSamples is the fewest good answers that give a verdict.
const MinSamples = 5

// Sample is the answer of a build under test to one request.
type Sample struct {
	Request string `json:"request"` // "POST /v1/items/lookup"
	Status  int    `json:"status"`  // 0: there was no answer
	Bytes   int64  `json:"bytes"`   // of the body
	Error   string `json:"error,omitempty"`
}

// Verdict is a gate's answer.
type Verdict string

// The answers of a gate. No data is never a pass.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
)

// GateResult is a verdict with everything behind it.
type GateResult struct {
	Schema    string              `json:"schema"` // "pitwall.gate-result/1"
	Gate      string              `json:"gate"`
	Plan      pitwall.PlanID      `json:"plan"`
	Service   pitwall.ServiceName `json:"service"`
	Operation string              `json:"operation"`
	Mode      string              `json:"mode"`
	Verdict   Verdict             `json:"verdict"`
	Value     pitwall.Measure     `json:"value"` // median of the good answers, bytes, with its 95 % interval
	Limit     pitwall.Bytes       `json:"limit"`
	Words     string              `json:"words"` // the verdict in one sentence
	Warnings  []string            `json:"warnings,omitempty"`
	Samples   []Sample            `json:"samples"`
}

// JudgeSizes holds the median of the measured responses against the limit.
//
// Fail: the whole interval of the median lies above the limit. Pass: it lies
// within, and every request was answered well. Everything else (too few
// answers, a failed request, an interval across the limit) is inconclusive.
// The interval is that of order statistics: it needs no idea of how sizes are
// distributed.
func JudgeSizes(g pitwall.Gate, samples []Sample) GateResult {
	r := GateResult{
		Schema: "pitwall.gate-result/1", Gate: g.Name, Plan: g.Plan, Service: g.Service, Operation: g.Operation,
		Mode: g.Mode, Limit: g.Limit(), Samples: samples,
	}
	var sizes []float64
	var bad []Sample
	for _, s := range samples {
		if s.Status < 200 || s.Status > 299 || s.Error != "" || s.Bytes < 0 {
			bad = append(bad, s)
			continue
		}
		sizes = append(sizes, float64(s.Bytes))
	}
	slices.Sort(sizes)
	r.Value = pitwall.Measure{Unit: pitwall.UnitBytes, N: int64(len(sizes))}
	if len(sizes) > 0 {
		low, high, exact := stats.QuantileInterval(sizes, .5, .95)
		r.Value.Value, r.Value.Low, r.Value.High = stats.Quantile(sizes, .5), low, high
		if !exact {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%d answers are too few for a 95 %% interval; the range is shown", len(sizes)))
		}
	}
	for _, s := range bad {
		r.Warnings = append(r.Warnings, failure(s))
	}
	r.Verdict, r.Words = r.decide(len(bad))
	return r
}

func failure(s Sample) string {
	switch {
	case s.Error != "":
		return fmt.Sprintf("%s: %s", s.Request, s.Error)
	case s.Status == 0:
		return s.Request + ": no answer"
	case s.Bytes < 0:
		return s.Request + ": the size is not known"
	}
	return fmt.Sprintf("%s: status %d", s.Request, s.Status)
}

func (r GateResult) decide(bad int) (Verdict, string) {
	size, limit := r.size(), r.Limit
	switch {
	case r.Value.N == 0 && bad == 0:
		return Inconclusive, "nothing was measured"
	case r.Value.N < MinSamples:
		return Inconclusive, fmt.Sprintf("%d good answers, at least %d are needed; %d failed", r.Value.N, MinSamples, bad)
	case r.Value.Low > float64(limit):
		return Fail, fmt.Sprintf("median response %s is above the limit of %s", size, limit)
	case bad > 0:
		return Inconclusive, fmt.Sprintf("%d of %d requests failed, so what the others weigh proves nothing; median response %s, limit %s", bad, r.Value.N+int64(bad), size, limit)
	case r.Value.High > float64(limit):
		return Inconclusive, fmt.Sprintf("median response %s cannot be told from the limit of %s; send more requests", size, limit)
	}
	return Pass, fmt.Sprintf("median response %s is within the limit of %s", size, limit)
}

// size words the median: "85 kB [84 kB, 86 kB], n = 20".
func (r GateResult) size() string {
	b := func(v float64) pitwall.Bytes { return pitwall.Bytes(v) }
	return fmt.Sprintf("%s [%s, %s], n = %d", b(r.Value.Value), b(r.Value.Low), b(r.Value.High), r.Value.N)
}

// ExitCode is 0 for yes, 1 for no and 3 for inconclusive; trouble that prevented
// a verdict is 2 and never comes from here. A gate in warn mode never says 1.
func (r GateResult) ExitCode() int {
	switch {
	case r.Verdict == Inconclusive:
		return 3
	case r.Verdict == Fail && r.Mode != "warn":
		return 1
	}
	return 0
}

// Text is the result for a terminal.
func (r GateResult) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "gate       %s (%s, from %s)\nguards     %s %s\n", r.Gate, r.Mode, r.Plan, r.Service, r.Operation)
	if r.Value.N > 0 {
		fmt.Fprintf(&b, "median     %s\n", r.size())
	}
	fmt.Fprintf(&b, "limit      %s\n", r.Limit)
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "warning    %s\n", oneLine(w))
	}
	word := map[Verdict]string{Pass: "PASS", Fail: "FAIL", Inconclusive: "INCONCLUSIVE"}[r.Verdict]
	if r.Verdict == Fail && r.Mode == "warn" {
		word = "WOULD FAIL (warn mode)"
	}
	fmt.Fprintf(&b, "%s: %s.", word, r.Words)
	if r.Verdict != Pass && r.Plan != "" {
		fmt.Fprintf(&b, " See: pitwall plan view %s", r.Plan)
	}
	return b.String() + "\n"
}
