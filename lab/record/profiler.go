package record

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/pprof/profile"
)

// profileWindow is how long one CPU profile runs.
const profileWindow = 5 * time.Second

// profiler fetches profiles of every service without a break: a CPU profile per
// window, and a snapshot of everything that counts since the start at each
// window's edges.
type profiler struct {
	shop *shop
	tape *tape

	mu    sync.Mutex
	shots []shot
	wg    sync.WaitGroup
}

// run profiles until ctx ends. The services begin one after the other, so that
// no two of them write a profile at the same moment.
func (p *profiler) run(ctx context.Context, services []string) {
	for i, name := range services {
		p.wg.Go(func() {
			if sleep(ctx, profileWindow*time.Duration(i)/time.Duration(len(services))) {
				p.follow(ctx, name)
			}
		})
	}
	p.wg.Wait()
}

// follow profiles the newest instance of one service, window by window. What
// cannot be fetched is no loss while a version is taking over; it is one when
// the same instance answers before and after.
func (p *profiler) follow(ctx context.Context, service string) {
	var last snapshots
	for ctx.Err() == nil {
		in, ok := p.newest(service)
		if !ok {
			if !sleep(ctx, time.Second) {
				return
			}
			continue
		}
		if last.of != in {
			last = p.snap(ctx, in)
		}
		cpu, err := p.cpu(ctx, in)
		next := p.snap(ctx, in)
		if ctx.Err() != nil {
			return // the recording is over
		}
		if err != nil {
			p.tape.lose("CPU profiles of " + service + " that could not be fetched")
			if !sleep(ctx, time.Second) {
				return
			}
			continue
		}
		p.keep(cpu, in, last, next)
		last = next
	}
}

func (p *profiler) newest(service string) (instance, bool) {
	all, err := p.shop.running()
	if err != nil {
		return instance{}, false // it is being rewritten, or the shop is gone
	}
	for _, in := range all {
		if in.service == service {
			return in, true
		}
	}
	return instance{}, false
}

// snapshots are the profiles that count since the start, at one moment.
type snapshots struct {
	of   instance
	at   time.Time
	prof map[string]*profile.Profile // by kind
}

func (p *profiler) snap(ctx context.Context, in instance) snapshots {
	s := snapshots{of: in, at: time.Now(), prof: map[string]*profile.Profile{}}
	for _, k := range kinds {
		if !k.cumulative {
			continue
		}
		got, err := p.get(ctx, in, k.path)
		if err != nil {
			if ctx.Err() == nil {
				p.tape.lose(k.name + " profiles of " + in.service + " that could not be fetched")
			}
			continue
		}
		s.prof[k.name] = got
	}
	return s
}

func (p *profiler) cpu(ctx context.Context, in instance) (shot, error) {
	from := time.Now()
	got, err := p.get(ctx, in, fmt.Sprintf("%s?seconds=%d", kinds[0].path, int(profileWindow.Seconds())))
	if err != nil {
		return shot{}, err
	}
	if got.TimeNanos > 0 && got.DurationNanos > 0 { // what the process says of itself is exact
		from = time.Unix(0, got.TimeNanos)
		return shot{kind: kinds[0].name, from: from, to: from.Add(time.Duration(got.DurationNanos)), prof: got}, nil
	}
	return shot{kind: kinds[0].name, from: from, to: time.Now(), prof: got}, nil
}

func (p *profiler) get(ctx context.Context, in instance, path string) (*profile.Profile, error) {
	ctx, cancel := context.WithTimeout(ctx, profileWindow+10*time.Second)
	defer cancel()
	raw, err := fetch(ctx, "http://"+in.admin+path)
	if err != nil {
		return nil, err
	}
	return parse(raw)
}

// keep stores a window: its CPU profile and what the others gained meanwhile.
func (p *profiler) keep(cpu shot, in instance, before, after snapshots) {
	list := []shot{cpu}
	for _, k := range kinds {
		a, b := before.prof[k.name], after.prof[k.name]
		if !k.cumulative || a == nil || b == nil {
			continue
		}
		d, err := difference(a, b)
		if errors.Is(err, errRestarted) {
			continue // it has begun anew: the next window is whole again
		}
		if err != nil {
			p.tape.lose(k.name + " profiles of " + in.service + " that could not be subtracted")
			continue
		}
		list = append(list, shot{kind: k.name, from: before.at, to: after.at, prof: d})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range list {
		s.service, s.version = in.service, in.version
		p.shots = append(p.shots, s)
	}
}

// sleep waits; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
