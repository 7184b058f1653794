package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/pitwall/pitwall/lab/record"
)

// recordAll records what is missing. A recording that fails is told and left
// out; the next run of this program tries it again.
func recordAll(ctx context.Context, o options, cases []planned) error {
	var missing []planned
	for _, c := range cases {
		if !c.recorded(o.out) {
			missing = append(missing, c)
		}
	}
	fmt.Fprintf(os.Stderr, "%d cases, %d to record, about %s\n", len(cases), len(missing),
		(time.Duration(len(missing)) * 120 * time.Second / time.Duration(o.parallel)).Round(time.Minute))
	logs := filepath.Join(o.out, "logs")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	jobs := make(chan planned)
	var wg sync.WaitGroup
	var mu sync.Mutex
	failed := 0
	for range o.parallel {
		wg.Go(func() {
			for c := range jobs {
				began := time.Now()
				err := recordOne(ctx, o, c)
				mu.Lock()
				if err != nil && ctx.Err() == nil {
					failed++
					fmt.Fprintf(os.Stderr, "%s %s: not recorded: %v\n", c.ID, c.Story, err)
				} else if err == nil {
					told(o, c, time.Since(began))
				}
				mu.Unlock()
			}
		})
	}
feed:
	for _, c := range missing {
		select {
		case jobs <- c:
		case <-ctx.Done():
			break feed
		}
	}
	close(jobs)
	wg.Wait()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("stopped; run it again to go on: %w", ctx.Err())
	case failed > 0:
		fmt.Fprintf(os.Stderr, "%d recordings failed; logs are in %s\n", failed, logs)
	}
	return nil
}

// recordOne runs pitwall lab record for one case.
func recordOne(ctx context.Context, o options, c planned) (err error) {
	log, err := os.Create(filepath.Join(o.out, "logs", c.ID+".log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	args := []string{"lab", "record", "--story", c.Story, "--seed", strconv.FormatUint(c.Seed, 10), "--out", c.dir(o.out),
		"--rps", float(o.rps), "--pace", float(c.Pace), "--sample", float(o.sample)}
	if c.At != "" {
		args = append(args, "--at", c.At)
	}
	if o.small {
		args = append(args, "--small")
	}
	cmd := exec.CommandContext(ctx, o.pitwall, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it has a shop to close
	cmd.WaitDelay = 30 * time.Second
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w; see %s", err, log.Name())
	}
	return nil
}

func float(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// told says how a recording went; of the held part only that it is there.
func told(o options, c planned, took time.Duration) {
	var rep record.Report
	if err := readJSON(filepath.Join(c.dir(o.out), "recording.json"), &rep); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", c.ID, err)
		return
	}
	if c.Held {
		fmt.Fprintf(os.Stderr, "%s %s seed %d: recorded in %.0f s, held back\n", c.ID, c.Story, c.Seed, took.Seconds())
		return
	}
	e := rep.Effect
	fmt.Fprintf(os.Stderr, "%s %s at %s seed %d: mean %.0f → %.0f ms, errors %.1f → %.1f %%, %s, %.1f MB, %.0f s\n", c.ID, c.Story, rep.Service, c.Seed,
		1e3*e.Before.Mean, 1e3*e.After.Mean, 100*e.Before.Errors, 100*e.After.Errors, newEntry(rep, "").verdict(), float64(rep.Bytes)/1e6, took.Seconds())
}
