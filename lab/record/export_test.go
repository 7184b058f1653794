package record

import (
	"context"
	"sync"
	"time"
)

// Glimpse is what a few seconds of a real shop left on a tape.
type Glimpse struct {
	Services []string // that served something
	Metrics  int
	Profiles int
	Requests int64 // counted in the profiles' windows
	Beacons  int
	Warnings []string
}

// Look opens a lab, records for some seconds and closes it again.
func Look(ctx context.Context, o Options, dir string, d time.Duration) (g Glimpse, err error) {
	t := newTape()
	ears, err := listen(t)
	if err != nil {
		return g, err
	}
	defer ears.close()
	s, _, err := open(ctx, o, ears, dir)
	if err != nil {
		return g, err
	}
	running, err := s.running()
	if err != nil {
		return g, err
	}
	p := &profiler{shop: s, tape: t}
	profiling, enough := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { p.follow(profiling, running[0].service) })
	sleep(ctx, d)
	enough()
	wg.Wait()
	if err := s.close(); err != nil {
		return g, err
	}
	all := flatten(t.traces)
	count(p.shots, all)
	seen := map[string]bool{}
	for _, x := range all {
		if x.kind == serverKind && !seen[x.service] {
			seen[x.service] = true
			g.Services = append(g.Services, x.service)
		}
	}
	for _, x := range p.shots {
		g.Requests += x.requests
	}
	g.Metrics, g.Profiles, g.Beacons, g.Warnings = len(t.metrics), len(p.shots), t.beacons, t.warnings()
	return g, nil
}
