package lab

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// tell makes the steps happen at their moments, then waits for the end.
func (d *director) tell(ctx context.Context, steps []step) error {
	var churning sync.WaitGroup
	defer churning.Wait()
	churning.Go(func() { d.limitMemory(ctx) })
	start := time.Now()
	steps = slices.SortedStableFunc(slices.Values(steps), func(a, b step) int { return int(a.at - b.at) })
	for _, s := range steps {
		if !d.until(ctx, start, s.at) {
			return nil
		}
		if err := d.act(ctx, s); err != nil {
			if ctx.Err() != nil {
				return nil // stopped in the middle of a step
			}
			return fmt.Errorf("telling the story: %w", err)
		}
		if s.churn > 0 {
			churning.Go(func() { d.churn(ctx, s) })
		}
	}
	d.say(event{Event: "story-told", Summary: "nothing more will be changed by the lab"})
	<-ctx.Done()
	return nil
}

// until waits for a moment of the story; false if the lab ends first.
func (d *director) until(ctx context.Context, start time.Time, at time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Until(start.Add(d.paced(at)))):
		return true
	}
}

// paced is a length of story time in real time.
func (d *director) paced(t time.Duration) time.Duration {
	return time.Duration(float64(t) / d.opt.pace)
}

// act does one step: what the world does itself, then what somebody changes,
// through the controller's API as a pipeline would.
func (d *director) act(ctx context.Context, s step) error {
	e := event{Event: "decoy", At: s.at.Seconds()}
	began := time.Now().UTC()
	for _, o := range s.events {
		if !d.until(ctx, time.Now(), o.wait) {
			return nil
		}
		if err := d.world.happen(ctx, o, d.loadAddr()); err != nil {
			return err
		}
		e.Event, e.Summary = "outside", o.who+" "+o.path
	}
	if err := d.change(ctx, s, &e); err != nil {
		return err
	}
	d.note(s, &e, began)
	d.say(e)
	return d.writeFiles()
}

// change does what somebody deploys, flips or sets, and fills the event.
func (d *director) change(ctx context.Context, s step, e *event) error {
	var ans struct {
		Change string `json:"change"`
	}
	var err error
	switch {
	case s.deploy != nil:
		e.Service, e.Version, e.Summary = s.deploy.Service, s.deploy.Version, s.deploy.Summary
		err = send(ctx, http.MethodPost, d.ctrlURL+"/v1/deploys", exchange{s.deploy, &ans})
	case s.flag != nil:
		e.Service, e.Summary = s.flag.service, "flag "+s.flag.flag+" set to "+s.flag.value
		err = send(ctx, http.MethodPut, d.ctrlURL+"/v1/flags/"+s.flag.service+"/"+s.flag.flag, exchange{map[string]string{"value": s.flag.value}, &ans})
	case s.config != nil:
		e.Service, e.Summary = s.config.service, s.config.body.Summary
		err = send(ctx, http.MethodPost, d.ctrlURL+"/v1/config/"+s.config.service, exchange{s.config.body, &ans})
	}
	e.Change = ans.Change
	return err
}

// note writes a step into the truth.
func (d *director) note(s step, e *event, began time.Time) {
	d.truth.mu.Lock()
	defer d.truth.mu.Unlock()
	if s.class == "" {
		if e.Change != "" {
			d.truth.Decoys = append(d.truth.Decoys, e.Change)
		}
		return
	}
	e.Event = "fault"
	now := time.Now().UTC()
	if len(s.events) > 0 {
		now = began
	}
	onset := now.Add(d.paced(s.late))
	t := &d.truth.truth
	t.Injected, t.Class, t.Change, t.At, t.Onset = true, s.class, e.Change, &now, &onset
	if t.Service == "" {
		t.Service = e.Service
	}
}

// churn replaces the deployed instance again and again, as a fleet whose
// workers may not grow old does.
func (d *director) churn(ctx context.Context, s step) {
	if !d.until(ctx, time.Now(), s.late) {
		return
	}
	for d.until(ctx, time.Now(), s.churn) {
		err := d.ctrl.Renew(ctx, s.deploy.Service, s.deploy.Version, d.world.config(s.deploy.Service, s.deploy.Version))
		if err != nil && ctx.Err() == nil {
			fmt.Fprintln(d.stderr, "pitwall lab:", err)
		}
	}
}
