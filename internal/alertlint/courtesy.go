package alertlint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pitwall/pitwall/internal/promql"
)

// Files lints rule files together: an alert is seen through what any of them
// records. An error means a file that is no rule file; what is wrong with single
// rules are findings.
func Files(files []File) ([]Finding, error) {
	c, err := read(files)
	if err != nil {
		return nil, err
	}
	list := c.findings
	quantiled := c.quantiled()
	for _, a := range c.alerts {
		found := slices.Concat(c.reach(a), c.counts(a), c.means(a, quantiled), c.blind(a), a.courtesy())
		for _, f := range found {
			if !a.excused[f.Rule] {
				list = append(list, f)
			}
		}
	}
	return arrange(append(list, c.unwatched()...)), nil
}

// courtesy finds what the one who is woken misses.
func (a alert) courtesy() (list []Finding) {
	wakes := a.wakes()
	if !a.linked() {
		level := Note
		if wakes {
			level = Warning
		}
		f := a.finding(RuleRunbook, level, "no annotation links to a runbook", "Whoever is woken at three begins with nothing.", "add an annotation runbook_url")
		f.Replacement = "annotations:\n  runbook_url: https://…/" + a.name
		list = append(list, f)
	}
	if !a.named("severity", "priority") {
		f := a.finding(RuleSeverity, Warning, "no label says how urgent it is", "Routing cannot tell what wakes somebody from what can wait.", "add a label severity")
		f.Replacement = "labels:\n  severity: page # or ticket"
		list = append(list, f)
	}
	if !a.named("owner", "team", "squad", "service", "contact") {
		f := a.finding(RuleOwner, Note, "no label says whose it is", "It reaches whoever happens to be on call, who has to find out whom to ask.", "add a label team or owner")
		f.Replacement = "labels:\n  team: …"
		list = append(list, f)
	}
	if (a.hold == "" || a.hold == "0s") && !steady(a.tree) {
		f := a.finding(RuleFor, Note, "there is no for, and no second, longer window", "A single odd sample fires, and is over before anybody has looked.",
			"add a for of a few evaluations, or ask for two windows at once")
		f.Replacement = "for: 5m"
		list = append(list, f)
	}
	return list
}

// wakes says whether the alert is meant to wake somebody.
func (a alert) wakes() bool {
	for name, v := range a.labels {
		if strings.HasSuffix(name, "severity") || strings.HasSuffix(name, "priority") {
			switch strings.ToLower(v) {
			case "page", "critical", "emergency", "high", "p1", "p0", "sev1", "1":
				return true
			}
		}
	}
	return false
}

// link is what a runbook's annotation must hold: an address, or a path to a
// document; a template may fill it in. It is read-only.
var link = regexp.MustCompile(`(?i)https?://\S|\{\{|\S\.(md|html|adoc|pdf)\b`)

func (a alert) linked() bool {
	for _, m := range []map[string]string{a.notes, a.labels} {
		for name, v := range m {
			name = strings.ToLower(name)
			if (strings.Contains(name, "runbook") || strings.Contains(name, "playbook")) && link.MatchString(v) {
				return true
			}
		}
	}
	return false
}

// named says whether a label or annotation ends in one of these words, or the
// alert's series carry such a label: alerts keep the labels of their series.
func (a alert) named(words ...string) bool {
	ends := func(name, value string) bool {
		return value != "" && slices.ContainsFunc(words, func(w string) bool { return strings.HasSuffix(strings.ToLower(name), w) })
	}
	for _, m := range []map[string]string{a.labels, a.notes} {
		for name, v := range m {
			if ends(name, v) {
				return true
			}
		}
	}
	for n := range a.tree.All() {
		for _, m := range n.Matchers {
			if m.Op == "=" && ends(m.Name, m.Value) {
				return true
			}
		}
		if n.Kind == promql.NodeAggregate && !n.Without && slices.ContainsFunc(n.Labels, func(l string) bool { return ends(l, "kept") }) {
			return true
		}
	}
	return false
}

// steady says whether an expression waits by itself: it asks for two
// comparisons at once, or looks back over an hour or more.
func steady(n promql.Node) bool {
	return has(n, func(m promql.Node) bool {
		if m.Window.Hours() >= 1 {
			return true
		}
		return m.Kind == promql.NodeBinary && m.Op == "and" && len(tests(m.Args[0])) > 0 && len(tests(m.Args[1])) > 0
	})
}
