package route

import (
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// Rotation says who has duty. Turns are handed over by the clock on the wall of
// its zone: at 09:00 in summer and in winter.
type Rotation struct {
	Name      string
	Zone      *time.Location
	Every     time.Duration // of the wall's clock
	People    []Person      // in the order of their turns
	Overrides []Override

	start wall
}

// Person may have duty. The handles are what each kind of receiver calls them.
type Person struct {
	Name      string `yaml:"name"`
	Email     string `yaml:"email"`
	Slack     string `yaml:"slack"` // member id, such as U024BE7LH
	PagerDuty string `yaml:"pagerduty"`
}

// Override gives somebody duty for a while, out of turn.
type Override struct {
	From, To time.Time
	Person   string
	Reason   string
}

// Duty is who has duty at a moment, and for how long.
type Duty struct {
	Person      Person
	From, Until time.Time
	Reason      string // of an override; empty: it is their turn
}

type fileRotation struct {
	Name      string   `yaml:"name"`
	Zone      string   `yaml:"zone"`
	Start     string   `yaml:"start"`
	Every     Span     `yaml:"every"`
	People    []Person `yaml:"people"`
	Overrides []struct {
		From   string `yaml:"from"`
		To     string `yaml:"to"`
		Person string `yaml:"person"`
		Reason string `yaml:"reason"`
	} `yaml:"overrides"`
}

func (r *Routes) rotation(name string) (Rotation, bool) {
	i := slices.IndexFunc(r.Rotations, func(v Rotation) bool { return v.Name == name })
	if i < 0 {
		return Rotation{}, false
	}
	return r.Rotations[i], true
}

func (r *Routes) rotationNames() (all []string) {
	for _, v := range r.Rotations {
		all = append(all, v.Name)
	}
	return all
}

// OnCall says who has duty in a rotation; false: there is no such rotation, or it
// has not begun.
func (r *Routes) OnCall(rotation string, now time.Time) (Duty, bool) {
	v, ok := r.rotation(rotation)
	if !ok {
		return Duty{}, false
	}
	return v.at(now)
}

func (r Rotation) at(now time.Time) (Duty, bool) {
	// A later override in the file overrules an earlier one.
	for _, o := range slices.Backward(r.Overrides) {
		if !now.Before(o.From) && now.Before(o.To) {
			i := slices.IndexFunc(r.People, func(p Person) bool { return p.Name == o.Person })
			return Duty{Person: r.People[i], From: o.From, Until: o.To, Reason: o.Reason}, true
		}
	}
	if now.Before(r.start.instant(r.Zone)) {
		return Duty{}, false
	}
	// Counted on the wall, which may be an hour off around a change of the clock,
	// then set right by the moments themselves.
	n := int64(wallOf(now, r.Zone).t.Sub(r.start.t) / r.Every)
	for !now.Before(r.turn(n + 1)) {
		n++
	}
	for n > 0 && now.Before(r.turn(n)) {
		n--
	}
	d := Duty{Person: r.People[n%int64(len(r.People))], From: r.turn(n), Until: r.turn(n + 1)}
	return r.clip(d, now), true
}

// turn is when the nth turn begins.
func (r Rotation) turn(n int64) time.Time {
	return r.start.add(time.Duration(n) * r.Every).instant(r.Zone)
}

// clip ends a turn where an override begins, and begins it where one ended.
func (r Rotation) clip(d Duty, now time.Time) Duty {
	for _, o := range r.Overrides {
		if o.From.After(now) && o.From.Before(d.Until) {
			d.Until = o.From
		}
		if !o.To.After(now) && o.To.After(d.From) {
			d.From = o.To
		}
	}
	return d
}

func (p *parser) rotation(n *yaml.Node) error {
	var f fileRotation
	if err := p.decode(n, "a rotation with name, start, every and people", &f); err != nil {
		return err
	}
	r := Rotation{Name: f.Name, Every: time.Duration(f.Every), People: f.People}
	var err error
	if r.Zone, err = zoneOf(f.Zone); err != nil {
		return p.wrong(n, "zone", "%w", err)
	}
	var ok bool
	if r.start, ok = parseWall(f.Start); !ok {
		return p.wrong(n, "start", "start %q is no time of the wall's clock: write 2026-01-05T09:00", f.Start)
	}
	switch {
	case !plain(r.Name):
		return p.wrong(n, "name", "a rotation's name is 1 to 100 letters, digits, hyphens, dots and underscores; got %q", r.Name)
	case slices.Contains(p.out.rotationNames(), r.Name):
		return p.wrong(n, "name", "rotation %q is defined twice", r.Name)
	case r.Every < time.Hour || r.Every%(24*time.Hour) != 0 && 24*time.Hour%r.Every != 0:
		return p.wrong(n, "every", "every must be whole days, or hours that divide a day, so that turns end at the same hours: 12h, 1d, 1w")
	case len(r.People) == 0 || len(r.People) > most || len(f.Overrides) > most:
		return p.wrong(n, "people", "a rotation needs 1 to %d people, and at most %d overrides", most, most)
	}
	if err := p.people(n, r.People); err != nil {
		return err
	}
	for _, o := range f.Overrides {
		v := Override{Person: o.Person, Reason: o.Reason}
		if v.From, v.To, err = stretch(o.From, o.To, r.Zone); err != nil {
			return p.wrong(n, "overrides", "override: %w", err)
		}
		if fault := r.overrideFault(v); fault != "" {
			return p.wrong(n, "overrides", "%s", fault)
		}
		r.Overrides = append(r.Overrides, v)
	}
	p.out.Rotations = append(p.out.Rotations, r)
	return nil
}

func (r Rotation) overrideFault(o Override) string {
	var all []string
	for _, p := range r.People {
		all = append(all, p.Name)
	}
	switch {
	case !slices.Contains(all, o.Person):
		return fmt.Sprintf("override: nobody in the rotation is named %q%s", o.Person, strict.Nearest(o.Person, all))
	case o.Reason == "":
		return "override: say the reason"
	}
	return ""
}

// people must be told apart; somebody who has two turns in a round stands twice
// with the same handles.
func (p *parser) people(n *yaml.Node, list []Person) error {
	seen := map[string]Person{}
	for _, v := range list {
		if v.Name == "" {
			return p.wrong(n, "people", "somebody in the rotation has no name")
		}
		if first, twice := seen[v.Name]; twice && first != v {
			return p.wrong(n, "people", "%s stands twice with different handles", v.Name)
		}
		seen[v.Name] = v
	}
	return nil
}

// stretch reads a from and a to, in that order.
func stretch(from, to string, zone *time.Location) (a, b time.Time, err error) {
	if a, err = moment(from, zone); err != nil {
		return a, b, fmt.Errorf("from: %w", err)
	}
	if b, err = moment(to, zone); err != nil {
		return a, b, fmt.Errorf("to: %w", err)
	}
	if !a.Before(b) {
		return a, b, fmt.Errorf("it ends at %s, not after it begins at %s", to, from)
	}
	return a, b, nil
}
