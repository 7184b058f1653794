package cli

import (
	"context"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
)

// rateOver is the stretch of time that rates of arrival are measured over.
const rateOver = 5 * time.Minute

// volumes says how much of each signal comes in and what keeping it takes.
type volumes struct {
	h       *house
	conf    config.Config
	started time.Time

	mu   sync.Mutex
	past []count // oldest first; the last is at most rateOver old
}

// count is what had come in at one moment, by store.
type count struct {
	at       time.Time
	accepted map[string]uint64
}

// volume is one signal's store.
type volume struct {
	signal    pitwall.SignalKind
	unit      string
	store     string // name in health
	dir       string // part of the data directory
	retention time.Duration
	budget    config.Bytes
	since     time.Time
}

// All is one entry for each signal that is kept.
func (v *volumes) All(context.Context) []pitwall.SignalVolume {
	spansSince, _, _ := v.h.spans.Kept()
	c := v.conf
	now := time.Now()
	rates := v.rates(now)
	var list []pitwall.SignalVolume
	for _, s := range []volume{
		{pitwall.SignalTraces, "spans", "store/spans", "spans", c.Traces.Retention, c.Traces.Disk, spansSince},
		{pitwall.SignalMetrics, "samples", "store/metrics", "metrics", c.Metrics.Retention, c.Metrics.Disk, time.Time{}},
		{pitwall.SignalLogs, "records", "store/logs", "logs", c.Logs.Retention, c.Logs.Disk, time.Time{}},
		{pitwall.SignalProfiles, "windows", "store/profiles", "profiles", c.Profiles.Retention, c.Profiles.Disk, v.h.profiles.Volume().Since},
	} {
		one := pitwall.SignalVolume{Signal: s.signal, Unit: s.unit, PerSecond: rates[s.store], Bytes: bytesIn(part(c, s.dir)),
			Retention: s.retention, Budget: int64(s.budget), Since: s.since}
		if !s.since.IsZero() && now.Sub(s.since) > time.Hour {
			one.BytesDay = float64(one.Bytes) / now.Sub(s.since).Hours() * 24
		}
		if p := c.Storage.PriceGiBMonth; p > 0 {
			one.CostPerDay, one.Currency = one.BytesDay/float64(config.GiB)*p, c.Storage.Currency
		}
		list = append(list, one)
	}
	return list
}

// rates is how much each store took in a second, of late.
func (v *volumes) rates(now time.Time) map[string]float64 {
	latest := count{now, map[string]uint64{}}
	for _, store := range []pitwall.Health{v.h.spans, v.h.metrics, v.h.logs, v.h.profiles} {
		for _, h := range store.Health() {
			latest.accepted[h.Name] += h.Accepted
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.past) == 0 {
		v.past = append(v.past, count{v.started, map[string]uint64{}})
	}
	oldest := v.past[0]
	for len(v.past) > 1 && now.Sub(v.past[1].at) > rateOver {
		v.past = v.past[1:]
		oldest = v.past[0]
	}
	if now.Sub(v.past[len(v.past)-1].at) > rateOver/20 {
		v.past = append(v.past, latest)
	}
	rates := map[string]float64{}
	for name, n := range latest.accepted {
		if passed := now.Sub(oldest.at).Seconds(); passed > 0 {
			rates[name] = float64(n-oldest.accepted[name]) / passed
		}
	}
	return rates
}
