package lab

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall/lab/controller"
	"github.com/pitwall/pitwall/lab/shop"
)

// step is one thing that happens to the shop: a deploy or a flag flip.
type step struct {
	at     time.Duration // after the load started, at pace 1
	deploy *controller.Deploy
	flag   *flagFlip
	class  string // the fault's class; "" for a decoy
}

// flagFlip sets one flag of one service.
type flagFlip struct{ service, flag, value string }

// storyNames lists the stories.
func storyNames() []string { return []string{"checkout", "quiet"} }

// firstVersions are what runs before anybody watches.
func firstVersions() map[string]string {
	return map[string]string{
		"edge": "v5", "checkout": "v12", "inventory": "v40", "payment": "v7", "auth": "v3", "orders": "v21",
	}
}

// story makes a story's steps in order; the same seed makes the same ones.
func story(name string, seed uint64) ([]step, error) {
	r := rand.New(rand.NewPCG(seed, 4711))
	// around spreads decoys by a few seconds so that no two runs line up.
	around := func(sec int) time.Duration {
		return time.Duration(sec)*time.Second + time.Duration(r.IntN(6000))*time.Millisecond
	}
	switch name {
	case "checkout":
		after := 123 * time.Second
		return []step{
			decoyDeploy(r, around(40), "payment", "v8"),
			decoyFlag(r, around(60), "auth"),
			fullDetails(115 * time.Second),
			pickStep(r, decoyDeploy(r, after, "orders", "v22"), decoyFlag(r, after, "edge")),
		}, nil
	case "quiet":
		return []step{
			decoyDeploy(r, around(30), "payment", "v8"),
			decoyFlag(r, around(55), "auth"),
			decoyDeploy(r, around(80), "inventory", "v40.1"),
			decoyFlag(r, around(110), "edge"),
			decoyDeploy(r, around(135), "checkout", "v13"),
			decoyDeploy(r, around(165), "orders", "v22"),
		}, nil
	}
	return nil, refuse("no story %q: choose one of %s", name, strings.Join(storyNames(), ", "))
}

// fullDetails is the flagship fault: inventory begins to send everything it
// knows of an item to callers that wanted a price.
func fullDetails(at time.Duration) step {
	on := map[string]string{shop.FullDetails: "true"}
	return step{at: at, class: "payload", deploy: &controller.Deploy{
		Service: "inventory", Version: "v41", Summary: "Serve complete item details so the product page needs one call less",
		DiffHints: []string{
			"config: " + shop.FullDetails + ": false -> true", "handlers/items.go: +18 -3", "catalog/details.go: +142",
		},
		Config: on, Flags: on, Strategy: "replace",
	}}
}

// decoyDeploy is a new version of the same code.
func decoyDeploy(r *rand.Rand, at time.Duration, service, version string) step {
	summary := pickText(r, "Bump base image", "Update licence headers", "Refactor request logging", "Rename internal package", "Upgrade linter settings")
	return step{at: at, deploy: &controller.Deploy{
		Service: service, Version: version, Summary: summary, DiffHints: []string{"Dockerfile: +1 -1", "go.mod: +2 -2"}, Strategy: "replace",
	}}
}

// decoyFlag flips a flag that changes next to nothing.
func decoyFlag(r *rand.Rand, at time.Duration, service string) step {
	if service == "auth" {
		return step{at: at, flag: &flagFlip{service, "session_cache_ttl_seconds", pickText(r, "240", "270", "360", "600")}}
	}
	return step{at: at, flag: &flagFlip{service, "access_log_sample", pickText(r, "0.02", "0.05", "0.005")}}
}

func pickText(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

func pickStep(r *rand.Rand, from ...step) step { return from[r.IntN(len(from))] }

// tell makes the steps happen at their moments, then waits for the end.
func (d *director) tell(ctx context.Context, steps []step) error {
	start := time.Now()
	steps = slices.SortedStableFunc(slices.Values(steps), func(a, b step) int { return int(a.at - b.at) })
	for _, s := range steps {
		moment := start.Add(time.Duration(float64(s.at) / d.opt.pace))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(moment)):
		}
		if err := d.act(ctx, s); err != nil {
			if ctx.Err() != nil {
				return nil // stopped in the middle of a step
			}
			return fmt.Errorf("telling the story: %w", err)
		}
	}
	d.say(event{Event: "story-told", Summary: "nothing more will be changed by the lab"})
	<-ctx.Done()
	return nil
}

// act does one step through the controller's API, as a pipeline would.
func (d *director) act(ctx context.Context, s step) error {
	var ans struct {
		Change string `json:"change"`
	}
	e := event{Event: "decoy", At: s.at.Seconds()}
	var err error
	switch {
	case s.deploy != nil:
		e.Service, e.Version, e.Summary = s.deploy.Service, s.deploy.Version, s.deploy.Summary
		err = send(ctx, http.MethodPost, d.ctrlURL+"/v1/deploys", exchange{s.deploy, &ans})
	default:
		f := s.flag
		e.Service, e.Summary = f.service, "flag "+f.flag+" set to "+f.value
		err = send(ctx, http.MethodPut, d.ctrlURL+"/v1/flags/"+f.service+"/"+f.flag, exchange{map[string]string{"value": f.value}, &ans})
	}
	if err != nil {
		return err
	}
	e.Change = ans.Change
	if s.class != "" {
		e.Event = "fault"
		now := time.Now().UTC()
		d.truth.mu.Lock()
		d.truth.Injected, d.truth.Service, d.truth.Class, d.truth.Change, d.truth.At = true, e.Service, s.class, ans.Change, &now
		d.truth.mu.Unlock()
	}
	d.say(e)
	return nil
}
