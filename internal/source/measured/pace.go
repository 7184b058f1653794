package measured

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// job is what tells the senders of a store's series apart.
type job struct{ service, job string }

func jobOf(labels map[string]string) job { return job{labels["service_name"], labels["job"]} }

// name is the service a job is of: "shop/checkout" is checkout.
func (j job) name() pitwall.ServiceName {
	if j.service != "" {
		return pitwall.ServiceName(j.service)
	}
	return pitwall.ServiceName(j.job[strings.LastIndexByte(j.job, '/')+1:])
}

// paces are the services that export a counter.
type paces map[pitwall.ServiceName]exporter

// exporter is a service, by which jobs it exports, and how often the slowest of
// them does at most.
type exporter struct {
	jobs     []job
	interval time.Duration
}

// exporting says who exports a counter within the period, and how often: n
// samples of a series within a time lie no farther apart, on average, than that
// time in n−1 parts.
func (l *look) exporting(ctx context.Context, counter string) (paces, error) {
	if known, ok := l.paces[counter]; ok {
		return known, nil
	}
	// Each point looks back, so the first lies one pace after the period's begin.
	p := pitwall.Period{From: l.period.From.Add(pace), To: l.period.To.Add(pace)}
	series, err := l.store.QueryRange(ctx, "max by ("+byJob+") (count_over_time("+counter+"["+pace.String()+"]))", p, pace)
	if err != nil {
		return nil, err
	}
	found := paces{}
	for _, x := range series {
		j := jobOf(x.Labels)
		if j.name() == "" || len(x.V) == 0 {
			continue
		}
		every := pace
		if n := slices.Max(x.V); n > 1 {
			every = time.Duration(float64(pace) / (n - 1))
		}
		e := found[j.name()]
		found[j.name()] = exporter{append(e.jobs, j), max(e.interval, every)}
	}
	for _, e := range found {
		slices.SortFunc(e.jobs, func(a, b job) int { return cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.job, b.job)) })
	}
	l.paces[counter] = found
	return found, nil
}
