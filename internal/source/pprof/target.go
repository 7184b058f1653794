package pprof

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

const (
	// maxBody bounds an answer; real profiles have tens of kilobytes.
	maxBody    = 32 << 20
	firstRetry = 500 * time.Millisecond
	lastRetry  = 5 * time.Second
	// maxSpread bounds by how much targets start apart from each other.
	maxSpread = time.Second
	// maxPending bounds the windows of a target that wait for their requests.
	maxPending = 32
)

// paths (read-only) tell where a target gives which type. Heap and allocations
// are one profile, which is fetched once for both.
var paths = map[pitwall.ProfileType]string{
	pitwall.ProfileCPU:       "/debug/pprof/profile",
	pitwall.ProfileAlloc:     "/debug/pprof/heap",
	pitwall.ProfileHeap:      "/debug/pprof/heap",
	pitwall.ProfileMutex:     "/debug/pprof/mutex",
	pitwall.ProfileBlock:     "/debug/pprof/block",
	pitwall.ProfileGoroutine: "/debug/pprof/goroutine",
}

// target scrapes one endpoint in two goroutines: scrape takes profiles one
// after the other, settle waits for each one's requests and stores it.
type target struct {
	endpoint
	s       *Scraper
	stop    context.CancelFunc
	pending chan pitwall.ProfileWindow
	earlier map[pitwall.ProfileType]scraped // used by scrape only

	mu     sync.Mutex // guards all below
	health pitwall.SourceHealth
	aside  string                       // trouble with types other than CPU, as of their last round
	empty  map[pitwall.ProfileType]bool // types the process does not record
}

// scraped is the last scrape of a type: data of one that counts since the
// start, and of others only when it was.
type scraped struct {
	at   time.Time
	data []byte
}

func newTarget(s *Scraper, e endpoint, stop context.CancelFunc) *target {
	return &target{
		endpoint: e, s: s, stop: stop, pending: make(chan pitwall.ProfileWindow, maxPending),
		earlier: map[pitwall.ProfileType]scraped{}, empty: map[pitwall.ProfileType]bool{},
		health: pitwall.SourceHealth{
			Signal: pitwall.SignalProfiles,
			Name:   strings.Join(strings.Fields(fmt.Sprintf("pprof %s %s %s", e.service, e.version, e.instance)), " "), Message: "waiting for the first profile",
		},
	}
}

// scrape takes profiles until ctx ends. Targets start at different moments, so
// that they are not all profiled and counted in step.
func (t *target) scrape(ctx context.Context) {
	defer close(t.pending)
	if !sleep(ctx, t.spread()) {
		return
	}
	retry := firstRetry
	for n := 0; ctx.Err() == nil; n++ {
		err := t.round(ctx, n)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			retry = firstRetry
			continue
		}
		t.note(err)
		sleep(ctx, retry)
		retry = min(2*retry, lastRetry)
	}
}

// round takes one CPU window, and every few rounds the other types. Whether
// the target is up is decided by CPU where that is asked for; trouble with one
// of the others leaves the rest alone.
func (t *target) round(ctx context.Context, n int) error {
	var others error
	if n%t.s.c.DeltaEvery == 0 {
		others = t.others(ctx)
		t.complain(others)
	}
	if !slices.Contains(t.s.c.Types, pitwall.ProfileCPU) {
		if others == nil {
			sleep(ctx, t.s.c.Window)
		}
		return others
	}
	return t.cpu(ctx)
}

// others takes all types but CPU. A target that does not answer one of them in
// time is not asked for the others.
func (t *target) others(ctx context.Context) error {
	var trouble error
	fetched := map[string][]byte{}
	for _, typ := range t.s.c.Types {
		if typ == pitwall.ProfileCPU {
			continue
		}
		data, err := fetched[paths[typ]], error(nil)
		if data == nil {
			data, err = t.fetch(ctx, typ)
		}
		if err != nil {
			delete(t.earlier, typ)
			trouble = errors.Join(trouble, err)
			if errors.Is(err, context.DeadlineExceeded) {
				return trouble
			}
			continue
		}
		fetched[paths[typ]] = data
		if prof.Momentary(typ) {
			trouble = errors.Join(trouble, t.moment(typ, data))
		} else {
			trouble = errors.Join(trouble, t.delta(typ, data))
		}
	}
	return trouble
}

func (t *target) cpu(ctx context.Context) error {
	from := t.s.c.Now()
	data, err := t.fetch(ctx, pitwall.ProfileCPU)
	if err != nil {
		return err
	}
	// The target stops after exactly this long; the rest is the way back.
	t.enqueue(pitwall.ProfileCPU, pitwall.Period{From: from, To: from.Add(t.s.c.Window)}, data)
	return nil
}

// moment passes on what is held now, as the window since the scrape before.
func (t *target) moment(typ pitwall.ProfileType, data []byte) error {
	now := t.s.c.Now()
	before, known := t.earlier[typ]
	if !known || !before.at.Before(now) {
		before.at = now.Add(-t.s.c.Window)
	}
	t.earlier[typ] = scraped{at: now}
	kept, err := prof.Keep(data, typ, nil)
	if err != nil {
		return fmt.Errorf("receiving a %s profile: %w", typ, err)
	}
	t.enqueue(typ, pitwall.Period{From: before.at, To: now}, kept)
	return nil
}

// delta passes on what was added since the last scrape of a type that counts
// since the start. After a restart of the target it begins anew. A profile
// without a single sample since the start is one the process does not record:
// no data, rather than windows that say nothing was waited for.
func (t *target) delta(typ pitwall.ProfileType, data []byte) error {
	what, err := prof.Describe(data)
	if err != nil {
		return fmt.Errorf("receiving a %s profile: %w", typ, err)
	}
	t.recorded(typ, what.Samples > 0)
	before, known := t.earlier[typ]
	now := scraped{t.s.c.Now(), data}
	t.earlier[typ] = now
	if !known || !before.at.Before(now.at) || what.Samples == 0 {
		return nil
	}
	added, err := prof.Delta(before.data, data, typ)
	if pitwall.KindOf(err) == pitwall.Conflict {
		return nil
	}
	if err != nil {
		return err
	}
	t.enqueue(typ, pitwall.Period{From: before.at, To: now.at}, added)
	return nil
}

// fetch gets one profile and makes sure that it is one.
func (t *target) fetch(ctx context.Context, typ pitwall.ProfileType) ([]byte, error) {
	u := url.URL{Scheme: "http", Host: t.address, Path: paths[typ]}
	limit := t.s.c.Grace
	if typ == pitwall.ProfileCPU {
		u.RawQuery = fmt.Sprintf("seconds=%d", int(t.s.c.Window.Seconds()))
		limit += t.s.c.Window
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("asking for a %s profile: %w", typ, err)
	}
	res, err := t.s.c.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking for a %s profile: %w; %s", typ, withoutURL(err), remedy(err))
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("receiving a %s profile: %w; %s", typ, err, remedy(err))
	case res.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("asking for a %s profile: %s has no %s; import net/http/pprof there, or take %s out of profiles.types", typ, t.address, u.Path, typ)
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("asking for a %s profile: %s: %s", typ, res.Status, excerpt(data))
	case len(data) > maxBody:
		return nil, fmt.Errorf("receiving a %s profile: more than %s; check what listens at %s", typ, pitwall.Bytes(maxBody), t.address)
	}
	if _, err := prof.Parse(data, typ); err != nil {
		return nil, fmt.Errorf("receiving a %s profile: %w; check what listens at %s", typ, err, t.address)
	}
	return data, nil
}

// excerpt is the beginning of an error's body, on one line.
func excerpt(body []byte) string {
	return strings.Join(strings.Fields(string(body[:min(len(body), 200)])), " ")
}

// enqueue hands a window to settle. If settling hangs, windows are dropped
// rather than scraping held up.
func (t *target) enqueue(typ pitwall.ProfileType, p pitwall.Period, data []byte) {
	t.mu.Lock()
	t.health.Up, t.health.LastSeen, t.health.Message = true, t.s.c.Now(), ""
	t.mu.Unlock()
	w := pitwall.ProfileWindow{Service: t.service, Version: t.version, Instance: t.instance, Type: typ, Period: p, Data: data}
	select {
	case t.pending <- w:
	default:
		t.rejected(errors.New("storing profiles is too slow: a window was dropped"))
	}
}

// settle stores windows once their requests can be counted. It outlives its
// target's removal, but not the scraper: when that ends, what is left is stored
// with requests unknown rather than miscounted.
func (t *target) settle(ctx context.Context) {
	for w := range t.pending {
		ready := sleep(ctx, w.Period.To.Add(t.s.c.Settle).Sub(t.s.c.Now()))
		if ready && t.s.c.Requests != nil {
			w.Requests = t.s.c.Requests.Requests(w.Service, w.Version, w.Period) / t.s.instances(t.endpoint)
		}
		if err := t.s.c.Sink.AppendProfile(context.WithoutCancel(ctx), w); err != nil {
			t.rejected(err)
			continue
		}
		t.mu.Lock()
		t.health.Accepted++
		t.mu.Unlock()
	}
}

// spread is how much later than others this target starts: by its address, so
// the same in every run.
func (t *target) spread() time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(t.address))
	return min(t.s.c.Window, maxSpread) * time.Duration(h.Sum32()%1000) / 1000
}

// sleep waits; false means that ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
