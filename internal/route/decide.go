package route

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	// goneAfter is how long an alarm may not be spoken of before it counts as over:
	// whoever forgets an alarm for a moment ends nothing.
	goneAfter = 5 * time.Minute
	// correlated is how far apart alarms of one cause begin at most.
	correlated = 5 * time.Minute
	// toldFor is how long ids of plan messages are remembered.
	toldFor = 7 * 24 * time.Hour
	// overKept is how many alarms that are over a group remembers.
	overKept = 50
	// shown is how many alarms a message carries; its text counts the rest.
	shown = 100
)

// Router decides by a routing file.
type Router struct {
	Routes *Routes // nil: nobody is told
	// Related lists the services that call a service or that it calls; nil: unknown.
	Related func(s pitwall.ServiceName) []pitwall.ServiceName
	// Word fills in title and text of a message about alarms; nil: plain ones.
	Word func(m *pitwall.Message)
}

// Decision is what is to be sent, and what to remember. Keep both or neither.
type Decision struct {
	Deliveries []pitwall.Delivery
	State      State
}

// Decide says what leaves now. Alarms are all that fire and those that are just
// over; plans are the messages since the last decision.
func (r Router) Decide(now time.Time, alarms []pitwall.Alarm, plans []pitwall.Message, before State) Decision {
	if r.Routes == nil {
		r.Routes = &Routes{}
	}
	d := decision{Router: r, now: now, state: before.clone(), open: r.Routes.open(now), home: map[string]string{}, seen: map[string]bool{},
		loud: map[string]bool{}, given: map[string]pitwall.Alarm{}, goes: map[string][]target{}}
	d.dropStrangers()
	alarms = byAge(alarms)
	d.findLoud(alarms)
	for _, a := range alarms {
		d.place(a)
	}
	for _, key := range slices.Sorted(maps.Keys(d.state.Groups)) {
		d.settle(key)
	}
	d.plans(plans)
	return Decision{Deliveries: d.out, State: d.state}
}

// decision is one Decide at work.
type decision struct {
	Router
	now   time.Time
	state State
	open  []window
	given map[string]pitwall.Alarm // by their ids
	goes  map[string][]target      // whom alarms are for
	loud  map[string]bool          // ids of alarms that may be told now
	home  map[string]string        // receiver and alarm -> key of their group
	seen  map[string]bool          // receivers and alarms that this decision was given
	out   []pitwall.Delivery
	// kin are the keys of groups by receiver and by service or plan; nil: not asked
	// for yet.
	kin map[string][]string
}

// target is a receiver, and the route that led there.
type target struct {
	route    *Route
	receiver string
}

// targets lists who is to be told; the first route that leads to a receiver
// says how.
func (r *Routes) targets(s subject) (list []target) {
	for i := range r.Routes {
		route := &r.Routes[i]
		if !route.Match.fits(s) {
			continue
		}
		for _, to := range route.To {
			if !slices.ContainsFunc(list, func(t target) bool { return t.receiver == to }) {
				list = append(list, target{route, to})
			}
		}
		if !route.Continue {
			break
		}
	}
	return list
}

func (r *Routes) receiver(name string) *Receiver {
	i := slices.IndexFunc(r.Receivers, func(v Receiver) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return &r.Receivers[i]
}

// edge says whether a receiver is told of changes; an Alertmanager wants the
// present state instead, see Current.
func (r *Routes) edge(name string) bool {
	v := r.receiver(name)
	return v != nil && v.Alertmanager == nil
}

func byAge(alarms []pitwall.Alarm) []pitwall.Alarm {
	list := slices.Clone(alarms)
	slices.SortStableFunc(list, func(a, b pitwall.Alarm) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.ID, b.ID))
	})
	return list
}

// findLoud finds the alarms that somebody may be told of now: those that fire,
// in no quiet window, that no other speaks for, and that are not silenced by a
// worse one that itself may be told.
func (d *decision) findLoud(alarms []pitwall.Alarm) {
	free, silent := map[string]bool{}, map[string]bool{}
	for _, a := range alarms {
		_, quiet := quietFor(d.open, ofAlarm(a))
		d.given[a.ID] = a
		d.goes[a.ID] = d.Routes.targets(ofAlarm(a))
		free[a.ID] = a.Firing() && !quiet && a.SpokenBy == "" && slices.ContainsFunc(d.goes[a.ID], func(t target) bool { return t.ripe(d.now, a) })
		for _, v := range d.Routes.Inhibit {
			if free[a.ID] && slices.Contains(v.By, string(a.Action)) {
				silent[v.about(a)] = true
			}
		}
	}
	for _, a := range alarms {
		d.loud[a.ID] = free[a.ID] && !slices.ContainsFunc(d.Routes.Inhibit, func(v Inhibit) bool {
			return slices.Contains(v.Silences, string(a.Action)) && silent[v.about(a)]
		})
	}
}

// about is what silencing and silenced alarm must have in common.
func (v Inhibit) about(a pitwall.Alarm) string {
	name := string(a.SLO)
	if v.Same == "service" {
		name = string(a.Service)
	}
	return strings.Join(v.By, ",") + "\x00" + v.Same + "\x00" + name
}

// ripe says whether an alarm has fired long enough for a route.
func (t target) ripe(now time.Time, a pitwall.Alarm) bool { return now.Sub(a.Since) >= t.route.After }

// dropStrangers forgets groups of receivers that are no longer in the file, and
// notes where every alarm is at home.
func (d *decision) dropStrangers() {
	for key, g := range d.state.Groups {
		if !d.Routes.edge(g.Receiver) {
			delete(d.state.Groups, key)
			continue
		}
		for id := range g.Members {
			d.home[join(g.Receiver, id)] = key
		}
	}
	for key, h := range d.state.Held {
		if !d.Routes.edge(h.Receiver) {
			delete(d.state.Held, key)
		}
	}
	maps.DeleteFunc(d.state.Told, func(_ string, at time.Time) bool { return d.now.Sub(at) > toldFor })
}

// place puts an alarm into its group for each receiver. It stays there for its
// life, whatever becomes of its labels.
func (d *decision) place(a pitwall.Alarm) {
	for _, t := range d.goes[a.ID] {
		if !d.Routes.edge(t.receiver) {
			continue
		}
		id := join(t.receiver, a.ID)
		d.seen[id] = true
		tell := d.loud[a.ID] && t.ripe(d.now, a)
		key, known := d.home[id]
		if !known && !tell {
			d.standBehind(t.receiver, a)
			continue
		}
		if !known {
			key = d.groupFor(t, a)
			d.home[id] = key
		}
		g := d.state.Groups[key]
		g.Timing = timing{t.route.Wait, t.route.Interval, t.route.Repeat, t.route.Resolved, t.route.OnCall}
		g.put(a, tell)
		d.state.Groups[key] = g
		d.relate(key, t.receiver, a)
	}
}

// standBehind takes an alarm into the group that was told of the one that speaks
// for it, if both ask for the same. When that one is over this one goes on for it:
// nobody is woken a second time for one trouble, and nobody hears that it is over
// while it is not.
func (d *decision) standBehind(receiver string, a pitwall.Alarm) {
	key, known := d.home[join(receiver, a.SpokenBy)]
	if !known || a.SpokenBy == "" || !a.Firing() {
		return
	}
	g := d.state.Groups[key]
	if speaker := g.Members[a.SpokenBy]; speaker.Told && speaker.Alarm.Action == a.Action {
		g.Members[a.ID] = member{Alarm: a, Told: true}
		d.home[join(receiver, a.ID)] = key
	}
}

// put takes an alarm as it is now. Of what was told only the end changes what is
// remembered: numbers move all the time.
func (g *group) put(a pitwall.Alarm, tell bool) {
	m, known := g.Members[a.ID]
	switch {
	case !m.Told && !tell:
		delete(g.Members, a.ID)
		return
	case !known || !m.Told || m.Alarm.Firing() && !a.Firing():
		m.Alarm = a
	}
	m.Missing = time.Time{}
	g.Members[a.ID] = m
}

// groupFor finds the group that an alarm joins, or opens one.
func (d *decision) groupFor(t target, a pitwall.Alarm) string {
	value := t.route.valueOf(a)
	if slices.Contains(t.route.GroupBy, correlation) {
		value = d.correlate(t.receiver, a)
	}
	key := join(t.receiver, value)
	if _, open := d.state.Groups[key]; !open {
		d.state.Groups[key] = group{Receiver: t.receiver, Key: value, Thread: "alarms-" + digest(t.receiver, value, a.ID), Members: map[string]member{}}
	}
	return key
}

// valueOf is what alarms of a group have in common: "service=checkout slo=…".
func (r *Route) valueOf(a pitwall.Alarm) string {
	var parts []string
	for _, by := range r.GroupBy {
		v := ""
		switch label, isLabel := strings.CutPrefix(by, "label:"); {
		case isLabel:
			v = a.Labels[label]
		case by == "service":
			v = string(a.Service)
		case by == "slo":
			v = string(a.SLO)
		case by == "owner":
			v = a.Owner
		}
		parts = append(parts, by+"="+v)
	}
	return strings.Join(parts, " ")
}

// correlate finds the group of what an alarm goes together with. Groups do not
// merge later: a thread that began stays whole.
func (d *decision) correlate(receiver string, a pitwall.Alarm) string {
	near := []pitwall.ServiceName{a.Service}
	if d.Related != nil {
		near = append(near, d.Related(a.Service)...)
	}
	for _, key := range d.candidates(receiver, a.Plan, near) {
		g := d.state.Groups[key]
		if !strings.HasPrefix(g.Key, correlation+" ") {
			continue
		}
		for _, m := range g.Members {
			if together(m.Alarm, a, near) {
				return g.Key
			}
		}
	}
	return correlation + " " + a.ID
}

// candidates are the groups of a receiver that may hold something of a plan or of
// some services, sorted: looking into all of them for each of ten thousand alarms
// takes minutes.
func (d *decision) candidates(receiver string, plan pitwall.PlanID, services []pitwall.ServiceName) []string {
	if d.kin == nil {
		d.kin = map[string][]string{}
		for key, g := range d.state.Groups {
			for _, m := range g.Members {
				d.relate(key, g.Receiver, m.Alarm)
			}
		}
	}
	var keys []string
	for _, s := range services {
		keys = append(keys, d.kin[join(receiver, "s"+string(s))]...)
	}
	if plan != "" {
		keys = append(keys, d.kin[join(receiver, "p"+string(plan))]...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// relate notes in which group an alarm's service and plan are found.
func (d *decision) relate(key, receiver string, a pitwall.Alarm) {
	if d.kin == nil {
		return // nobody asked yet
	}
	names := []string{join(receiver, "s"+string(a.Service))}
	if a.Plan != "" {
		names = append(names, join(receiver, "p"+string(a.Plan)))
	}
	for _, name := range names {
		if !slices.Contains(d.kin[name], key) {
			d.kin[name] = append(d.kin[name], key)
		}
	}
}

// together says whether two alarms have one cause; near are the services that the
// second may share it with.
func together(a, b pitwall.Alarm, near []pitwall.ServiceName) bool {
	if a.Since.Sub(b.Since).Abs() > correlated {
		return false
	}
	return a.Plan != "" && a.Plan == b.Plan || slices.Contains(near, a.Service)
}
