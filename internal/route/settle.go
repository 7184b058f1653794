package route

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// settle decides what a group's receiver is told now, if anything.
func (d *decision) settle(key string) {
	g := d.state.Groups[key]
	d.missing(&g)
	fresh, standing, over := g.split()
	switch {
	case len(fresh) == 0:
		g.Ready = time.Time{}
	case g.Ready.IsZero():
		g.Ready = d.now
	}
	fires := len(fresh)+len(standing) > 0
	switch {
	case !fires && (len(over) == 0 || !g.Timing.Resolved):
		delete(d.state.Groups, key)
		return
	case !fires && !d.now.Before(g.Last.Add(g.Timing.Interval)) && !d.allQuiet(over):
		d.send(&g, pitwall.MessageResolved, over)
		delete(d.state.Groups, key)
		return
	case len(fresh) > 0 && !d.now.Before(g.due(fresh)):
		d.send(&g, pitwall.MessageAlarm, append(standing, fresh...))
	case len(fresh) == 0 && fires && g.Timing.Repeat > 0 && !d.now.Before(g.Last.Add(g.Timing.Repeat)) && d.anyLoud(standing):
		d.send(&g, pitwall.MessageAlarm, standing)
	}
	d.state.Groups[key] = g
}

// missing ends alarms that nobody has spoken of for a while, as of when they
// were last heard of. What was never told is forgotten at once.
func (d *decision) missing(g *group) {
	var over []string
	for id, m := range g.Members {
		gone := m.Alarm.Firing() && !d.seen[join(g.Receiver, id)]
		switch {
		case gone && !m.Told:
			delete(g.Members, id)
			continue
		case gone && m.Missing.IsZero():
			m.Missing = d.now
		case gone && d.now.Sub(m.Missing) >= goneAfter:
			m.Alarm.Until = m.Missing
		}
		g.Members[id] = m
		if !m.Alarm.Firing() {
			over = append(over, id)
		}
	}
	if len(over) <= overKept {
		return
	}
	slices.SortFunc(over, func(a, b string) int {
		return cmp.Or(g.Members[b].Alarm.Until.Compare(g.Members[a].Alarm.Until), strings.Compare(a, b))
	})
	for _, id := range over[overKept:] {
		delete(g.Members, id)
	}
}

// split parts a group: what fires and was not told, what fires and was, and what
// was told and is over.
func (g *group) split() (fresh, standing, over []pitwall.Alarm) {
	for _, m := range g.Members {
		switch {
		case !m.Alarm.Firing():
			over = append(over, m.Alarm)
		case m.Told:
			standing = append(standing, m.Alarm)
		default:
			fresh = append(fresh, m.Alarm)
		}
	}
	return fresh, standing, over
}

// due is when what is fresh may be told. What is worse than all that was told
// does not wait behind it.
func (g *group) due(fresh []pitwall.Alarm) time.Time {
	soon := g.Ready.Add(g.Timing.Wait)
	if g.Count == 0 || worst(fresh).Rank() < g.Worst.Rank() {
		return soon
	}
	if later := g.Last.Add(g.Timing.Interval); later.After(soon) {
		return later
	}
	return soon
}

func worst(alarms []pitwall.Alarm) pitwall.Action {
	w := slices.MinFunc(alarms, func(a, b pitwall.Alarm) int { return cmp.Compare(a.Action.Rank(), b.Action.Rank()) })
	return w.Action
}

func (d *decision) allQuiet(alarms []pitwall.Alarm) bool {
	return !slices.ContainsFunc(alarms, func(a pitwall.Alarm) bool {
		_, quiet := quietFor(d.open, ofAlarm(a))
		return !quiet
	})
}

func (d *decision) anyLoud(alarms []pitwall.Alarm) bool {
	return slices.ContainsFunc(alarms, func(a pitwall.Alarm) bool { return d.loud[a.ID] })
}

// send makes the message of a group.
func (d *decision) send(g *group, kind pitwall.MessageKind, alarms []pitwall.Alarm) {
	for i, a := range alarms { // with the numbers of now
		if fresh, ok := d.given[a.ID]; ok {
			alarms[i] = fresh
		}
	}
	slices.SortStableFunc(alarms, func(a, b pitwall.Alarm) int {
		return cmp.Or(cmp.Compare(a.Action.Rank(), b.Action.Rank()), a.Since.Compare(b.Since), strings.Compare(a.ID, b.ID))
	})
	first := alarms[0]
	parts := []string{g.Receiver, g.Thread, string(kind), strconv.Itoa(g.Count)}
	for _, a := range alarms {
		parts = append(parts, a.ID)
	}
	m := pitwall.Message{ID: digest(parts...), Kind: kind, Time: d.now, Action: first.Action, Thread: g.Thread, Service: first.Service, Owner: first.Owner,
		OnCall: d.duty(g.Receiver, g.Timing.OnCall), Link: first.Link, Runbook: first.Runbook, Plan: first.Plan,
		Severity: pitwall.Severity(first.Action.Rank() + 1), Alarms: alarms[:min(len(alarms), shown)]}
	plainly(&m, len(alarms)-len(m.Alarms))
	if d.Word != nil { // the words are about all of them, however many are carried
		carried := m.Alarms
		m.Alarms = alarms
		d.Word(&m)
		m.Alarms = carried
	}
	d.deliver(g.Receiver, m)
	g.Count, g.Last, g.Ready = g.Count+1, d.now, time.Time{}
	if first.Action.Rank() < g.Worst.Rank() {
		g.Worst = first.Action
	}
	for id, m := range g.Members {
		m.Told, m.Alarm.Changes = true, nil // told once; they are large
		g.Members[id] = m
	}
}

func (d *decision) deliver(receiver string, m pitwall.Message) {
	d.out = append(d.out, pitwall.Delivery{Receiver: receiver, Message: m, At: d.now, Next: d.now})
}

// plainly words a message about alarms with their own sentences.
func plainly(m *pitwall.Message, more int) {
	first := m.Alarms[0]
	m.Title = fmt.Sprintf("[%s] %s: %s", first.Action, first.SLO, first.State.Tier.Name)
	if m.Kind == pitwall.MessageResolved {
		m.Title = fmt.Sprintf("[resolved] %s: %s", first.SLO, first.State.Tier.Name)
	}
	if n := len(m.Alarms) - 1 + more; n > 0 {
		m.Title += fmt.Sprintf(" and %d more", n)
	}
	var lines []string
	for _, a := range m.Alarms {
		lines = append(lines, a.Text)
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	m.Text = strings.Join(lines, "\n")
}

// duty names who is on call, as the receiver calls them.
func (d *decision) duty(receiver, rotation string) []string {
	duty, ok := d.Routes.OnCall(rotation, d.now)
	if !ok {
		return nil
	}
	return []string{duty.Person.handle(d.Routes.receiver(receiver))}
}

func (p Person) handle(r *Receiver) string {
	handle := ""
	switch {
	case r == nil:
	case r.Slack != nil:
		handle = p.Slack
	case r.Email != nil:
		handle = p.Email
	case r.PagerDuty != nil:
		handle = p.PagerDuty
	}
	return cmp.Or(handle, p.Name)
}
