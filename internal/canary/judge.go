package canary

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// Goals of a guardrail.
const (
	goalBetter = "better"
	metricErr  = "errors"
)

// Input is one look at one step.
type Input struct {
	StepID             string
	Weight             int                 // percent of traffic on the treatment
	Service            pitwall.ServiceName // the changed service
	Control, Treatment pitwall.Version     // its versions: before and after the change
	Guardrails         []pitwall.Guardrail
	Spans              *pitwall.SpanBatch // whole traces; nil: none
	Period             pitwall.Period     // since the step began, up to what is known complete
	Now, Deadline      time.Time          // zero Deadline: the step may take for ever
	Settings           Settings
}

// Settings bound the judge's errors. Zero values become the defaults.
type Settings struct {
	// Alpha bounds the chance that a release without harm is rolled back,
	// over all guardrails, steps and looks together; 0.01 by default.
	Alpha float64
	// Steps is how many judged steps of the release share Alpha; 2 by default.
	Steps int
	// MinRequests is the fewest requests of each arm for a row to pass; 50 by
	// default. A neighbour needs a fifth of it.
	MinRequests int
	// Phi is the smallest dispersion of requests: 1 when they are independent,
	// more when an A/A history says so.
	Phi float64
}

func (s Settings) withDefaults() Settings {
	if !(s.Alpha > 0 && s.Alpha < 1) {
		s.Alpha = 0.01
	}
	if s.Steps <= 0 {
		s.Steps = 2
	}
	if s.MinRequests <= 0 {
		s.MinRequests = 50
	}
	s.Phi = max(1, s.Phi)
	return s
}

// imbalance is the p-value of the sample-ratio check below which nothing may be
// concluded; small enough for a thousand looks.
const imbalance = 1e-6

// Judge looks at the step once. Judging the same input again gives the same look.
func Judge(in Input) pitwall.CanaryLook {
	in.Settings = in.Settings.withDefaults()
	look := pitwall.CanaryLook{
		StepID: in.StepID, At: in.Now, Period: in.Period, Weight: in.Weight,
		Control: in.Control, Treat: in.Treatment, Balance: 1, Rows: []pitwall.Comparison{},
	}
	arms := split(in)
	for _, g := range in.Guardrails {
		look.Rows = append(look.Rows, judgeRow(in, arms, g))
	}
	if in.Weight >= 100 {
		look.Action = pitwall.CanaryAdvance
		look.Reason = fmt.Sprintf("all traffic is on %s %s, so there is no control to compare with; the watch and the verification judge it", in.Service, in.Treatment)
		return look
	}
	look.Balance = arms.balance(in)
	look.Action, look.Reason = decide(in, look)
	return look
}

// decide turns rows into the next action: an untrustworthy split first, then
// harm, then a full set of passes, then the clock.
func decide(in Input, look pitwall.CanaryLook) (pitwall.CanaryAction, string) {
	if look.Balance < imbalance {
		return pitwall.CanaryGiveUp, fmt.Sprintf("the traffic split is not the %d %% asked for (p %.1g), so the arms cannot be compared", in.Weight, look.Balance)
	}
	open, judged := (*pitwall.Comparison)(nil), false
	for i, r := range look.Rows {
		if r.Verdict == pitwall.Worse {
			return pitwall.CanaryRollBack, fmt.Sprintf("%s is worse: %s", r.Name, r.Why)
		}
		if !r.Pass && (open == nil || r.NeedMore > open.NeedMore) {
			open = &look.Rows[i]
		}
		judged = judged || r.Pass && r.Verdict != pitwall.NoData && enough(in.Settings, r)
	}
	late := !in.Deadline.IsZero() && !in.Now.Before(in.Deadline)
	switch {
	case open == nil && judged:
		return pitwall.CanaryAdvance, "every guardrail holds: " + summary(look.Rows)
	case late && open == nil:
		return pitwall.CanaryGiveUp, "the step's time is over and no guardrail could be judged"
	case late:
		return pitwall.CanaryGiveUp, fmt.Sprintf("the step's time is over without a decision: %s: %s", open.Name, open.Why)
	case open == nil:
		return pitwall.CanaryWait, "no guardrail can be judged yet; without data nothing is promoted"
	}
	return pitwall.CanaryWait, fmt.Sprintf("waiting for %s: %s", open.Name, open.Why)
}

func enough(s Settings, r pitwall.Comparison) bool {
	return min(r.Control.N, r.Treatment.N) >= int64(s.MinRequests)
}

func summary(rows []pitwall.Comparison) string {
	proven, held := 0, 0
	first := ""
	for _, r := range rows {
		switch {
		case r.Verdict == pitwall.Better:
			if proven == 0 {
				first = fmt.Sprintf("%s %s → %s", r.Name, words(r.Control), words(r.Treatment))
			}
			proven++
		case r.Pass:
			held++
		}
	}
	if proven == 0 {
		return fmt.Sprintf("%d not proven worse", held)
	}
	return fmt.Sprintf("%s, %d proven better, %d not proven worse", first, proven, held)
}
