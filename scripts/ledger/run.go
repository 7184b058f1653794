package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/store/sqlite"
)

// together is how many objectives are filled in one save.
const together = 64

// fill counts and saves history through a real ledger.
func fill(ctx context.Context, s setup) error {
	list, err := objectives(s.slos)
	if err != nil {
		return err
	}
	db, err := sqlite.Open(s.dir)
	if err != nil {
		return err
	}
	defer db.Close()
	l := slo.NewLedger(list, time.Minute)
	l.Now(end())
	if _, err := l.Open(ctx, db); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(1, 1))
	const stretch = 32 * 64 * time.Minute
	began := time.Now()
	for from := end().Add(-time.Duration(s.days) * 24 * time.Hour); from.Before(end()); from = from.Add(stretch) {
		to := from.Add(stretch)
		if to.After(end()) {
			to = end()
		}
		for i, o := range list {
			if err := l.Count(o.Name, history(rng, o.Name, from, to), to); err != nil {
				return err
			}
			if i%together == together-1 || i == len(list)-1 {
				if err := save(ctx, l, db); err != nil {
					return err
				}
			}
		}
		fmt.Fprintf(os.Stderr, "filled up to %s after %s\n", to.Format(time.DateTime), time.Since(began).Round(time.Second))
	}
	return nil
}

// history is a few thousand requests a minute by day and a third by night, of
// which some fail.
func history(rng *rand.Rand, name pitwall.SLOName, from, to time.Time) []pitwall.LedgerStep {
	var list []pitwall.LedgerStep
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		n := 2000 + 1000*math.Sin(float64(at.Unix()%86400)/86400*2*math.Pi) + 200*rng.Float64()
		bad := uint64(0)
		if rng.IntN(3) == 0 {
			bad = rng.Uint64N(6)
		}
		list = append(list, pitwall.LedgerStep{SLO: name, Start: at.Unix(), Counts: pitwall.Counts{Good: uint64(n), Bad: bad}})
	}
	return list
}

func save(ctx context.Context, l *slo.Ledger, db *sqlite.DB) error {
	one := l.Dirty()
	if err := db.SaveLedger(ctx, one); err != nil {
		return err
	}
	l.Saved(one)
	return nil
}

// cost is processor time and bytes written of a part of a round.
type cost struct {
	cpu    time.Duration
	worst  time.Duration // of one round
	writes int64
}

// result is what a run cost.
type result struct {
	start, startCPU                time.Duration
	startRSS, rss, peak, disk      int64
	feed, prefetch, evaluate, save cost
	known, firing                  int
	growth                         slo.Growth
}

// run opens the directory and lives through rounds.
func run(ctx context.Context, s setup) (r result, err error) {
	list, err := objectives(s.slos)
	if err != nil {
		return r, err
	}
	began, used := time.Now(), cpu()
	db, err := sqlite.Open(s.dir)
	if err != nil {
		return r, err
	}
	defer db.Close()
	saved, err := db.LoadLedger(ctx, end(), pitwall.LedgerVisit{})
	if err != nil {
		return r, err
	}
	ended := end() // or where a filling was cut off
	for _, t := range saved.Through {
		if t.Before(ended) {
			ended = t
		}
	}
	l := slo.NewLedger(list, time.Minute)
	l.Now(ended)
	if _, err := l.Open(ctx, db); err != nil {
		return r, err
	}
	if err := l.Prefetch(ctx, ended, math.MaxInt); err != nil {
		return r, err
	}
	r.start, r.startCPU = time.Since(began), cpu()-used
	r.startRSS = status("VmRSS")
	spans := requests(list)
	for i := range s.rounds {
		now := ended.Add(time.Duration(i+1) * every)
		l.Now(now)
		for j := range spans.Start {
			spans.Start[j] = now.Add(-time.Second).UnixNano()
		}
		measure(&r.feed, func() { l.Feed(spans) })
		measure(&r.prefetch, func() { err = l.Prefetch(ctx, now, 1000) })
		if err != nil {
			return r, err
		}
		r.known, r.firing = 0, 0
		measure(&r.evaluate, func() { r.look(l, list, now, s.words) })
		measure(&r.save, func() { err = save(ctx, l, db) })
		if err != nil {
			return r, err
		}
	}
	r.rss, r.peak, r.growth = status("VmRSS"), status("VmHWM"), l.Growth()
	for _, name := range []string{"pitwall.db", "pitwall.db-wal"} {
		if info, err := os.Stat(filepath.Join(s.dir, name)); err == nil {
			r.disk += info.Size()
		}
	}
	return r, nil
}

// look evaluates everything once.
func (r *result) look(l *slo.Ledger, list []pitwall.SLO, now time.Time, words bool) {
	for _, o := range list {
		var b pitwall.ErrorBudget
		if words {
			b = l.Budget(o, now)
		} else {
			b = l.Evaluate(o, now)
		}
		if b.Known {
			r.known++
		}
		for _, t := range b.Tiers {
			if t.Firing {
				r.firing++
			}
		}
	}
}

// requests is one request of each objective.
func requests(list []pitwall.SLO) *pitwall.SpanBatch {
	var b pitwall.SpanBatch
	for i, o := range list {
		b.Add(pitwall.SpanRow{SpanID: uint64(i + 1), Service: o.SLI.Service, Operation: o.SLI.Operation, Kind: pitwall.SpanServer,
			Start: end(), Duration: time.Millisecond, Failed: i%1000 == 0})
	}
	return &b
}

func measure(c *cost, do func()) {
	used, written := cpu(), wrote()
	do()
	one := cpu() - used
	c.cpu, c.worst, c.writes = c.cpu+one, max(c.worst, one), c.writes+wrote()-written
}

// print writes the table.
func (r result) print(s setup) {
	fmt.Printf("%d objectives, %d days of minutes, %d rounds of %s; %d budgets known, %d tiers fire\n\n", s.slos, s.days, s.rounds, every, r.known, r.firing)
	fmt.Println("| part of a round | CPU-ms | share of a core | worst CPU-ms | kB written |")
	fmt.Println("|---|---|---|---|---|")
	for _, p := range []struct {
		name string
		cost cost
	}{{"counting one request each", r.feed}, {"reading older cells", r.prefetch}, {"evaluating", r.evaluate}, {"saving", r.save}} {
		mean := p.cost.cpu / time.Duration(s.rounds)
		fmt.Printf("| %s | %.1f | %.2f %% | %.1f | %.0f |\n", p.name, ms(mean), 100*mean.Seconds()/every.Seconds(), ms(p.cost.worst), float64(p.cost.writes)/float64(s.rounds)/1e3)
	}
	fmt.Printf("\nstart %.1f s (%.1f CPU-s), %d MB after it; %d MB after the rounds, %d MB peak; %d MB on disk\n",
		r.start.Seconds(), r.startCPU.Seconds(), r.startRSS/1e6, r.rss/1e6, r.peak/1e6, r.disk/1e6)
	fmt.Printf("ledger: %+v\n", r.growth)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// cpu is the processor time of this process, its garbage collector included.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// wrote is how many bytes this process has handed to the disk.
func wrote() int64 { return field("/proc/self/io", "write_bytes") }

// status is a size of this process in bytes.
func status(name string) int64 { return 1024 * field("/proc/self/status", name) }

// field reads a number of a file of the kernel; zero where there is none.
func field(file, name string) (n int64) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			_, _ = fmt.Sscan(rest, &n)
		}
	}
	return n
}
