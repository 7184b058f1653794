package baseline

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/pitwall/pitwall"
)

// profileVersion is raised whenever an older reader would misread what is
// written.
const profileVersion = 1

// profileWire is a profile as JSON. Hours are numbers of hours of the clock on
// the wall since 1970; rows are [hour, median, error by level, by day, by week]
// with -1 for an error that is not known.
type profileWire struct {
	Version  int              `json:"version"`
	Zone     string           `json:"zone"`
	HalfLife float64          `json:"half_life_h"`
	Hours    [][5]float64     `json:"hours"`
	Day      scoreWire        `json:"score_day"`
	Week     scoreWire        `json:"score_week"`
	Open     *openWire        `json:"open,omitempty"`
	Held     *heldWire        `json:"held,omitempty"`
	Excluded []pitwall.Period `json:"excluded,omitempty"`
	Frozen   bool             `json:"frozen,omitempty"`
}

type scoreWire struct {
	Errors [3]float64 `json:"errors"`
	N      float64    `json:"n"`
}

type openWire struct {
	Hour   int64     `json:"hour"`
	From   int64     `json:"from"`
	To     int64     `json:"to"`
	N      uint64    `json:"n"`
	Values []float64 `json:"values"`
}

type heldWire struct {
	Since int64        `json:"since"`
	Hours [][2]float64 `json:"hours"`
}

// MarshalJSON writes everything that is needed to go on as if nothing had
// happened; some 60 KiB when eight weeks are full.
func (p *Profile) MarshalJSON() ([]byte, error) {
	w := profileWire{
		Version: profileVersion, Zone: p.zone.String(), HalfLife: p.halfLife, Hours: [][5]float64{},
		Day:  scoreWire{p.scores.day.error, p.scores.day.n},
		Week: scoreWire{p.scores.week.error, p.scores.week.n}, Excluded: p.excluded, Frozen: p.frozen,
	}
	for _, x := range p.slots {
		if x.hour != 0 {
			w.Hours = append(w.Hours, [5]float64{float64(x.hour - hourZero), float64(x.value),
				float64(x.errors[0]), float64(x.errors[1]), float64(x.errors[2])})
		}
	}
	if p.open.to != math.MinInt64 {
		w.Open = &openWire{int64(p.open.hour) - hourZero, p.open.from, p.open.to, p.open.n, p.open.values[:min(p.open.n, sampled)]}
	}
	if p.holding {
		w.Held = &heldWire{Since: int64(p.since) - hourZero, Hours: [][2]float64{}}
		for _, x := range p.held {
			if x.hour != 0 {
				w.Held.Hours = append(w.Held.Hours, [2]float64{float64(x.hour - hourZero), float64(x.value)})
			}
		}
	}
	return json.Marshal(w)
}

// ReadProfile reads what MarshalJSON wrote. Zone must be the zone it was written
// with, for hours of the week mean nothing in another; nil: UTC. It refuses
// another version, another zone and numbers out of range.
func ReadProfile(data []byte, zone *time.Location) (*Profile, error) {
	var w profileWire
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("reading a profile: %w", err)
	}
	if zone == nil {
		zone = time.UTC
	}
	switch {
	case w.Version != profileVersion:
		return nil, fmt.Errorf("reading a profile: version %d, known is %d", w.Version, profileVersion)
	case w.Zone != zone.String():
		return nil, fmt.Errorf("reading a profile: it was learnt in zone %q, not %q", w.Zone, zone)
	case !(w.HalfLife > 0) || w.HalfLife > 1e6:
		return nil, fmt.Errorf("reading a profile: half-life of %v hours", w.HalfLife)
	}
	p := NewProfile(ProfileOptions{Zone: zone})
	p.halfLife = w.HalfLife
	p.excluded, p.frozen = w.Excluded, w.Frozen
	p.scores = scores{score{w.Day.Errors, w.Day.N}, score{w.Week.Errors, w.Week.N}}
	if !p.scores.valid() || len(p.excluded) > excludeMax || !p.fill(w) {
		return nil, fmt.Errorf("reading a profile: numbers out of range")
	}
	p.refit()
	return p, nil
}

func (s *scores) valid() bool {
	for b := range s.day.error {
		if !(s.day.error[b] >= 0) || !(s.week.error[b] >= 0) {
			return false
		}
	}
	return s.day.n >= 0 && s.week.n >= 0
}

// fill enters the hours; ok is false when one cannot be.
func (p *Profile) fill(w profileWire) (ok bool) {
	for _, row := range w.Hours {
		hour, ok := hourIn(row[0])
		if !ok {
			return false
		}
		for _, v := range row[1:] {
			if math.Abs(v) > math.MaxFloat32 {
				return false
			}
		}
		p.slots[hour%slotCount] = learnt{hour, float32(row[1]), [3]float32{float32(row[2]), float32(row[3]), float32(row[4])}}
	}
	if o := w.Open; o != nil {
		hour, ok := hourIn(float64(o.Hour))
		if !ok || uint64(len(o.Values)) != min(o.N, sampled) {
			return false
		}
		p.open.hour, p.open.from, p.open.to, p.open.n = hour, o.From, o.To, o.N
		copy(p.open.values[:], o.Values)
	}
	if h := w.Held; h != nil {
		since, ok := hourIn(float64(h.Since))
		if !ok {
			return false
		}
		p.holding, p.since = true, since
		for _, row := range h.Hours {
			hour, ok := hourIn(row[0])
			if !ok || math.Abs(row[1]) > 1e38 {
				return false
			}
			p.held[hour%weekHours] = heldHour{hour, float32(row[1])}
		}
	}
	return true
}

// hourIn is an hour number read from a file; ok is false for one outside the
// years 1 to 9999.
func hourIn(v float64) (int32, bool) {
	if !(v > -1.8e7 && v < 7.1e7) {
		return 0, false
	}
	return int32(v) + hourZero, true
}
