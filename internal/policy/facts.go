package policy

import (
	"maps"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/pitwall/pitwall"
)

// Request is one proposal with the facts a rule may ask for. The zero value of
// Freeze, Environment and Mode means no freeze and nothing known.
type Request struct {
	Plan     pitwall.Plan
	Fix      pitwall.Fix
	Severity pitwall.Severity
	Budget   pitwall.ErrorBudget
	// Environment is where the change happens, such as "production".
	Environment string
	// Freeze says that changes are frozen now.
	Freeze bool
	// Mode is how this Pitwall was told to work, such as "auto" or "approve".
	Mode string
}

// variable is one fact a rule may name.
type variable struct {
	name string
	typ  *cel.Type
}

// variables lists what rules may name. A dotted name is one variable, so a
// misspelt field is an error at load. Those marked optional are left out when
// they are not known, and a rule that needs one then denies.
func variables() []variable {
	return []variable{
		{"plan", cel.MapType(cel.StringType, cel.DynType)}, // id, state, service, slo, owner, cycle
		{"fix.kind", cel.StringType},                       // "rollback"
		{"fix.risk", cel.StringType},                       // "low", "medium", "high"
		{"fix.service", cel.StringType},
		{"fix.playbook", cel.StringType},
		{"fix.canary", cel.BoolType},         // the first step is judged before the next
		{"severity", cel.IntType},            // 1 is worst
		{"budget.remaining", cel.DoubleType}, // optional; 1 is untouched, negative is overspent
		{"budget.burn_rate", cel.DoubleType}, // optional
		{"change.kind", cel.StringType},      // optional; the change that is blamed
		{"now", cel.TimestampType},
		{"environment", cel.StringType},
		{"freeze", cel.BoolType},
		{"mode", cel.StringType},
	}
}

func variableNames() []string {
	var names []string
	for _, v := range variables() {
		names = append(names, v.name)
	}
	return names
}

func environment() (*cel.Env, error) {
	var options []cel.EnvOption
	for _, v := range variables() {
		options = append(options, cel.Variable(v.name, v.typ))
	}
	return cel.NewEnv(options...)
}

// facts gives the values of the variables that are known.
func (r Request) facts(now time.Time) map[string]any {
	facts := map[string]any{
		"plan": map[string]any{
			"id": string(r.Plan.ID), "state": string(r.Plan.State), "service": string(r.Plan.Service),
			"slo": string(r.Plan.SLO), "owner": r.Plan.Opened.Owner, "cycle": int64(r.Plan.Cycle),
		},
		"fix.kind": r.Fix.Kind, "fix.risk": string(r.Fix.Risk), "fix.service": string(r.Fix.Service),
		"fix.playbook": r.Fix.Playbook, "fix.canary": canaried(r.Fix),
		"severity": int64(r.Severity), "now": now.UTC(),
		"environment": r.Environment, "freeze": r.Freeze, "mode": r.Mode,
	}
	if r.Budget.Known {
		facts["budget.remaining"] = float64(r.Budget.Remaining())
	}
	if r.Budget.BurnKnown {
		facts["budget.burn_rate"] = r.Budget.BurnRate
	}
	if h := r.Plan.Hypothesis; h != nil && h.Change != nil {
		facts["change.kind"] = string(h.Change.Kind)
	}
	return facts
}

// canaried says whether the fix begins on a part of the traffic and is judged
// there.
func canaried(f pitwall.Fix) bool {
	return len(f.Steps) > 1 && f.Steps[0].Judged && f.Steps[0].Weights[f.Good] < 100
}

// recorded copies facts in the shape in which the record keeps them.
func recorded(facts map[string]any) map[string]any {
	out := maps.Clone(facts)
	if plan, ok := facts["plan"].(map[string]any); ok {
		out["plan"] = maps.Clone(plan)
	}
	if now, ok := facts["now"].(time.Time); ok {
		out["now"] = now.Format(time.RFC3339Nano)
	}
	return out
}
