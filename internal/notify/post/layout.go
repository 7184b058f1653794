package post

import (
	"fmt"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// changesShown and alarmsShown bound what a message lists.
const (
	changesShown = 5
	alarmsShown  = 10
)

// Fact is a line below a message: "Owner: team-shop".
type Fact struct{ Name, Value string }

// Facts are what everybody who is woken asks first: whose it is, who has duty,
// what changed, and what to do.
func Facts(m pitwall.Message) []Fact {
	var list []Fact
	put := func(name, value string) {
		if value != "" {
			list = append(list, Fact{name, value})
		}
	}
	put("Service", string(m.Service))
	put("Owner", m.Owner)
	put("On call", strings.Join(m.OnCall, ", "))
	put("Plan", string(m.Plan))
	put("Changes", strings.Join(Changes(m), "; "))
	return list
}

// Changes words the changes shortly before the alarms, each once, newest first.
func Changes(m pitwall.Message) (list []string) {
	seen := map[pitwall.ChangeID]bool{}
	for _, a := range m.Alarms {
		for _, c := range a.Changes {
			if seen[c.ID] || len(list) == changesShown {
				continue
			}
			seen[c.ID] = true
			text := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s", c.Kind, c.Service, c.Version)), " ")
			list = append(list, text+" at "+c.At.UTC().Format("15:04:05 MST"))
		}
	}
	return list
}

// Links are where to go on: name and address.
func Links(m pitwall.Message) []Fact {
	var list []Fact
	if m.Link != "" {
		name := "Open objective"
		if m.Kind == pitwall.MessagePlan {
			name = "Open plan"
		}
		list = append(list, Fact{name, m.Link})
	}
	if m.Runbook != "" {
		list = append(list, Fact{"Runbook", m.Runbook})
	}
	return list
}

// Lines lays a message out as plain text: the title, the text, the alarms if
// there are several, the facts and the links.
func Lines(m pitwall.Message) []string {
	lines := []string{m.Title}
	if m.Text != "" {
		lines = append(lines, strings.Split(m.Text, "\n")...)
	}
	for _, f := range append(Facts(m), Links(m)...) {
		lines = append(lines, f.Name+": "+f.Value)
	}
	if len(m.Alarms) > 1 {
		lines = append(lines, Alarms(m)...)
	}
	return lines
}

// Alarms lists the alarms of a message, some of them.
func Alarms(m pitwall.Message) []string {
	var lines []string
	for i, a := range m.Alarms {
		if i == alarmsShown {
			return append(lines, fmt.Sprintf("… and %d more", len(m.Alarms)-alarmsShown))
		}
		state := "since " + a.Since.UTC().Format(time.RFC3339)
		if !a.Firing() {
			state = "over since " + a.Until.UTC().Format(time.RFC3339)
		}
		lines = append(lines, fmt.Sprintf("- %s %s (%s), %s", a.Action, a.SLO, a.State.Tier.Name, state))
	}
	return lines
}

// Cut shortens a text to so many bytes at most, at the edge of a character.
func Cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len("…")], "") + "…"
}

// OneLine makes a text safe for a header or a title: without line breaks and
// control characters.
func OneLine(text string) string {
	return strings.Join(strings.Fields(strings.Map(printable, strings.ToValidUTF8(text, "?"))), " ")
}

// Severity words an action as Alertmanager and PagerDuty users do.
func Severity(a pitwall.Action) string {
	switch a {
	case pitwall.ActionPage:
		return "critical"
	case pitwall.ActionInform:
		return "info"
	}
	return "warning"
}
