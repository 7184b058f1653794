package route

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/pitwall/pitwall"
)

// plans passes on what plans said. In a quiet window the last word of each plan
// is kept, and passed on when the window ends.
func (d *decision) plans(list []pitwall.Message) {
	for _, m := range list {
		s := ofPlan(m)
		_, quiet := quietFor(d.open, s)
		m.Thread = cmp.Or(m.Thread, string(m.Plan))
		m.ID = cmp.Or(m.ID, digest(string(m.Plan), string(m.To), strconv.FormatInt(m.Time.UnixNano(), 10), m.Title))
		for _, t := range d.Routes.targets(s) {
			told := join(t.receiver, m.ID)
			if _, twice := d.state.Told[told]; twice || !d.Routes.edge(t.receiver) {
				continue
			}
			d.state.Told[told] = d.now
			own := m
			own.OnCall = append(slices.Clone(m.OnCall), d.duty(t.receiver, t.route.OnCall)...)
			delete(d.state.Held, join(t.receiver, m.Thread))
			if quiet {
				d.state.Held[join(t.receiver, m.Thread)] = held{t.receiver, own}
				continue
			}
			d.deliver(t.receiver, own)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(d.state.Held)) {
		h := d.state.Held[key]
		if _, quiet := quietFor(d.open, ofPlan(h.Message)); !quiet {
			d.deliver(h.Receiver, h.Message)
			delete(d.state.Held, key)
		}
	}
}

// Current is what a receiver that wants the present state, an Alertmanager,
// should know: the alarms that its routes let through, that are not quiet and
// that no other speaks for. An alarm that fired before a quiet window or the one
// that speaks for it began stays: taking it away would tell the receiver that it
// is over.
func (r *Routes) Current(receiver string, now time.Time, alarms []pitwall.Alarm) (list []pitwall.Alarm) {
	open, since := r.open(now), map[string]time.Time{}
	for _, a := range alarms {
		since[a.ID] = a.Since
	}
	for _, a := range byAge(alarms) {
		s := ofAlarm(a)
		to := r.targets(s)
		i := slices.IndexFunc(to, func(t target) bool { return t.receiver == receiver })
		if i < 0 || a.Firing() && !to[i].ripe(now, a) || a.SpokenBy != "" && !a.Since.Before(since[a.SpokenBy]) {
			continue
		}
		if w, quiet := quietFor(open, s); quiet && !a.Since.Before(w.since) {
			continue
		}
		list = append(list, a)
	}
	return list
}

// Test is a delivery that tries one receiver.
func Test(receiver, by string, now time.Time) pitwall.Delivery {
	stamp := strconv.FormatInt(now.UnixNano(), 10)
	return pitwall.Delivery{Receiver: receiver, At: now, Next: now, Message: pitwall.Message{
		ID: digest("test", receiver, stamp), Kind: pitwall.MessageTest, Time: now, Action: pitwall.ActionInform, Thread: "test-" + digest(receiver, stamp),
		Owner: by, Title: "Test of the receiver " + receiver, Text: by + " tries whether messages of Pitwall arrive here. Nothing is wrong.", Severity: 4}}
}
