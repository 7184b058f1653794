package route

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
)

// Match selects alarms and plan messages: every field that is given must fit,
// any of its words will do. Services, objectives, owners and labels may have
// * (any characters) and ? (any one). The zero Match fits everything.
type Match struct {
	Kind    Words             `yaml:"kind"` // alarm, plan
	Action  Words             `yaml:"action"`
	Service Words             `yaml:"service"`
	SLO     Words             `yaml:"slo"`
	Owner   Words             `yaml:"owner"`
	Labels  map[string]string `yaml:"labels"`
}

// The kinds that a Match may name.
const (
	kindAlarm = "alarm"
	kindPlan  = "plan"
)

// subject is what is matched.
type subject struct {
	kind    string
	action  pitwall.Action
	service pitwall.ServiceName
	slo     pitwall.SLOName
	owner   string
	labels  map[string]string
}

func ofAlarm(a pitwall.Alarm) subject {
	return subject{kindAlarm, a.Action, a.Service, a.SLO, a.Owner, a.Labels}
}

// ofPlan takes objective and labels from the alarm that opened the plan, if the
// message carries it.
func ofPlan(m pitwall.Message) subject {
	s := subject{kind: kindPlan, action: m.Action, service: m.Service, owner: m.Owner}
	if len(m.Alarms) > 0 {
		s.slo, s.labels = m.Alarms[0].SLO, m.Alarms[0].Labels
	}
	return s
}

func (m Match) empty() bool {
	return len(m.Kind)+len(m.Action)+len(m.Service)+len(m.SLO)+len(m.Owner)+len(m.Labels) == 0
}

func (m Match) fits(s subject) bool {
	return anyOf(m.Kind, s.kind) && anyOf(m.Action, string(s.action)) && anyOf(m.Service, string(s.service)) &&
		anyOf(m.SLO, string(s.slo)) && anyOf(m.Owner, s.owner) && m.fitsLabels(s.labels)
}

func (m Match) fitsLabels(labels map[string]string) bool {
	for k, pattern := range m.Labels {
		if v, ok := labels[k]; !ok || !glob(pattern, v) {
			return false
		}
	}
	return true
}

func anyOf(patterns Words, text string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return glob(p, text) })
}

// glob matches * and ? and nothing else. It takes at most len(pattern)×len(text)
// steps: after a mismatch only the last star is tried again.
func glob(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// actions are the words of pitwall.Actions.
func actions() []string {
	var words []string
	for _, a := range pitwall.Actions() {
		words = append(words, string(a))
	}
	return words
}

// fault is the first word that cannot be meant, or "".
func (m Match) fault() string {
	for _, k := range m.Kind {
		if kinds := []string{kindAlarm, kindPlan}; !slices.Contains(kinds, k) {
			return fmt.Sprintf("unknown kind %q%s", k, strict.Nearest(k, kinds))
		}
	}
	return actionFault(m.Action)
}

func actionFault(list Words) string {
	for _, a := range list {
		if !slices.Contains(actions(), a) {
			return fmt.Sprintf("unknown action %q%s", a, strict.Nearest(a, actions()))
		}
	}
	return ""
}

// String words the match: "action=page,ticket service=shop-*".
func (m Match) String() string {
	var parts []string
	put := func(key string, w Words) {
		if len(w) > 0 {
			parts = append(parts, key+"="+strings.Join(w, ","))
		}
	}
	put("kind", m.Kind)
	put("action", m.Action)
	put("service", m.Service)
	put("slo", m.SLO)
	put("owner", m.Owner)
	for _, k := range slices.Sorted(maps.Keys(m.Labels)) {
		put("label "+k, Words{m.Labels[k]})
	}
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, " ")
}
