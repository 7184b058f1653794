package report

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall"
)

// AlarmTitle is the subject of an alarm: "checkout-latency burns 31.6×".
func AlarmTitle(a pitwall.Alarm) string {
	t := a.State
	if !a.Firing() {
		return fmt.Sprintf("%s is quiet again (%s)", a.SLO, t.Tier.Name)
	}
	what := ""
	switch t.Tier.When {
	case pitwall.WhenSpent:
		what = "spent " + Percent(t.Value/100) + " of its budget"
		if t.Tier.Of == pitwall.OfDay {
			what = "spent " + Percent(t.Value/100) + " of the day's budget"
		}
	case pitwall.WhenExhaustion:
		what = "ends its budget in " + about(a.EndsIn)
	case pitwall.WhenRemaining:
		what = "has " + Percent(float64(a.Left)) + " of its budget left"
		if a.Left < 0 {
			what = "overspent its budget by " + Percent(-float64(a.Left))
		}
	case pitwall.WhenProjected:
		what = "will have spent " + Percent(t.Value/100) + " of its budget when the period ends"
	case pitwall.WhenTrafficLost:
		what = "gets no traffic"
	default:
		what = "burns " + Times(t.LongRate)
	}
	return fmt.Sprintf("%s %s (%s)", a.SLO, what, t.Tier.Name)
}

// AlarmText is the sentence beside the title: the numbers, what is left, and
// what changed shortly before.
func AlarmText(a pitwall.Alarm) string {
	t := a.State
	if !a.Firing() {
		return fmt.Sprintf("%s fired for %s. %s", t.Tier.Name, Span(a.Until.Sub(a.Since)), leftOf(a))
	}
	text := Condition(t.Tier)
	if t.Tier.When == "" || t.Tier.When == pitwall.WhenBurn {
		text = fmt.Sprintf("burns %s over %s (%s bad of %s)", Times(t.LongRate), Span(t.Tier.Long), Count(int64(t.Long.Bad)), Count(int64(t.Long.Total())))
		if t.Tier.Short > 0 && t.Tier.Short != t.Tier.Long {
			text += fmt.Sprintf(" and %s over %s", Times(t.ShortRate), Span(t.Tier.Short))
		}
		text += ", limit " + Times(t.Tier.Factor)
	}
	text = upperFirst(text) + ". " + leftOf(a)
	if len(a.Changes) > 0 {
		text += " Before it: " + strings.Join(changesBefore(a), "; ") + "."
	}
	if a.Objective != "" {
		text += " Promised: " + a.Objective + "."
	}
	return text
}

func leftOf(a pitwall.Alarm) string {
	switch {
	case a.Left < 0:
		return "The budget is overspent by " + Percent(-float64(a.Left)) + "."
	case a.EndsIn > 0 && a.Firing():
		return fmt.Sprintf("%s of the budget left, gone in %s at this pace.", whole(float64(a.Left)), about(a.EndsIn))
	}
	return whole(float64(a.Left)) + " of the budget left."
}

func changesBefore(a pitwall.Alarm) []string {
	var list []string
	for _, c := range a.Changes[:min(3, len(a.Changes))] {
		list = append(list, fmt.Sprintf("%s %s %s before", c.Kind, strings.TrimSpace(string(c.Service)+" "+string(c.Version)), about(a.Since.Sub(c.At))))
	}
	return list
}

// PlanMessage is what leaves for people when a plan moved: the sentence of its
// page. It pages on what a person must not sleep through.
func PlanMessage(v PlanView, from pitwall.State) pitwall.Message {
	m := pitwall.Message{Kind: pitwall.MessagePlan, Time: v.Updated, Action: pitwall.ActionInform, Thread: string(v.ID), Service: v.Service, Owner: v.Owner,
		Title: fmt.Sprintf("[%s · %s] %s", v.ID, stateName(v.State), v.What), Text: v.Sentence, Link: v.Links.App,
		Severity: pitwall.Severity(v.Severity), Plan: v.ID, From: from, To: v.State}
	if now := strings.TrimSpace(v.Budget.Now); now != "" {
		m.Text += fmt.Sprintf("\nBurn %s · budget %s", now, v.Budget.LeftText)
	}
	if v.Cause != nil && v.Cause.Claim != "" {
		m.Text += " · cause: " + v.Cause.Claim
	}
	switch v.State {
	case pitwall.RolledBack:
		m.Action = pitwall.ActionPage
	case pitwall.Escalated, pitwall.Held, pitwall.InconclusiveState, pitwall.Expired:
		m.Action = pitwall.ActionEscalate
	case pitwall.Proposed:
		if v.Waiting != "" {
			m.Action = pitwall.ActionEscalate
		}
	}
	return m
}

// GroupMessage fills in title and text of a message about alarms: those of the
// worst, and what else is in the group.
func GroupMessage(m *pitwall.Message) {
	if len(m.Alarms) == 0 {
		return
	}
	worst := m.Alarms[0]
	m.Title = AlarmTitle(worst)
	m.Text = AlarmText(worst)
	if n := len(m.Alarms); n > 1 {
		m.Title = fmt.Sprintf("%s, and %d more", m.Title, n-1)
	}
	if m.Link == "" {
		m.Link = worst.Link
	}
	if m.Runbook == "" {
		m.Runbook = worst.Runbook
	}
}
