package cli

import (
	"context"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/httpd"
	"github.com/pitwall/pitwall/internal/logs"
	"github.com/pitwall/pitwall/internal/store/metrics"
)

// signals are what the API answers about beside plans and objectives.
func (h *house) signals(conf config.Config) httpd.Signals {
	return httpd.Signals{
		Spans: h.spans, Operations: h.spans, MergedProfile: func(ctx context.Context, q pitwall.ProfileQuery) ([]byte, error) {
			m, err := h.profiles.Merged(ctx, q)
			return m.Data, err
		}, Logs: h.logs, Alerts: h.db, Changes: h.db, KPIs: h.engine.KPIs,
		Telemetry: h.engine.Telemetry, Version: Version, LogContrast: h.contrast, Journeys: h.journeys,
		Settings: func() []httpd.Setting { return effective(conf) },
	}
}

// effective lists the configuration in effect in the order of its keys. It holds
// no secret, only the names of files that do.
func effective(conf config.Config) (list []httpd.Setting) {
	values := conf.Values()
	for _, key := range config.Keys() {
		list = append(list, httpd.Setting{Key: key, Value: values[key], Origin: string(conf.Origins[key])})
	}
	return list
}

// contrast compares the log patterns of two periods, knowing how bursty each was
// before, and gives what changed beyond chance.
func (h *house) contrast(ctx context.Context, q pitwall.LogQuery, before, after pitwall.Period) (any, error) {
	q.Limit = 10_000
	var sides [2][]pitwall.LogPattern
	for i, in := range []pitwall.Period{before, after} {
		var err error
		q.Period = in
		if sides[i], err = h.logs.LogPatterns(ctx, q); err != nil {
			return nil, err
		}
	}
	q.Period = before
	phi, err := h.logs.PatternDispersion(ctx, q)
	if err != nil {
		return nil, err
	}
	c := logs.Comparison{Before: sides[0], After: sides[1], BeforeFor: before.Duration(), AfterFor: after.Duration(), Phi: phi}
	return slices.DeleteFunc(c.Changes(), func(c logs.PatternChange) bool { return !c.Named() }), nil
}

// cardinality is what the metric series consist of.
func (h *house) cardinality(ctx context.Context) (*pitwall.Cardinality, error) {
	c, err := h.metrics.Cardinality(ctx, 10)
	if err != nil {
		return nil, err
	}
	named := func(shares []metrics.Share) (list []pitwall.NamedCount) {
		for _, s := range shares {
			list = append(list, pitwall.NamedCount{Name: s.Name, Count: int64(s.Count)})
		}
		return list
	}
	return &pitwall.Cardinality{Series: int64(c.Series), Metrics: named(c.Metrics), Labels: named(c.Labels), Of: c.To.Sub(c.From)}, nil
}
