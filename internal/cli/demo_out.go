package cli

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// demoOut is out.json: what was observed, nothing assumed. Truth comes from the
// lab, which Pitwall never asks.
type demoOut struct {
	Schema      string         `json:"schema"` // "pitwall.demo/1"
	Story       string         `json:"story"`
	Seed        int64          `json:"seed"`
	Pace        float64        `json:"pace"`
	State       pitwall.State  `json:"state"`
	Verdict     string         `json:"verdict"`
	Plan        pitwall.PlanID `json:"plan"`
	PlansOpened int            `json:"plans_opened"`
	RootCause   causeOut       `json:"root_cause"` // of a plan that was not closed: what its diagnosis holds likely
	Right       bool           `json:"right"`      // the cause is the true one
	Truth       causeOut       `json:"truth"`
	Seconds     secondsOut     `json:"seconds"`
	P99         p99Out         `json:"p99_ms"`
	Requests    p99Counts      `json:"requests"`
	NoiseFloor  float64        `json:"noise_floor"`
	Effects     effectsOut     `json:"effects"`
	Kills       []killSeen     `json:"kills"`
	Enforced    []string       `json:"enforced"`
	DataDir     string         `json:"data_dir"`
}

type causeOut struct {
	Service string `json:"service"`
	Class   string `json:"class"`
	Change  string `json:"change"`
}

// right says whether a cause is the true one, by any of the names that are
// right; where nobody's change is to blame, none may be blamed.
func (c causeOut) right(t truthAnswer) bool {
	return (c.Service == t.Service || slices.Contains(t.Accept, c.Service)) &&
		(c.Class == t.Class || slices.Contains(t.ClassAccept, c.Class)) && c.Change == t.Change
}

// secondsOut are durations as the wall clock saw them; -1: it did not happen.
type secondsOut struct {
	FaultToPage    float64 `json:"fault_to_page"`
	PageToCause    float64 `json:"page_to_cause"`
	PageToVerified float64 `json:"page_to_verified"`
	PageToEnforced float64 `json:"page_to_enforced"`
	Total          float64 `json:"total"` // the whole run, from start of the demo
}

// p99Out is what customers saw: measured by the load generator from the
// intended time of each request.
type p99Out struct {
	Before float64 `json:"before"`
	During float64 `json:"during"`
	After  float64 `json:"after"`
}

type p99Counts struct {
	Before int64 `json:"before"`
	During int64 `json:"during"`
	After  int64 `json:"after"`
}

// effectsOut compares what the record says was done with what the target saw.
type effectsOut struct {
	Recorded int `json:"recorded"` // steps the record says were done
	Applied  int `json:"applied"`  // effects by Pitwall in the target's log
	Twice    int `json:"twice"`    // keys applied more than once
	Lost     int `json:"lost"`     // recorded as done, never seen by the target
	Replayed int `json:"replayed"` // asked again under the same key, changing nothing
}

type truthAnswer struct {
	Service     string     `json:"service"`
	Class       string     `json:"class"`
	Change      string     `json:"change"`
	Accept      []string   `json:"accept"`
	ClassAccept []string   `json:"class_accept"`
	InjectedAt  *time.Time `json:"injected_at"`
}

// finish gathers what was observed, writes it and says it.
func (d *demo) finish(ctx context.Context) (int, error) {
	out, err := d.observe(ctx)
	if err != nil {
		return exitUsage, fmt.Errorf("gathering what was observed: %w", err)
	}
	if d.o.Out != "" {
		if err := d.write(out); err != nil {
			return exitUsage, err
		}
	}
	return d.tell(out), nil
}

func (d *demo) write(out demoOut) error {
	f, err := os.Create(d.o.Out)
	if err != nil {
		return fmt.Errorf("writing what was observed: %w", err)
	}
	defer f.Close()
	if err := printJSON(f, out); err != nil {
		return fmt.Errorf("writing %s: %w", d.o.Out, err)
	}
	return f.Close()
}

func (d *demo) observe(ctx context.Context) (demoOut, error) {
	out := demoOut{Schema: "pitwall.demo/1", Story: d.o.Story, Seed: d.o.Seed, Pace: d.o.Pace, DataDir: d.dir,
		Seconds: secondsOut{-1, -1, -1, -1, time.Since(d.began).Seconds()}, Kills: d.killed(), Enforced: []string{}}
	plans, err := d.plans(ctx)
	if err != nil {
		return out, err
	}
	var truth truthAnswer
	if err := d.lab.get(ctx, "/v1/truth", &truth); err != nil {
		return out, err
	}
	out.Truth = causeOut{truth.Service, truth.Class, truth.Change}
	out.PlansOpened = len(plans)
	if len(plans) == 0 {
		out.State, out.Verdict = "", "no plan"
		return out, d.quietLoad(ctx, &out)
	}
	p := plans[0]
	d.takePlan(&out, p, truth)
	out.Right = out.RootCause.right(truth)
	if err := d.effects(ctx, &out); err != nil {
		return out, err
	}
	return out, d.load(ctx, &out, p, truth)
}

func (d *demo) killed() []killSeen {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]killSeen{}, d.kills...)
}

func (d *demo) takePlan(out *demoOut, p pitwall.Plan, truth truthAnswer) {
	out.Plan, out.State = p.ID, p.State
	if p.Diagnosis != nil && p.Diagnosis.Verdict == pitwall.DiagnosisLikely && len(p.Diagnosis.Hypotheses) > 0 {
		h := p.Diagnosis.Hypotheses[0]
		out.RootCause = causeOut{Service: string(h.Service), Class: string(h.Class)}
		if h.Change != nil {
			out.RootCause.Change = string(h.Change.ID)
		}
	}
	if p.Closed != nil {
		out.Verdict = string(p.Closed.Verdict)
		if rc := p.Closed.RootCause; rc != nil {
			out.RootCause = causeOut{string(rc.Service), string(rc.Class), string(rc.Change)}
		}
	}
	since := func(from time.Time, s pitwall.State) float64 {
		if at, ok := p.Reached[s]; ok {
			return at.Sub(from).Seconds()
		}
		return -1
	}
	if truth.InjectedAt != nil {
		out.Seconds.FaultToPage = p.OpenedAt.Sub(*truth.InjectedAt).Seconds()
	}
	out.Seconds.PageToCause = since(p.OpenedAt, pitwall.Diagnosed)
	out.Seconds.PageToVerified = since(p.OpenedAt, pitwall.Enforcing)
	out.Seconds.PageToEnforced = since(p.OpenedAt, pitwall.Closed)
	if p.Baseline != nil {
		out.NoiseFloor = float64(p.Baseline.NoiseP99)
	}
	if p.Enforced != nil {
		for _, f := range p.Enforced.Files {
			out.Enforced = append(out.Enforced, f.Path)
		}
	}
}

// load asks the load generator what customers saw before, during and after.
func (d *demo) load(ctx context.Context, out *demoOut, p pitwall.Plan, truth truthAnswer) error {
	if p.Baseline == nil || truth.InjectedAt == nil {
		return nil
	}
	windows := []struct {
		in  pitwall.Period
		p99 *float64
		n   *int64
	}{{p.Baseline.Period, &out.P99.Before, &out.Requests.Before}}
	if began, ok := p.Reached[pitwall.Canarying]; ok {
		windows = append(windows, struct {
			in  pitwall.Period
			p99 *float64
			n   *int64
		}{pitwall.Period{From: *truth.InjectedAt, To: began}, &out.P99.During, &out.Requests.During})
	}
	if p.Verification != nil {
		windows = append(windows, struct {
			in  pitwall.Period
			p99 *float64
			n   *int64
		}{p.Verification.After, &out.P99.After, &out.Requests.After})
	}
	for _, w := range windows {
		seen, err := d.window(ctx, w.in)
		if err != nil {
			return err
		}
		*w.p99, *w.n = seen.P99, seen.N
	}
	return nil
}

type windowSeen struct {
	N   int64   `json:"n"`
	P99 float64 `json:"p99_ms"`
}

func (d *demo) window(ctx context.Context, in pitwall.Period) (windowSeen, error) {
	q := url.Values{"from": {in.From.Format(time.RFC3339Nano)}, "to": {in.To.Format(time.RFC3339Nano)}}
	var seen windowSeen
	err := d.lab.get(ctx, "/v1/load/window?"+q.Encode(), &seen)
	return seen, err
}

// quietLoad fills "before" with the whole quiet run.
func (d *demo) quietLoad(ctx context.Context, out *demoOut) error {
	seen, err := d.window(ctx, pitwall.Period{From: d.began, To: time.Now()})
	out.P99.Before, out.Requests.Before = seen.P99, seen.N
	return err
}
