package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
)

// DeployView answers whether a service may be deployed now.
type DeployView struct {
	Schema  string              `json:"schema"` // "pitwall.deploy-gate/1"
	Service pitwall.ServiceName `json:"service"`
	Risk    string              `json:"risk"`
	Allowed bool                `json:"allowed"`
	// Known is false when the service has no objective that is counted: then
	// nothing halts it, and nothing vouches for it either.
	Known    bool       `json:"known"`
	Sentence string     `json:"sentence"`
	HaltedBy []HaltedBy `json:"halted_by"`
}

// HaltedBy is an alarm that halts deploys.
type HaltedBy struct {
	SLO  pitwall.SLOName `json:"slo"`
	Tier string          `json:"tier"`
	Halt pitwall.Halt    `json:"halt"`
	Plan pitwall.PlanID  `json:"plan,omitempty"`
	Text string          `json:"text"`
}

// Risks are the kinds of deploys a gate knows.
func Risks() []string { return []string{"fix", "low", "high"} }

// Deploy asks the alarms of a service whether it may be deployed. A fix, and a
// rollback, always may.
func Deploy(service pitwall.ServiceName, risk string, rows []SLORow, alarms []pitwall.Alarm) DeployView {
	v := DeployView{Schema: "pitwall.deploy-gate/1", Service: service, Risk: risk, Allowed: true, HaltedBy: []HaltedBy{}}
	for _, r := range rows {
		v.Known = v.Known || r.Service == service && r.Tone != ToneNoData
	}
	// Who speaks is named first: the tier that people were told of.
	alarms = slices.Clone(alarms)
	slices.SortStableFunc(alarms, func(a, b pitwall.Alarm) int { return cmp.Compare(min(len(a.SpokenBy), 1), min(len(b.SpokenBy), 1)) })
	for _, a := range alarms {
		halt := a.State.Tier.Halt
		if a.Service != service || !a.Firing() || halt == pitwall.HaltNone {
			continue
		}
		v.HaltedBy = append(v.HaltedBy, HaltedBy{a.SLO, a.State.Tier.Name, halt, a.Plan, a.Text})
		if risk == "high" || risk == "low" && halt == pitwall.HaltAll {
			v.Allowed = false
		}
	}
	worst := slices.ContainsFunc(v.HaltedBy, func(h HaltedBy) bool { return h.Halt == pitwall.HaltAll })
	switch {
	case len(v.HaltedBy) == 0 && !v.Known:
		v.Sentence = fmt.Sprintf("No objective of %s is counted: nothing halts its deploys, and nothing vouches for it.", service)
	case len(v.HaltedBy) == 0:
		v.Sentence = fmt.Sprintf("Nothing halts deploys of %s.", service)
	case worst:
		v.Sentence = fmt.Sprintf("Only fixes of %s may be deployed: %s.", service, haltTitle(v.HaltedBy[0]))
	default:
		v.Sentence = fmt.Sprintf("No risky deploys of %s: %s.", service, haltTitle(v.HaltedBy[0]))
	}
	return v
}

// haltTitle names what halts.
func haltTitle(h HaltedBy) string { return fmt.Sprintf("%s fires (%s)", h.SLO, h.Tier) }
