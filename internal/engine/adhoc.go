package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose"
)

// longestWindow is what one ad hoc diagnosis may look at: a day of spans is
// more than anybody can hold in memory, and no cause needs it.
const longestWindow = 6 * time.Hour

// Diagnose explains any service and time that a person asks for. It changes
// nothing and is written nowhere. say hears what is being done; it may be nil.
func (e *Engine) Diagnose(ctx context.Context, ask pitwall.AskDiagnosis, say func(words string)) (pitwall.Diagnosis, error) {
	const op = "diagnosing"
	switch now := e.settled(); {
	case ask.Service == "":
		return pitwall.Diagnosis{}, &pitwall.Error{Op: op, Kind: pitwall.Invalid, Err: fmt.Errorf("no service is named"), Hint: "name the service whose requests are slow or fail"}
	case ask.Window.From.IsZero():
		return pitwall.Diagnosis{}, &pitwall.Error{Op: op, Kind: pitwall.Invalid, Err: fmt.Errorf("no time is named"), Hint: "say from when the time to explain is"}
	case ask.Window.To.IsZero() || ask.Window.To.After(now):
		ask.Window.To = now // what is younger may not have come yet
	}
	if ask.Baseline.IsZero() {
		ask.Baseline = pitwall.Period{From: ask.Window.From.Add(-max(ask.Window.Duration(), e.c.Settings.Baseline)), To: ask.Window.From}
	}
	for _, p := range []struct {
		name string
		in   pitwall.Period
	}{{"the time to explain", ask.Window}, {"the good time", ask.Baseline}} {
		if d := p.in.Duration(); d <= 0 || d > longestWindow {
			return pitwall.Diagnosis{}, &pitwall.Error{Op: op, Kind: pitwall.Invalid,
				Err:  fmt.Errorf("%s is from %s to %s", p.name, p.in.From.Format(time.RFC3339), p.in.To.Format(time.RFC3339)),
				Hint: fmt.Sprintf("name a period that ends after it begins, is not in the future, and is at most %s long", longestWindow)}
		}
	}
	q := diagnose.Question{
		Regression: pitwall.Regression{Service: ask.Service, Operation: ask.Operation, Signal: ask.Signal},
		Baseline:   ask.Baseline, Window: ask.Window,
	}
	if q.Regression.Signal == "" {
		q.Regression.Signal = pitwall.SignalAny
	}
	for _, s := range e.c.SLOs {
		if s.SLI.Service == ask.Service && (ask.Operation == "" || s.SLI.Operation == ask.Operation) && s.SLI.Query == nil {
			q.SLO, q.Regression.SLO = s, s.Name
			break
		}
	}
	s := e.sources()
	s.Say = say
	return s.Diagnose(ctx, q)
}
