package route

import (
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"gopkg.in/yaml.v3"
)

// Quiet is a window in which nobody is told, but of the excepted actions. What
// still fires when it ends is told then.
type Quiet struct {
	Name   string
	Match  Match
	Except Words // actions that are told all the same
	Reason string
	By     string
	// Period is the window; of a recurring one it is zero, and the window begins
	// whenever Cron says and lasts Duration.
	Period   pitwall.Period
	Cron     string
	Duration time.Duration
	Zone     *time.Location
	Expires  time.Time // zero: with its period

	when schedule
}

// longestQuiet bounds a recurring window; two of a week would meet.
const longestQuiet = 7 * 24 * time.Hour

type fileQuiet struct {
	Name     string `yaml:"name"`
	Match    Match  `yaml:"match"`
	Except   Words  `yaml:"except"`
	Reason   string `yaml:"reason"`
	By       string `yaml:"by"`
	From     string `yaml:"from"`
	To       string `yaml:"to"`
	Cron     string `yaml:"cron"`
	Duration Span   `yaml:"duration"`
	Zone     string `yaml:"zone"`
	Expires  string `yaml:"expires"`
}

// active says since when it is quiet now; false: it is not.
func (q Quiet) active(now time.Time) (since time.Time, ok bool) {
	if !q.Expires.IsZero() && !now.Before(q.Expires) {
		return since, false
	}
	if q.Cron == "" {
		return q.Period.From, q.Period.Contains(now)
	}
	since, ok = q.when.last(now, q.Duration, q.Zone)
	return since, ok && now.Before(since.Add(q.Duration))
}

// until is when it ends that began at since.
func (q Quiet) until(since time.Time) time.Time {
	end := q.Period.To
	if q.Cron != "" {
		end = since.Add(q.Duration)
	}
	if !q.Expires.IsZero() && q.Expires.Before(end) {
		return q.Expires
	}
	return end
}

func (q Quiet) silences(s subject) bool {
	return q.Match.fits(s) && !slices.Contains(q.Except, string(s.action))
}

// window is a quiet window that is open.
type window struct {
	Quiet
	since time.Time
}

// open lists the windows that are open now.
func (r *Routes) open(now time.Time) (list []window) {
	for _, q := range r.Quiet {
		if since, ok := q.active(now); ok {
			list = append(list, window{q, since})
		}
	}
	return list
}

// quietFor finds the first open window that silences a subject.
func quietFor(open []window, s subject) (window, bool) {
	i := slices.IndexFunc(open, func(w window) bool { return w.silences(s) })
	if i < 0 {
		return window{}, false
	}
	return open[i], true
}

func (p *parser) quiet(n *yaml.Node) error {
	var f fileQuiet
	if err := p.decode(n, "a quiet window with name, reason and by", &f); err != nil {
		return err
	}
	q := Quiet{Name: f.Name, Match: f.Match, Except: f.Except, Reason: f.Reason, By: f.By, Cron: f.Cron, Duration: time.Duration(f.Duration)}
	switch {
	case q.Name == "":
		return p.wrong(n, "name", "a quiet window needs a name")
	case slices.ContainsFunc(p.out.Quiet, func(o Quiet) bool { return o.Name == q.Name }):
		return p.wrong(n, "name", "quiet window %q is defined twice", q.Name)
	case q.Reason == "" || q.By == "":
		return p.wrong(n, "name", "quiet window %q needs reason and by: silence without either outlives its purpose", q.Name)
	}
	if fault := q.Match.fault(); fault != "" {
		return p.wrong(n, "match", "%s", fault)
	}
	if fault := actionFault(q.Except); fault != "" {
		return p.wrong(n, "except", "%s", fault)
	}
	key, err := q.times(f)
	if err != nil {
		return p.wrong(n, key, "quiet window %q: %w", q.Name, err)
	}
	p.out.Quiet = append(p.out.Quiet, q)
	return nil
}

// times reads when it is quiet; key is where the fault lies.
func (q *Quiet) times(f fileQuiet) (key string, err error) {
	if q.Zone, err = zoneOf(f.Zone); err != nil {
		return "zone", err
	}
	if f.Expires != "" {
		if q.Expires, err = moment(f.Expires, q.Zone); err != nil {
			return "expires", err
		}
	}
	if q.Cron == "" {
		if q.Duration != 0 {
			return "duration", fmt.Errorf("duration is for cron; give from and to")
		}
		q.Period.From, q.Period.To, err = stretch(f.From, f.To, q.Zone)
		return "from", err
	}
	switch {
	case f.From != "" || f.To != "":
		return "cron", fmt.Errorf("give from and to, or cron and duration, not both")
	case q.Duration < time.Minute || q.Duration > longestQuiet:
		return "duration", fmt.Errorf("a recurring window lasts between 1m and 7d, not %s", spanText(q.Duration))
	case q.Expires.IsZero():
		return "cron", fmt.Errorf("a recurring window needs expires: the day somebody looks at it again")
	}
	q.when, err = parseCron(q.Cron)
	return "cron", err
}
