package alertlint

import (
	"cmp"
	"slices"

	"github.com/pitwall/pitwall"
)

// Level is how much a finding matters.
type Level string

// The levels, worst first.
const (
	Fault   Level = "fault"   // the alert cannot do what it is for
	Warning Level = "warning" // it will wake people for nothing, or too late
	Note    Level = "note"    // it will cost the one who is woken time
)

// The rules. Docs names them with what each is about.
const (
	RuleSyntax      = "syntax"
	RuleCannotFire  = "cannot-fire"
	RuleAlwaysFires = "always-fires"
	RuleCount       = "count-based"
	RuleMean        = "mean-only"
	RuleBlind       = "no-data-blind"
	RuleRunbook     = "no-runbook"
	RuleFor         = "no-for"
	RuleSeverity    = "no-severity"
	RuleOwner       = "no-owner"
	RuleIgnored     = "never-actioned"
	RuleFlapping    = "flapping"
	RuleExcuse      = "excuse-without-reason"
)

// Rule is one thing the linter looks for.
type Rule struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// Rules lists what the linter looks for.
func Rules() []Rule {
	return []Rule{
		{RuleSyntax, "the expression is no PromQL"},
		{RuleCannotFire, "no value of the left side meets the threshold"},
		{RuleAlwaysFires, "every value of the left side meets the threshold"},
		{RuleCount, "the threshold is a number of events, whatever the traffic"},
		{RuleMean, "latency is watched by its mean alone"},
		{RuleBlind, "the alert is silent when the series it needs do not exist"},
		{RuleRunbook, "no link says what to do"},
		{RuleFor, "a single sample fires"},
		{RuleSeverity, "no label says whether somebody is woken"},
		{RuleOwner, "no label says whose it is"},
		{RuleIgnored, "it fired often, and nobody ever did anything about it"},
		{RuleFlapping, "it comes and goes many times an hour"},
		{RuleExcuse, "a comment excuses an alert from a rule and does not say why"},
	}
}

// Finding is one thing to mend.
type Finding struct {
	Rule  string `json:"rule"`
	Level Level  `json:"level"`
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"` // from 1; 0: the whole file
	Alert string `json:"alert"`          // name of the alert or tier
	// Service is whose alert it is; empty: a rule file does not say.
	Service pitwall.ServiceName `json:"service,omitempty"`
	What    string              `json:"what"`
	Why     string              `json:"why"`
	Instead string              `json:"instead"`
	// Replacement is what to write, ready to paste: an expression or lines of
	// YAML. Empty: it cannot be told from the alert alone.
	Replacement string `json:"replacement,omitempty"`
}

// Worst is the worst level among findings, "" of none.
func Worst(findings []Finding) Level {
	worst := Level("")
	for _, f := range findings {
		if worst == "" || rank(f.Level) < rank(worst) {
			worst = f.Level
		}
	}
	return worst
}

func rank(l Level) int { return slices.Index([]Level{Fault, Warning, Note}, l) }

// arrange sorts findings by place, at one place the worst first.
func arrange(list []Finding) []Finding {
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(rank(a.Level), rank(b.Level)), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Alert, b.Alert))
	})
	return list
}
