//go:build e2e

package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall/internal/report"
)

// slowerRequests sends two and a half hours of requests as OTLP, eighty a
// minute, of which those of the last stretch take half as long again: far too
// little for the objective.
func slowerRequests(t *testing.T, otlp string, began time.Time) {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 1))
	id := 0
	for at := time.Now().Add(-150 * time.Minute).Truncate(time.Minute); at.Before(time.Now()); at = at.Add(time.Minute) {
		var spans []any
		for i := range 80 {
			start := at.Add(time.Duration(i) * 700 * time.Millisecond)
			took := 50 * math.Exp(0.4*rng.NormFloat64())
			if !start.Before(began) {
				took *= 1.5
			}
			if id++; start.After(time.Now()) {
				continue
			}
			spans = append(spans, map[string]any{"traceId": fmt.Sprintf("%032x", id), "spanId": fmt.Sprintf("%016x", id), "name": "GET /", "kind": 2,
				"startTimeUnixNano": fmt.Sprint(start.UnixNano()), "endTimeUnixNano": fmt.Sprint(start.Add(time.Duration(took * 1e6)).UnixNano())})
		}
		body := encoded(map[string]any{"resourceSpans": []any{map[string]any{"resource": resourceOf("shop"), "scopeSpans": []any{map[string]any{"spans": spans}}}}})
		if err := sendUntilTaken(otlp+"/v1/traces", body); err != nil {
			t.Fatal(err)
		}
	}
}

// TestASlowerServiceIsFound: requests take half as long again, no objective
// burns. After a SIGKILL the finding is there with its beginning, it opens a
// plan where the configuration lets it, and a person can accept it; all of it
// once, through another SIGKILL.
func TestASlowerServiceIsFound(t *testing.T) {
	s := newServing(t, map[string]string{"slo.yaml": shopSLO, "pitwall.yaml": "slos: [slo.yaml]\nledger_step: 1s\nengine: {tick: 1s, settle: 1s}\ndetection: {open_plans: [shop]}\n"})
	began := time.Now().Add(-20 * time.Minute).Truncate(time.Minute)
	slowerRequests(t, s.otlp, began)
	s.kill()
	s.start()
	at := "--server=" + s.page
	var list report.FindingsView
	read := func() string {
		got := run(t, "finding", "list", at, "-o", "json")
		if err := json.Unmarshal([]byte(got.out), &list); err != nil {
			return got.errout
		}
		if len(list.Findings) == 0 {
			return "nothing was found: " + list.Text
		}
		return ""
	}
	for deadline := time.Now().Add(100 * time.Second); read() != "" && time.Now().Before(deadline); {
		time.Sleep(time.Second)
	}
	if wrong := read(); wrong != "" {
		t.Fatal(wrong)
	}
	f := list.Findings[0]
	if len(list.Findings) != 1 || f.Series.Service != "shop" || f.Direction != "worse" || began.Before(f.Onset.Earliest) || began.After(f.Onset.Latest) || math.Abs(f.Effect-0.5) > 0.15 {
		t.Errorf("it began at %s: %+v", began, list.Findings)
	}
	eventually(t, func() string {
		if read(); list.Findings[0].Plan != "PIP-1" {
			return "its plan is " + string(list.Findings[0].Plan) + ", " + list.Findings[0].Next
		}
		return ""
	})
	if plan := run(t, "plan", "view", "PIP-1", at); !strings.Contains(plan.out, f.ID) && !strings.Contains(plan.out, "p95") && !strings.Contains(plan.out, "p50") {
		t.Errorf("the plan does not say what was found:\n%s", plan.out)
	}
	view := run(t, "finding", "view", f.ID, at)
	if view.code != 0 || !strings.Contains(view.out, "between") || !strings.Contains(view.out, "GET /") {
		t.Errorf("%d\n%s%s", view.code, view.out, view.errout)
	}
	if got := run(t, "finding", "accept", f.ID, at, "--by", "kim", "--reason", "richer answers", "--dry-run"); got.code != 0 || !strings.Contains(got.out, "would be accepted") {
		t.Errorf("%d %s %s", got.code, got.out, got.errout)
	}
	if got := run(t, "finding", "accept", f.ID, at, "--by", "kim", "--reason", "richer answers"); got.code != 0 {
		t.Fatalf("%d %s", got.code, got.errout)
	}
	s.kill()
	s.start()
	eventually(t, func() string {
		if wrong := read(); wrong != "" {
			return wrong
		}
		if len(list.Findings) != 1 || list.Findings[0].State != "accepted" {
			return fmt.Sprintf("%d findings, %s", len(list.Findings), list.Findings[0].State)
		}
		return ""
	})
}
