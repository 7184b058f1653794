package coverage

import (
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

const (
	beats = 32 // gaps and lags remembered of one source
	// usual is how many beats make a habit.
	usual = 8
	// shortest silence that is one, and shortest growth of the lag.
	silence = time.Minute
	slower  = 10 * time.Second
)

// Rhythm remembers how often each source sends and how late, to notice one that
// falls silent. The zero value remembers nothing. It is not safe for use by
// several goroutines.
type Rhythm struct {
	sources map[string]*beat
}

type beat struct {
	last time.Time
	gaps []time.Duration // between two sights of the source, newest last
	lags []float64       // seconds, newest last
}

// Unsteady is a source that does not keep its rhythm.
type Unsteady struct {
	Source pitwall.SourceHealth
	Since  time.Time     // silent since; zero: it is only late
	Usual  time.Duration // gap or lag
	Now    time.Duration
}

// regular are the signals that come all the time while there is traffic; deploys
// and alerts come when they come.
func regular(k pitwall.SignalKind) bool {
	return slices.Contains([]pitwall.SignalKind{pitwall.SignalTraces, pitwall.SignalMetrics, pitwall.SignalLogs, pitwall.SignalProfiles, pitwall.SignalSynthetics}, k)
}

// Observe takes note of how the sources stand; once in a tick is enough.
func (r *Rhythm) Observe(health []pitwall.SourceHealth) {
	if r.sources == nil {
		r.sources = map[string]*beat{}
	}
	here := map[string]bool{}
	for _, h := range health {
		here[h.Name] = true
		if !regular(h.Signal) || h.LastSeen.IsZero() {
			continue
		}
		b := r.sources[h.Name]
		if b == nil {
			b = &beat{last: h.LastSeen}
			r.sources[h.Name] = b
		}
		if h.Lag > 0 {
			b.lags = append(b.lags, h.Lag)
			b.lags = b.lags[max(0, len(b.lags)-beats):]
		}
		if gap := h.LastSeen.Sub(b.last); gap > 0 {
			b.gaps = append(b.gaps, gap)
			b.gaps = b.gaps[max(0, len(b.gaps)-beats):]
			b.last = h.LastSeen
		}
	}
	for name := range r.sources {
		if !here[name] {
			delete(r.sources, name) // a target that was taken out of its list
		}
	}
}

// Unsteady gives the sources that broke their habit: silent for more than five
// of their usual gaps, twice the longest one and a minute; or at least three
// times and ten seconds later than usual.
func (r *Rhythm) Unsteady(now time.Time, health []pitwall.SourceHealth) (list []Unsteady) {
	for _, h := range health {
		b := r.sources[h.Name]
		if b == nil {
			continue
		}
		if gap := median(b.gaps); len(b.gaps) >= usual {
			if silent := now.Sub(h.LastSeen); silent > max(5*gap, 2*slices.Max(b.gaps), silence) {
				list = append(list, Unsteady{Source: h, Since: h.LastSeen, Usual: gap, Now: silent})
				continue
			}
		}
		if len(b.lags) < 2*usual {
			continue
		}
		before := seconds(stats.Median(b.lags[:len(b.lags)-usual]))
		late := seconds(stats.Median(b.lags[len(b.lags)-usual:]))
		if late > 3*before && late > before+slower {
			list = append(list, Unsteady{Source: h, Usual: before, Now: late})
		}
	}
	return list
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func median(gaps []time.Duration) time.Duration {
	values := make([]float64, len(gaps))
	for i, g := range gaps {
		values[i] = float64(g)
	}
	if len(values) == 0 {
		return 0
	}
	return time.Duration(stats.Median(values))
}
