package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// effects holds the record against the target's own log.
func (d *demo) effects(ctx context.Context, out *demoOut) error {
	var log struct {
		Effects []struct {
			Key    string `json:"key"`
			Actor  string `json:"actor"`
			Replay bool   `json:"replay"`
		} `json:"effects"`
	}
	if err := d.lab.get(ctx, "/v1/effects", &log); err != nil {
		return err
	}
	applied := map[string]int{}
	for _, e := range log.Effects {
		switch {
		case e.Actor != "pitwall":
		case e.Replay:
			out.Effects.Replayed++
		default:
			out.Effects.Applied++
			applied[e.Key]++
		}
	}
	for _, n := range applied {
		if n > 1 {
			out.Effects.Twice++
		}
	}
	events, err := allEvents(ctx, d.api)
	if err != nil {
		return err
	}
	for _, step := range recordedSteps(events) {
		out.Effects.Recorded++
		if applied[step.Key] == 0 && !maps.Equal(step.Was, step.Weights) {
			out.Effects.Lost++
		}
	}
	return nil
}

// recordedSteps are the effects on the target that the record calls done, of
// all cycles of all plans. Deliveries to the repository carry no weights.
func recordedSteps(events []pitwall.Event) []pitwall.StepData {
	var list []pitwall.StepData
	for _, ev := range events {
		var step pitwall.StepData
		if ev.Type == pitwall.EventStepDone && json.Unmarshal(ev.Data, &step) == nil && len(step.Weights) > 0 {
			list = append(list, step)
		}
	}
	return list
}

// tell says the outcome and gives the exit code: 0 when the story ended as it
// should, 1 when not.
func (d *demo) tell(out demoOut) int {
	if d.story.Quiet {
		d.say("%s  quiet      %d plans opened over %d requests, p99 %.0f ms", d.clock(), out.PlansOpened, out.Requests.Before, out.P99.Before)
		if out.PlansOpened > 0 {
			return exitNo
		}
		return 0
	}
	right := out.Right && d.ended(out)
	d.say("")
	d.say("  cause      %s · %s · %s", out.RootCause.Service, out.RootCause.Class, out.RootCause.Change)
	d.say("  truth      %s · %s · %s", out.Truth.Service, out.Truth.Class, out.Truth.Change)
	d.say("  clocks     page after %.0f s · cause %.0f s later · verified %.0f s · locked %.0f s", out.Seconds.FaultToPage,
		out.Seconds.PageToCause, out.Seconds.PageToVerified, out.Seconds.PageToEnforced)
	d.say("  p99        %.0f ms before (n=%d) · %.0f ms during · %.0f ms after (n=%d)", out.P99.Before, out.Requests.Before,
		out.P99.During, out.P99.After, out.Requests.After)
	d.say("  effects    %d recorded, %d applied, %d twice, %d lost", out.Effects.Recorded, out.Effects.Applied, out.Effects.Twice, out.Effects.Lost)
	d.say("  left       %d files in %s/enforced", len(out.Enforced), d.dir)
	d.say("")
	if !right || out.Effects.Twice > 0 || out.Effects.Lost > 0 || out.PlansOpened != 1 {
		d.say("The story did not end as it should; read %s/demo.log and %s/plans", d.dir, d.url)
		return exitNo
	}
	d.sayNext(out)
	return 0
}

// ended says whether the plan came to rest where the story lets it: a deploy is
// taken back and that is proven; what is nobody's change is named and left to a
// person; so is what no shift of traffic takes back (a setting, a flag, an index
// that is gone), with all that was tried undone.
func (d *demo) ended(out demoOut) bool {
	deploy := strings.HasPrefix(out.Truth.Change, "deploy-") && !d.story.Outlasts
	switch {
	case out.State == pitwall.Closed:
		return true
	case d.story.External:
		return out.Effects.Applied == 0
	}
	return !deploy && (out.State == pitwall.Escalated || out.State == pitwall.InconclusiveState)
}

// sayNext names what is worth trying with what the story left behind.
func (d *demo) sayNext(out demoOut) {
	server, target := d.url, d.inventory()
	if d.o.Once {
		d.say("Next, to look at what is left: pitwall serve --config %s", filepath.Join(d.dir, "pitwall.yaml"))
		d.say("and a build to hold against the gate: pitwall lab service inventory --version v41")
		target = "URL"
	} else {
		d.say("Next:")
	}
	d.say("  pitwall plan export %s -o markdown --server %s", out.Plan, server)
	d.say("  pitwall record verify --server %s", server)
	for _, file := range out.Enforced {
		if strings.HasPrefix(file, "gates/") {
			d.say("  pitwall gate run %s --target %s", filepath.Join(d.dir, "enforced", file), target)
		}
	}
	d.say("")
}

// inventory is where the version that was taken back still runs, without
// traffic: the gate must refuse it.
func (d *demo) inventory() string {
	var s struct {
		Versions []struct {
			Weight int    `json:"weight"`
			Addr   string `json:"addr"`
		} `json:"versions"`
	}
	if d.lab.get(context.Background(), "/v1/services/inventory", &s) == nil {
		for _, v := range s.Versions {
			if v.Weight == 0 && v.Addr != "" {
				return "http://" + v.Addr
			}
		}
	}
	return "URL"
}

// giveUp writes what there is before saying that time is over.
func (d *demo) giveUp(why string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := d.finish(ctx); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", why, context.DeadlineExceeded)
}
