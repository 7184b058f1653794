package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// TestNothingIsKnownOfTheBaseline: before there was any telemetry everything was
// "never seen before", and nothing is blamed for that.
func TestNothingIsKnownOfTheBaseline(t *testing.T) {
	w := newer()
	w.good.rate, w.bad.rate = 6, 6
	answers := map[string]Answer{}
	q := w.question()
	for _, query := range firstQueries(q) {
		answers[query.ID] = w.answer(query)
	}
	answers[idSpans+baselineSide] = Answer{Query: idSpans + baselineSide, Spans: &pitwall.SpanBatch{}}
	answers[idLogs] = Answer{Query: idLogs, Logs: []pitwall.LogMove{{Service: "payment", Template: "panic: runtime error: out of memory", Bad: true, After: 50}}}
	answers[idChanges] = Answer{Query: idChanges, Changes: []pitwall.Change{deploy("d", time.Minute, "payment", "v8", "v9", "allocates")}}
	answers[idMeasured] = Answer{Query: idMeasured}
	if d := newInquiry(q, answers).conclude(); d.Verdict != pitwall.DiagnosisInconclusive || !strings.Contains(d.Summary, "nothing is known of the baseline") {
		t.Errorf("%s: %s", d.Verdict, d.Summary)
	}
	answers[idMeasured] = Answer{Query: idMeasured, Measured: []pitwall.Measured{
		{Service: "payment", Metric: "requests", Stat: "rate", T: []int64{q.Baseline.From.UnixMilli()}, V: []float64{6}},
	}}
	if d := newInquiry(q, answers).conclude(); strings.Contains(d.Summary, "nothing is known") {
		t.Errorf("something is known: %s", d.Summary)
	}
}
