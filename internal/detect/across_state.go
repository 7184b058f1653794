package detect

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// Limits are what a Screen holds candidates against; a zero field takes the
// default.
type Limits struct {
	// Alpha is the expected share of false ones among the findings of an
	// epoch, in (0,1): 0.05.
	Alpha float64 `json:"alpha"`
	// Epoch is the time over which Alpha is promised: 28 days, as an
	// objective's window.
	Epoch time.Duration `json:"epoch"`
	// Effect is the smallest relative effect worth a report: 0.02, the least
	// that the planted steps of the detection bench ask to be found.
	Effect float64 `json:"effect"`
	// Share is the least by which a ratio has to move, of all requests: 0.001,
	// the error rate that the standard objectives allow.
	Share float64 `json:"share"`
	// Requests are the fewest behind a new level: 30, as in a point of an onset.
	Requests int64 `json:"requests"`
}

// firstLook is the part of an epoch's level that a service's first look may
// spend: as much as a day of looks.
const firstLook = 24 * time.Hour

func (l Limits) orDefault() Limits {
	l.Alpha = cmp.Or(l.Alpha, 0.05)
	l.Epoch = cmp.Or(l.Epoch, 28*24*time.Hour)
	l.Effect = cmp.Or(l.Effect, 0.02)
	l.Share = cmp.Or(l.Share, 0.001)
	l.Requests = cmp.Or(l.Requests, perBucket)
	return l
}

// Screen is what many looks remember: what was spent, what waits, what was
// found, what people accepted. It is plain data: JSON keeps it over a restart.
type Screen struct {
	Version  int        `json:"version"`
	Limits   Limits     `json:"limits"`
	Epoch    time.Time  `json:"epoch,omitzero"` // when it began
	Count    int        `json:"count"`          // findings in it
	Services int        `json:"services"`       // asked in the epoch before
	Asked    []Asked    `json:"asked,omitempty"`
	Waiting  []Waiting  `json:"waiting,omitempty"`
	Found    []Found    `json:"found,omitempty"`
	Accepted []Accepted `json:"accepted,omitempty"`
}

// screenVersion is that of the stored form.
const screenVersion = 1

// NewScreen is a Screen that has seen nothing. It refuses limits that are no
// limits.
func NewScreen(l Limits) (Screen, error) {
	l = l.orDefault()
	switch {
	case !(l.Alpha > 0 && l.Alpha < 1):
		return Screen{}, refused("alpha %v is not between 0 and 1", l.Alpha)
	case l.Epoch < firstLook:
		return Screen{}, refused("an epoch of %s is shorter than a day", l.Epoch)
	case !(l.Effect >= 0 && finite(l.Effect)), !(l.Share >= 0 && l.Share <= 1):
		return Screen{}, refused("smallest effect %v and share %v are no sizes", l.Effect, l.Share)
	case l.Requests < 0:
		return Screen{}, refused("%d requests are no number of requests", l.Requests)
	}
	return Screen{Version: screenVersion, Limits: l}, nil
}

func refused(format string, args ...any) error {
	return pitwall.Errorf(pitwall.Invalid, "setting the limits of findings", format, args...)
}

// Waiting is a candidate that needs more points.
type Waiting struct {
	Candidate Candidate `json:"candidate"` // as last presented
	From      int       `json:"from"`      // points that showed it
	Need      int       `json:"need"`      // points wanted after those
	Last      time.Time `json:"last"`      // presented
	// Settled says that it stayed, but was not reported for another reason.
	Settled bool `json:"settled,omitempty"`
}

// Found is what is kept of a finding.
type Found struct {
	ID      string             `json:"id"`
	Lead    pitwall.SeriesName `json:"lead"`
	Members []Member           `json:"members"` // the lead first
	Onset   pitwall.Onset      `json:"onset"`
	Seen    time.Time          `json:"seen"`
	Last    time.Time          `json:"last"`          // one of its changes was presented
	Gone    time.Time          `json:"gone,omitzero"` // the lead is back at its old level
	Flaps   int                `json:"flaps,omitempty"`
}

// Member is one changed series of a finding.
type Member struct {
	Series pitwall.SeriesName `json:"series"`
	Up     bool               `json:"up"`
	Onset  pitwall.Onset      `json:"onset"`
	Before float64            `json:"before"`
	After  float64            `json:"after"`
}

func memberOf(c Candidate) Member {
	return Member{Series: c.Series, Up: c.Up, Onset: widened(c.Onset, c.Step), Before: c.Before.Value, After: c.After.Value}
}

// Accepted is a change that people took note of: it stays accepted however
// often it is seen again, until Until if that is set.
type Accepted struct {
	Series pitwall.SeriesName `json:"series"`
	Up     bool               `json:"up"`
	Onset  pitwall.Onset      `json:"onset"`
	After  pitwall.Measure    `json:"after"` // the new level
	Why    string             `json:"why"`
	At     time.Time          `json:"at"`
	Until  time.Time          `json:"until,omitzero"`
}

// covers says whether a candidate is the accepted change: the same onset, or a
// level no further off than the accepted one's interval reaches.
func (a Accepted) covers(c Candidate, now time.Time) bool {
	if a.Series != c.Series || a.Up != c.Up || !a.Until.IsZero() && !now.Before(a.Until) {
		return false
	}
	if overlap(a.Onset, widened(c.Onset, c.Step)) {
		return true
	}
	low, high := a.After.Low, a.After.High
	if low == 0 && high == 0 {
		low, high = a.After.Value, a.After.Value
	}
	if !a.After.Known() || !c.After.Known() {
		return false
	}
	return c.Up && c.After.Value <= high || !c.Up && c.After.Value >= low
}

// Accept takes note of every change of a finding; ok is false when the Screen
// does not know it.
func (s Screen) Accept(finding, why string, now, until time.Time) (after Screen, ok bool) {
	s = s.clone()
	for _, f := range s.Found {
		if f.ID != finding {
			continue
		}
		for _, m := range f.Members {
			s.Accepted = append(s.Accepted, Accepted{Series: m.Series, Up: m.Up, Onset: m.Onset,
				After: pitwall.Measure{Value: m.After, Unit: m.Series.Unit, N: 1}, Why: why, At: now, Until: until})
		}
		return s, true
	}
	return s, false
}

// clone shares nothing with the Screen that it writes to.
func (s Screen) clone() Screen {
	s.Version, s.Limits = screenVersion, s.Limits.orDefault()
	s.Asked, s.Waiting, s.Accepted = slices.Clone(s.Asked), slices.Clone(s.Waiting), slices.Clone(s.Accepted)
	s.Found = slices.Clone(s.Found)
	for i := range s.Found {
		s.Found[i].Members = slices.Clip(s.Found[i].Members)
	}
	return s
}

// forget drops what no look will ask for again.
func (s *Screen) forget(now time.Time) {
	old := now.Add(-2 * s.Limits.Epoch)
	s.Found = slices.DeleteFunc(s.Found, func(f Found) bool { return f.Last.Before(old) })
	s.Accepted = slices.DeleteFunc(s.Accepted, func(a Accepted) bool { return !a.Until.IsZero() && a.Until.Before(old) })
}

func overlap(a, b pitwall.Onset) bool {
	return !a.Earliest.After(b.Latest) && !b.Earliest.After(a.Latest)
}

// widened adds a step on both sides: the value of a point stands for all of it.
func widened(o pitwall.Onset, step time.Duration) pitwall.Onset {
	o.Earliest, o.Latest = o.Earliest.Add(-step), o.Latest.Add(step)
	return o
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// nearer says whether v is nearer to a than to b.
func nearer(v, a, b float64) bool { return math.Abs(v-a) < math.Abs(v-b) }
