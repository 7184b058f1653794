// Command soak runs the demo many times, one run after the other, and writes
// what was observed as a table: stories that must end right, quiet runs that
// must open no plan, and runs in which Pitwall is killed at random moments.
// In comes a built pitwall binary; out goes Markdown on stdout (progress on
// stderr) and exit code 1 if any run ended as it should not.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// run is one line of the table.
type run struct {
	Kind  string
	Story string
	Seed  int
	Chaos string
	Exit  int
	Wall  time.Duration
	Out   outcome
}

// outcome is the part of out.json the table shows.
type outcome struct {
	State       string `json:"state"`
	PlansOpened int    `json:"plans_opened"`
	RootCause   cause  `json:"root_cause"`
	Truth       cause  `json:"truth"`
	Seconds     struct {
		FaultToPage    float64 `json:"fault_to_page"`
		PageToCause    float64 `json:"page_to_cause"`
		PageToVerified float64 `json:"page_to_verified"`
		PageToEnforced float64 `json:"page_to_enforced"`
	} `json:"seconds"`
	P99 struct {
		Before float64 `json:"before"`
		During float64 `json:"during"`
		After  float64 `json:"after"`
	} `json:"p99_ms"`
	Requests struct {
		Before int `json:"before"`
		After  int `json:"after"`
	} `json:"requests"`
	NoiseFloor float64 `json:"noise_floor"`
	Effects    struct {
		Applied  int `json:"applied"`
		Twice    int `json:"twice"`
		Lost     int `json:"lost"`
		Replayed int `json:"replayed"`
	} `json:"effects"`
	Kills []struct {
		State string `json:"state"`
	} `json:"kills"`
}

type cause struct {
	Service string `json:"service"`
	Class   string `json:"class"`
	Change  string `json:"change"`
}

func main() {
	binary := flag.String("binary", "./pitwall", "the pitwall binary")
	seeds := flag.Int("seeds", 5, "checkout stories")
	quiet := flag.Int("quiet", 5, "quiet runs")
	chaos := flag.Int("chaos", 10, "checkout stories with SIGKILLs")
	pace := flag.Float64("pace", 1, "pace of every run")
	first := flag.Int("first-seed", 1, "seed of the first run of each kind")
	jobs := flag.Int("jobs", 1, "runs at the same time; more than one makes latencies noisier")
	flag.Parse()
	dir, err := os.MkdirTemp("", "pitwall-soak-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(2)
	}
	var runs []run
	add := func(kind, story, chaos string, n int) {
		for i := range n {
			runs = append(runs, run{Kind: kind, Story: story, Chaos: chaos, Seed: *first + i})
		}
	}
	add("story", "checkout", "", *seeds)
	add("quiet", "quiet", "", *quiet)
	add("chaos", "checkout", "kill", *chaos)
	if err := doAll(runs, *jobs, *binary, dir, *pace); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(2)
	}
	bad := 0
	for _, r := range runs {
		if r.Exit != 0 {
			bad++
		}
	}
	fmt.Print(table(runs))
	fmt.Printf("\n%d of %d runs ended as they should; pace %g.\n", len(runs)-bad, len(runs), *pace)
	if bad > 0 {
		fmt.Fprintf(os.Stderr, "soak: data and logs are in %s\n", dir)
		os.Exit(1)
	}
	_ = os.RemoveAll(dir) // only temporary data of good runs
}

// apart keeps starts of parallel runs from choosing the same ports.
const apart = 10 * time.Second

// doAll does the runs in order, so many at a time.
func doAll(runs []run, jobs int, binary, dir string, pace float64) error {
	var wg sync.WaitGroup
	slots, failed := make(chan struct{}, max(1, jobs)), make(chan error, len(runs))
	for i := range runs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			r := &runs[i]
			if err := r.do(binary, dir, pace); err != nil {
				failed <- err
				return
			}
			fmt.Fprintf(os.Stderr, "soak: %d of %d: %s seed %d ended with %d after %s\n", i+1, len(runs), r.Kind, r.Seed, r.Exit, r.Wall.Round(time.Second))
		})
		if jobs > 1 {
			time.Sleep(apart)
		}
	}
	wg.Wait()
	close(failed)
	return <-failed
}

func (r *run) do(binary, dir string, pace float64) error {
	name := filepath.Join(dir, fmt.Sprintf("%s-%d", r.Kind, r.Seed))
	args := []string{"demo", "--once", "--story", r.Story, "--seed", strconv.Itoa(r.Seed),
		"--pace", strconv.FormatFloat(pace, 'g', -1, 64), "--data", name, "--out", name + ".json", "--listen", "127.0.0.1:0"}
	if r.Chaos != "" {
		args = append(args, "--chaos", r.Chaos)
	}
	log, err := os.Create(name + ".log")
	if err != nil {
		return fmt.Errorf("opening log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = log, log
	began := time.Now()
	err = cmd.Run()
	r.Wall = time.Since(began)
	if cmd.ProcessState == nil {
		return fmt.Errorf("running %s: %w", binary, err)
	}
	r.Exit = cmd.ProcessState.ExitCode()
	raw, err := os.ReadFile(name + ".json")
	if err != nil {
		return nil // the run ended before it could write; its exit code tells
	}
	return json.Unmarshal(raw, &r.Out)
}

func table(runs []run) string {
	var b strings.Builder
	b.WriteString("| run | seed | state | plans | cause right | page s | cause s | verified s | locked s | p99 before → during → after ms | n before / after | floor | kills in | effects (twice, lost, replayed) | exit |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range runs {
		o := r.Out
		right := "–"
		if r.Story != "quiet" {
			right = map[bool]string{true: "yes", false: "NO"}[o.RootCause == o.Truth]
		}
		var kills []string
		for _, k := range o.Kills {
			kills = append(kills, strings.TrimSpace(k.State+" "))
		}
		fmt.Fprintf(&b, "| %s | %d | %s | %d | %s | %s | %s | %s | %s | %.0f → %.0f → %.0f | %d / %d | %.1f %% | %s | %d (%d, %d, %d) | %d |\n",
			r.Kind, r.Seed, o.State, o.PlansOpened, right, sec(o.Seconds.FaultToPage), sec(o.Seconds.PageToCause),
			sec(o.Seconds.PageToVerified), sec(o.Seconds.PageToEnforced), o.P99.Before, o.P99.During, o.P99.After,
			o.Requests.Before, o.Requests.After, 100*o.NoiseFloor, killed(kills),
			o.Effects.Applied, o.Effects.Twice, o.Effects.Lost, o.Effects.Replayed, r.Exit)
	}
	return b.String()
}

func sec(v float64) string {
	if v <= 0 {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

func killed(states []string) string {
	if len(states) == 0 {
		return "–"
	}
	for i, s := range states {
		if s == "" {
			states[i] = "no plan"
		}
	}
	return fmt.Sprintf("%d: %s", len(states), strings.Join(states, ", "))
}
