package lab

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall/lab/controller"
	"github.com/pitwall/pitwall/lab/shop"
)

// step is one thing that happens: a deploy, a flag flip, a change of settings,
// or what the world outside does.
type step struct {
	at     time.Duration // after the load started, at pace 1
	deploy *controller.Deploy
	flag   *flagFlip
	config *reconfigure
	events []outsideEvent // before the change is announced
	class  string         // the fault's class; "" for a decoy
	late   time.Duration  // how long after the step the effect begins, at pace 1
	churn  time.Duration  // from then on the deployed instances are replaced that often, at pace 1
}

// flagFlip sets one flag of one service.
type flagFlip struct{ service, flag, value string }

// firstVersions are what runs before anybody watches.
func firstVersions() map[string]string {
	return map[string]string{
		"edge": "v5", "checkout": "v12", "inventory": "v40", "payment": "v7", "auth": "v3", "orders": "v21",
	}
}

// telling is a story as one seed tells it.
type telling struct {
	steps []step
	stage stage
	rps   float64
	truth truth // what is known beforehand
}

// story makes a story's telling; the same seed and place make the same one. at
// chooses the place; empty leaves it to the seed.
func story(name string, seed uint64, at string) (telling, error) {
	r := rand.New(rand.NewPCG(seed, 4711))
	t := telling{stage: oldShop(), rps: 66, truth: truth{Story: name, Question: checkoutLatency(), ClassAccept: []string{}, Accept: []string{}}}
	switch name {
	case "checkout", "quiet":
		if at != "" && (name == "quiet" || at != "inventory") {
			return telling{}, refuse("--at %s: the story %s has its place already", at, name)
		}
		t.steps = oldStory(name, r)
		return t, nil
	}
	all := faults()
	i := slices.IndexFunc(all, func(f fault) bool { return f.name == name })
	if i < 0 {
		return telling{}, refuse("no story %q: choose one of %s", name, strings.Join(storyNames(), ", "))
	}
	t.stage, t.rps = benchShop(), benchRPS
	return t.bench(all[i], at, draw{r, seed})
}

// draw is a story's chance.
type draw struct {
	*rand.Rand
	seed uint64
}

// bench tells a fault of the benchmark.
func (t telling) bench(f fault, at string, d draw) (telling, error) {
	t.truth.Question, t.truth.Class, t.truth.External = f.asks, f.class, f.external
	if f.quiet {
		if at != "" {
			return telling{}, refuse("--at %s: the story %s has no place", at, f.name)
		}
		t.truth.Class = "none"
		t.steps = f.tell(d.Rand)
		return t, nil
	}
	places := slices.DeleteFunc(slices.Clone(f.places), func(p place) bool { return at != "" && !p.at(at) })
	if len(places) == 0 {
		return telling{}, refuse("--at %s: the story %s can be put at %s", at, f.name, strings.Join(f.services(), ", "))
	}
	p := places[d.IntN(len(places))]
	late := lateBy(d.seed, d.Rand)
	if p.kind != "deploy" {
		late = 0 // what is nobody's deploy has its own way to come late
	}
	if p.asks != nil {
		t.truth.Question = *p.asks
	}
	if p.stage != nil {
		t.stage = p.stage(t.stage)
	}
	t.truth.ClassAccept = append(t.truth.ClassAccept, p.classes...)
	t.truth.Accept = append(t.truth.Accept, p.accept...)
	t.truth.Service = p.service
	t.steps = p.steps(f.class, d.Rand, late)
	return t, nil
}

// at says whether this is the place somebody means: by the name in the truth
// or, for what has no service of its own, by one that suffers.
func (p place) at(service string) bool {
	return p.service == service || slices.Contains(p.accept, service)
}

// storyNames lists the stories.
func storyNames() []string {
	var out []string
	for _, s := range Stories() {
		out = append(out, s.Name)
	}
	return out
}

// oldStory are the steps of the flagship and of the quiet story.
func oldStory(name string, r *rand.Rand) []step {
	// around spreads decoys by a few seconds so that no two runs line up.
	around := func(sec int) time.Duration {
		return time.Duration(sec)*time.Second + time.Duration(r.IntN(6000))*time.Millisecond
	}
	if name == "checkout" {
		after := 123 * time.Second
		return []step{
			decoyDeploy(r, around(40), "payment", "v8"),
			decoyFlag(r, around(60), "auth"),
			fullDetails(115 * time.Second),
			pickStep(r, decoyDeploy(r, after, "orders", "v22"), decoyFlag(r, after, "edge")),
		}
	}
	return []step{
		decoyDeploy(r, around(30), "payment", "v8"),
		decoyFlag(r, around(55), "auth"),
		decoyDeploy(r, around(80), "inventory", "v40.1"),
		decoyFlag(r, around(110), "edge"),
		decoyDeploy(r, around(135), "checkout", "v13"),
		decoyDeploy(r, around(165), "orders", "v22"),
	}
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
