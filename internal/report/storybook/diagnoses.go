package storybook

import (
	"context"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// DiagnosisCase is one diagnosis of the book.
type DiagnosisCase struct {
	Name      string // "payload"
	Diagnosis pitwall.Diagnosis
}

// Diagnoses gives the answers a diagnosis can be: a cause with all its evidence,
// none, one that a missing signal prevents, and one from metrics alone. The last
// is as a record written before details were kept.
func Diagnoses() []DiagnosisCase {
	old := diagnosis()
	old.Contrasts, old.Exemplars, old.Changes, old.Charts, old.Flame.Tree, old.Flame.Warnings = nil, nil, nil, nil, nil, nil
	return []DiagnosisCase{
		{"payload", diagnosis()}, {"none", quietDiagnosis()}, {"inconclusive", blindDiagnosis()}, {"metrics-only", metricsDiagnosis()}, {"old-record", old},
	}
}

// Diagnose answers a question asked by hand with a diagnosis of the book: which
// one is chosen by the service. It says what it is doing and takes a moment.
func (e *Engine) Diagnose(ctx context.Context, s pitwall.ServiceName, say func(string)) (pitwall.Diagnosis, error) {
	for _, words := range []string{"reading the spans of the baseline", "reading the spans of the window", "comparing profiles"} {
		say(words)
		select {
		case <-ctx.Done():
			return pitwall.Diagnosis{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	chosen, ok := map[pitwall.ServiceName]string{"checkout": "payload", "edge": "none", "orders": "inconclusive", "search": "metrics-only"}[s]
	if !ok {
		return pitwall.Diagnosis{}, &pitwall.Error{Op: "diagnosing", Kind: pitwall.NotFound, ID: string(s), Err: fmt.Errorf("no span and no metric of service %s in either period", s), Hint: "pitwall operation list says which services are seen"}
	}
	for _, c := range Diagnoses() {
		if c.Name == chosen {
			return c.Diagnosis, nil
		}
	}
	return pitwall.Diagnosis{}, fmt.Errorf("the book has no diagnosis %s", chosen)
}

// Operations lists what can be asked about.
func (e *Engine) Operations(context.Context, pitwall.OperationQuery) ([]pitwall.OperationTotals, error) {
	list := []pitwall.OperationTotals{}
	for _, o := range baseline().Operations {
		list = append(list, pitwall.OperationTotals{Service: o.Service, Operation: o.Operation, Kind: pitwall.SpanServer, Count: o.Requests})
	}
	return append(list, pitwall.OperationTotals{Service: "search", Operation: "GET /search", Kind: pitwall.SpanServer, Count: 900}), nil
}

// around are the periods of a question asked ten minutes after the story's onset.
func around(d pitwall.Diagnosis) pitwall.Diagnosis {
	d.Baseline = pitwall.Period{From: at(0), To: at(5 * time.Minute)}
	d.Window = pitwall.Period{From: at(8 * time.Minute), To: at(13 * time.Minute)}
	return d
}

func check(name, question string, o pitwall.Outcome, reason string) pitwall.Check {
	return pitwall.Check{Name: name, Question: question, Outcome: o, Reason: reason}
}

func quietDiagnosis() pitwall.Diagnosis {
	return around(pitwall.Diagnosis{
		Verdict:    pitwall.DiagnosisNone,
		Summary:    "No cause found: edge GET /catalog differs from its baseline by no more than its normal variation (mean 14.2 ms → 14.1 ms, n=6,930 → 6,902).",
		Regression: pitwall.Regression{Service: "edge", Operation: "GET /catalog", Signal: pitwall.SignalLatency, Before: seconds(0.041, 0.039, 0.043, 6930), After: seconds(0.0408, 0.0389, 0.0431, 6902)},
		Checks: []pitwall.Check{
			check("headline", "Did edge GET /catalog get worse beyond its normal variation?", pitwall.OutcomeClear, "mean 14.2 ms → 14.1 ms; two halves of the baseline differ by 0.4 ms"),
			check("metrics", "What do rate, errors and duration of the service and its neighbours say?", pitwall.OutcomeClear, "the rate is flat (23.1/s, 23.0/s), no error more"),
			check("traffic", "Is simply more asked, at the same cost per request?", pitwall.OutcomeClear, "the same load"),
			check("payload", "Did any request or response body grow, and who began it?", pitwall.OutcomeClear, "15.2 kB at the median, as before"),
			check("profile-diff", "Which kind of work costs more CPU per request?", pitwall.OutcomeClear, "no family moved; an effect above 6 % would have been seen"),
			check("lock-profile", "Do goroutines wait for locks?", pitwall.OutcomeSkipped, "no mutex profile is collected"),
			check("changes", "What changed on the path before it began?", pitwall.OutcomeClear, "inventory v41 was deployed in between, but nothing of edge GET /catalog passes it"),
		},
		Changes: []pitwall.ChangeJudged{{Change: *change(), Why: "edge GET /catalog never calls inventory, and it did not move"}},
	})
}

func blindDiagnosis() pitwall.Diagnosis {
	return around(pitwall.Diagnosis{
		Verdict:    pitwall.DiagnosisInconclusive,
		Summary:    "Inconclusive: orders POST /v1/orders got worse, nothing measured explains it, and a signal is missing: orders sends no profiles.",
		Regression: pitwall.Regression{Service: "orders", Operation: "POST /v1/orders", Signal: pitwall.SignalLatency, Onset: pitwall.Onset{At: at(7*time.Minute + 40*time.Second), Earliest: at(6*time.Minute + 50*time.Second), Latest: at(8*time.Minute + 5*time.Second)}, Before: seconds(0.071, 0.069, 0.074, 14010), After: seconds(0.139, 0.131, 0.15, 13880)},
		Hypotheses: []pitwall.Hypothesis{{
			Rank: 1, Service: "orders", Class: pitwall.BottleneckObservabilityGap, Claim: "orders works 61 ms longer itself, and no signal says at what", Score: 0.36, Confidence: pitwall.ConfidenceLow,
			For:      []pitwall.Evidence{{Check: "own-time", Service: "orders", Claim: "its own time grew from 24 ms to 85 ms per request", Before: seconds(0.024, 0.0235, 0.0246, 14010), After: seconds(0.085, 0.081, 0.09, 13880), Query: "spans service=orders operation='POST /v1/orders', self time"}},
			Disproof: "If a profile of orders shows no more work per request, it waits rather than works.",
			Amdahl:   pitwall.Amdahl{Share: 0.72, MaxSpeedup: 3.6, P99Seconds: 0.078, MeetsObjective: true},
		}},
		Checks: []pitwall.Check{
			check("headline", "Did orders POST /v1/orders get worse beyond its normal variation?", pitwall.OutcomeHit, "mean 31 ms → 93 ms, n=14,010 → 13,880"),
			check("own-time", "Which operation works longer itself: computing, allocating or waiting?", pitwall.OutcomeHit, "orders POST /v1/orders, 24 ms → 85 ms"),
			check("io-db", "Do database statements take longer?", pitwall.OutcomeClear, "2 statements per order, 3.1 ms, as before"),
			check("profile-diff", "Which kind of work costs more CPU per request?", pitwall.OutcomeSkipped, "orders sends no profiles; add its pprof address to sources.pprof to enable it"),
			check("real-users", "Is it the client?", pitwall.OutcomeSkipped, "no page loads in either period"),
			check("log-patterns", "Is a log pattern new or more frequent?", pitwall.OutcomeError, "the log store did not answer within 5 s"),
			check("changes", "What changed on the path before it began?", pitwall.OutcomeClear, "nothing was deployed to orders or below it within the two periods"),
		},
		Waterfall: []pitwall.Contribution{{Service: "orders", Operation: "POST /v1/orders", Part: "self", Before: 0.024, After: 0.085, Delta: 0.061},
			{Service: "orders", Operation: "INSERT INTO order_items", Part: "self", Before: 0.0062, After: 0.0063, Delta: 0.0001}},
		Unexplained: 0.0009,
	})
}

func metricsDiagnosis() pitwall.Diagnosis {
	d := around(pitwall.Diagnosis{
		Verdict:    pitwall.DiagnosisLikely,
		Summary:    "Latency in search-index is the likely cause, without a change that explains it: it adds 84 % of the seconds that search takes longer, after its callees are taken off.",
		Regression: pitwall.Regression{Service: "search", Signal: pitwall.SignalLatency, Metric: "p90", Onset: pitwall.Onset{At: at(onsetAt), Earliest: at(5 * time.Minute), Latest: at(6 * time.Minute)}, Before: seconds(0.21, 0, 0, 5), After: seconds(0.66, 0, 0, 5)},
		Hypotheses: []pitwall.Hypothesis{{
			Rank: 1, Service: "search-index", Class: pitwall.BottleneckLatency, Claim: "search-index answers 380 ms later on average, and nothing it calls does", Score: 0.58, Confidence: pitwall.ConfidenceMedium,
			For: []pitwall.Evidence{
				{Check: "excess", Service: "search-index", Claim: "latency × rate grew by 15.8 s a second, 84 % of what search grew by", Before: seconds(0.062, 0, 0, 5), After: seconds(0.442, 0, 0, 5), Query: `latency_seconds{service="search-index",stat="avg"} × requests`},
				{Check: "excess", Service: "search-index", Claim: "its callees are unchanged"}},
			Against:  []pitwall.Evidence{{Check: "changes", Claim: "no change of search-index is known"}},
			Disproof: "If search stays slow when search-index answers as before, this is wrong.",
		}, {
			Rank: 2, Service: "search", Class: pitwall.BottleneckLatency, Claim: "search itself adds 72 ms", Score: 0.11, Confidence: pitwall.ConfidenceLow,
		}},
		Checks: []pitwall.Check{
			check("headline", "Did search get worse beyond its normal variation?", pitwall.OutcomeHit, "p90 210 ms → 660 ms"),
			check("excess", "Who adds seconds, after what its callees add is taken off?", pitwall.OutcomeHit, "search-index, 84 % of the increase"),
			check("traffic", "Is simply more asked, at the same cost per request?", pitwall.OutcomeClear, "41.6/s, as before"),
			check("localise", "Where on the path is the additional time spent?", pitwall.OutcomeSkipped, "no traces of either period: only metrics are collected of these services"),
			check("profile-diff", "Which kind of work costs more CPU per request?", pitwall.OutcomeSkipped, "no profiles of search-index"),
			check("changes", "What changed before it began?", pitwall.OutcomeSkipped, "no change was announced, and without spans no version is seen to change"),
		},
	})
	d.Charts = []pitwall.Chart{chart("p90 of search", pitwall.UnitSeconds, `sli_latency_seconds{service="search",stat="p90"}`, 0.21, 0.66, 13*time.Minute, 0)}
	d.Charts[0].Marks = []pitwall.ChartMark{d.Regression.Onset.Mark()}
	return d
}
