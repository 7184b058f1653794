package promql

import (
	"hash/maphash"
	"maps"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	// forget is how long after its last sample a counter is remembered. When it
	// comes back later its past is asked for.
	forget = 24 * time.Hour
	// tooLarge is beyond what a float counts one by one by far: no counter.
	tooLarge = 1 << 60
	// resetStep is how often native histograms are read: what a process counted
	// after the last look before it began anew is missed.
	resetStep = 15 * time.Second
	// bornPerQuery bounds how many series one question for their past names.
	bornPerQuery = 50
	// almost lets 0.9999999999 be 1: fractions are sums of floats.
	almost = 1e-9
)

// Meter counts the events of one indicator, stretch after stretch. It remembers
// the last sample of every counter and what was left over of fractions. It asks
// and never fetches: Needs, then Look, then Counts, then Keep.
type Meter struct {
	plan     Plan
	step     int64 // milliseconds
	lookback int64
	seed     maphash.Seed

	at    int64           // end of what was counted; 0: nothing yet
	last  map[uint64]mark // of every counter, by source and labels
	swept int64
	// What was counted but is no whole event yet, or waits for events of the
	// total that were read later.
	bad, total float64
}

// mark is a sample of a counter.
type mark struct {
	t int64 // 0: long ago
	v float64
}

// NewMeter makes a meter that has counted nothing. lookback is how long before
// a stretch the sample before its first one is looked for; it should be longer
// than what lies between two samples.
func NewMeter(p Plan, step, lookback time.Duration) *Meter {
	return &Meter{plan: p, step: step.Milliseconds(), lookback: lookback.Milliseconds(), seed: maphash.MakeSeed(), last: map[uint64]mark{}}
}

// Need is one question: raw samples of Selector in From < time ≤ To, or values
// of Query at From, From+Step, … before To.
type Need struct {
	Selector string
	Query    string
	Period   pitwall.Period
	Step     time.Duration
}

// Needs says what must be read to count a stretch of whole steps: one question
// for each of the plan's sources.
func (m *Meter) Needs(p pitwall.Period) []Need {
	cold := m.at != p.From.UnixMilli()
	step := time.Duration(m.step) * time.Millisecond
	list := make([]Need, len(m.plan.Sources))
	for i, s := range m.plan.Sources {
		from := p.From
		if cold && s.Reading == Increase {
			from = from.Add(-step * time.Duration((m.lookback+m.step-1)/m.step))
		}
		list[i] = Need{Selector: s.Selector, Period: pitwall.Period{From: from, To: p.To}}
		if s.Query != "" {
			// What was at the end of a step is of the step.
			every := step
			if s.wrap != "" && step%resetStep == 0 {
				every = resetStep
			}
			list[i] = Need{Query: s.Query, Step: every, Period: pitwall.Period{From: from.Add(every), To: p.To.Add(time.Millisecond)}}
		}
	}
	return list
}

// Keep makes the meter remember what was counted. Without it the same stretch
// can be counted again.
func (l *Look) Keep() {
	m := l.m
	m.last = l.known
	maps.Copy(m.last, l.last)
	m.at, m.bad, m.total = l.to, l.rest.bad, l.rest.total
	if m.at-m.swept < forget.Milliseconds()/24 {
		return
	}
	m.swept = m.at
	for key, at := range m.last {
		if at.t < m.at-forget.Milliseconds() {
			delete(m.last, key)
		}
	}
}

// Left is what was read but not counted yet: fractions of events, and bad events
// beyond the total. A bad that keeps growing means that bad is no part of total.
func (m *Meter) Left() (bad, total float64) { return m.bad, m.total }

// key names a series of a source, whatever the order of its labels.
func (m *Meter) key(source int, of map[string]string) uint64 {
	all := uint64(source+1) * 0x9e3779b97f4a7c15
	var h maphash.Hash
	h.SetSeed(m.seed)
	for k, v := range of {
		h.Reset()
		_, _ = h.WriteString(k)
		_ = h.WriteByte(0)
		_, _ = h.WriteString(v)
		all += h.Sum64()
	}
	return all
}
