package engine

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	// kpiPoints is how many points of a KPI a mean is taken over.
	kpiPoints = 90
	// kpiPatience bounds all queries of one reading together: a plan must not
	// wait for a number that is nice to have.
	kpiPatience = 3 * time.Second
	// maxCohorts bounds the readings of one KPI.
	maxCohorts = 20
)

// KPIs reads every KPI over the last quarter of an hour, beside the same quarter
// of the day before.
func (e *Engine) KPIs(ctx context.Context) []pitwall.KPIReading {
	now := e.c.Now()
	last := pitwall.Period{From: now.Add(-15 * time.Minute), To: now}
	yesterday := pitwall.Period{From: last.From.Add(-24 * time.Hour), To: last.To.Add(-24 * time.Hour)}
	return e.readKPIs(ctx, "", yesterday, last)
}

// impactOnKPIs reads those that show a service's trouble, since the onset beside
// as long before it.
func (e *Engine) impactOnKPIs(ctx context.Context, s pitwall.ServiceName, onset time.Time) []pitwall.KPIReading {
	now := e.c.Now()
	since := pitwall.Period{From: onset, To: now}
	before := pitwall.Period{From: onset.Add(-max(now.Sub(onset), time.Minute)), To: onset}
	return e.readKPIs(ctx, s, before, since)
}

// recoveryOfKPIs reads them once more at the end, after the fix beside the same
// length of time before the onset.
func (e *Engine) recoveryOfKPIs(ctx context.Context, p pitwall.Plan) []pitwall.KPIReading {
	if p.Verification == nil {
		return nil
	}
	after, onset := p.Verification.After, p.Opened.Regression.Onset.At
	return e.readKPIs(ctx, p.Service, pitwall.Period{From: onset.Add(-after.Duration()), To: onset}, after)
}

func (e *Engine) readKPIs(ctx context.Context, s pitwall.ServiceName, before, now pitwall.Period) (all []pitwall.KPIReading) {
	ctx, cancel := context.WithTimeout(ctx, kpiPatience)
	defer cancel()
	for _, k := range e.c.KPIs {
		if s != "" && k.Service != "" && k.Service != s {
			continue
		}
		all = append(all, e.readKPI(ctx, k, before, now)...)
	}
	return all
}

// readKPI gives one reading for each cohort; a KPI that cannot be read is one
// reading that says why.
func (e *Engine) readKPI(ctx context.Context, k pitwall.KPI, before, now pitwall.Period) []pitwall.KPIReading {
	blank := pitwall.KPIReading{KPI: k, Before: before, Now: now}
	if e.c.Metrics == nil {
		blank.Trouble = "there is no metrics store"
		return []pitwall.KPIReading{blank}
	}
	found := map[string]*pitwall.KPIReading{}
	for _, side := range []struct {
		in  pitwall.Period
		set func(*pitwall.KPIReading, float64, int)
	}{
		{before, func(r *pitwall.KPIReading, mean float64, n int) { r.Was, r.WasN = mean, n }},
		{now, func(r *pitwall.KPIReading, mean float64, n int) { r.Is, r.IsN = mean, n }},
	} {
		series, err := e.c.Metrics.QueryRange(ctx, k.Query, side.in, max(time.Second, side.in.Duration()/kpiPoints))
		if err != nil {
			blank.Trouble = err.Error()
			return []pitwall.KPIReading{blank}
		}
		for _, one := range series {
			r := found[cohortKey(one.Labels)]
			if r == nil {
				c := blank
				c.Cohort = one.Labels
				r = &c
				found[cohortKey(one.Labels)] = r
			}
			side.set(r, mean(one.V), len(one.V))
		}
	}
	if len(found) == 0 {
		blank.Trouble = "the query finds nothing"
		return []pitwall.KPIReading{blank}
	}
	var list []pitwall.KPIReading
	for _, r := range found {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(x, y pitwall.KPIReading) int {
		return cmp.Or(cmp.Compare(y.Was, x.Was), cmp.Compare(cohortKey(x.Cohort), cohortKey(y.Cohort)))
	})
	return list[:min(len(list), maxCohorts)]
}

func cohortKey(labels map[string]string) (key string) {
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		key += name + "\xff" + labels[name] + "\xff"
	}
	return key
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(1, len(values)))
}
