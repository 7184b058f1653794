package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// labLine tells what the shop did, in a person's words.
func (d *demo) labLine(line string) {
	var ev struct {
		Event   string `json:"event"`
		Service string `json:"service"`
		Version string `json:"version"`
		Summary string `json:"summary"`
	}
	if json.Unmarshal([]byte(line), &ev) != nil {
		return
	}
	what := ev.Service
	if ev.Version != "" {
		what += " " + ev.Version
	}
	switch ev.Event {
	case "load-started":
		d.say("%s  shop       open, customers are coming in", d.clock())
	case "decoy":
		d.say("%s  shop       change of %s: %s", d.clock(), what, ev.Summary)
	case "fault":
		d.say("%s  shop       deploy of %s: %s   (this is the one that hurts)", d.clock(), what, ev.Summary)
	}
}

func (d *demo) clock() string {
	s := int(time.Since(d.began).Seconds())
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// follow tells what Pitwall does until the story is over, then reports.
func (d *demo) follow(ctx context.Context) error {
	chaos := d.chaos(ctx)
	defer chaos.stop()
	told := map[pitwall.PlanID]string{}
	quietUntil := time.Now().Add(time.Duration(float64(d.o.Quiet) / d.o.Pace))
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	ended := false
	for {
		select {
		case <-ctx.Done():
			return d.stopped(ctx.Err(), ended)
		case <-d.shop.exited():
			return &pitwall.Error{Op: "running demo", Kind: pitwall.Unavailable, Err: fmt.Errorf("the shop ended by itself"), Hint: "read " + d.dir + "/demo.log"}
		case <-tick.C:
		}
		plans, err := d.plans(ctx)
		if err != nil {
			continue // it is being killed and restarted, or about to say so
		}
		d.tellPlans(plans, told)
		if ended || !d.over(plans, quietUntil) {
			continue
		}
		ended = true
		chaos.stop()
		code, err := d.finish(ctx)
		if err != nil || d.o.Once {
			return endWith(code, err)
		}
		d.say("The page stays up at %s. Ctrl-C ends it.", d.url)
	}
}

// stopped ends a demo that was interrupted, or that ran out of time.
func (d *demo) stopped(why error, ended bool) error {
	switch {
	case errors.Is(why, context.DeadlineExceeded) && !ended:
		return d.giveUp(fmt.Sprintf("the story did not end within %s", d.o.Timeout))
	case d.o.Once && !ended:
		return why
	}
	d.say("%s  demo       stopping", d.clock())
	return nil
}

func endWith(code int, err error) error {
	if err != nil || code == 0 {
		return err
	}
	return exitError{code}
}

// plans reads every plan whole.
func (d *demo) plans(ctx context.Context) ([]pitwall.Plan, error) {
	return rawPlans(ctx, d.api)
}

// tellPlans prints each plan's sentence whenever its state has changed.
func (d *demo) tellPlans(plans []pitwall.Plan, told map[pitwall.PlanID]string) {
	for _, p := range plans {
		asked := p.State == pitwall.Proposed && p.Decision != nil && p.Decision.Result == pitwall.DecisionAsk
		key := fmt.Sprint(p.State, p.Reason, asked)
		if told[p.ID] == key {
			continue
		}
		if told[p.ID] == "" {
			d.say("%s  %-9s  opened: open %s/plans/%s", d.clock(), p.ID, d.url, p.ID)
		}
		told[p.ID] = key
		var line struct {
			Sentence string `json:"sentence"`
		}
		if err := d.api.get(context.Background(), "/api/v1/plans/"+string(p.ID), &line); err == nil {
			d.say("%s  %-9s  %s", d.clock(), p.ID, line.Sentence)
		}
		if asked {
			d.say("%s  %-9s  it waits for you: approve on the page, or pitwall plan approve %s --reason \"…\" --server %s", d.clock(), p.ID, p.ID, d.url)
		}
	}
}

// over says whether the story has ended.
func (d *demo) over(plans []pitwall.Plan, quietUntil time.Time) bool {
	if d.story.Quiet {
		return time.Now().After(quietUntil)
	}
	if len(plans) == 0 {
		return false
	}
	for _, p := range plans {
		if !atRest(p) {
			return false
		}
	}
	return true
}

// atRest says whether a plan goes no further without a person.
func atRest(p pitwall.Plan) bool {
	switch p.State {
	case pitwall.Escalated, pitwall.Held, pitwall.InconclusiveState:
		return true
	}
	return p.State.Final()
}

// chaosMonkey kills Pitwall now and then.
type chaosMonkey struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func (c *chaosMonkey) stop() {
	c.cancel()
	<-c.done
}

// chaos starts the killing, when asked for.
func (d *demo) chaos(ctx context.Context) *chaosMonkey {
	ctx, cancel := context.WithCancel(ctx)
	c := &chaosMonkey{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for ctx.Err() == nil {
			if d.o.Chaos == "" {
				d.revive(ctx)
				continue
			}
			pause := time.Duration((5 + d.rng.Float64()*25) / d.o.Pace * float64(time.Second))
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			d.killOnce(ctx)
		}
	}()
	return c
}

// revive notices when Pitwall ended although nobody killed it, and says so.
func (d *demo) revive(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-d.pitwall.exited():
		if ctx.Err() == nil {
			d.say("%s  demo       pitwall serve ended by itself; read %s/demo.log; starting it again", d.clock(), d.dir)
			d.restart(ctx)
		}
	}
}

func (d *demo) killOnce(ctx context.Context) {
	var state pitwall.State
	if plans, err := d.plans(ctx); err == nil && len(plans) > 0 {
		state = plans[len(plans)-1].State
	}
	d.mu.Lock()
	d.kills = append(d.kills, killSeen{At: time.Now().UTC(), State: state})
	d.mu.Unlock()
	d.say("%s  chaos      SIGKILL to Pitwall (plan %s)", d.clock(), orElse(string(state), "not open"))
	d.pitwall.kill()
	d.restart(ctx)
}

func (d *demo) restart(ctx context.Context) {
	if err := d.pitwall.start(); err != nil {
		d.say("%s  demo       %v", d.clock(), err)
		return
	}
	if err := d.ready(ctx); err != nil && ctx.Err() == nil {
		d.say("%s  demo       %v", d.clock(), err)
	}
}
