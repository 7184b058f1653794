package lab

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pitwall/pitwall/lab/controller"
)

// place is one place where a fault can be put, and all that happens there.
type place struct {
	service string   // what the truth names
	accept  []string // other names that are right as well
	classes []string // other classes that are right as well
	asks    *Question

	patch patch          // the change to blame, if there is one
	kind  string         // how it comes: deploy, flag or config; "" for nobody's change
	event []outsideEvent // what the world does, in order
	stage func(stage) stage
	churn time.Duration // instances of patch.service are replaced that often afterwards, at pace 1
}

// patch is a change as its pipeline announces it.
type patch struct {
	service, version string
	title            string
	config           []setting
	hints            []string // further ones, such as "risk/score.go: +12 -3"
	files            []string
	diff             string
}

// setting is one key of a configuration and its two values.
type setting struct{ key, old, now string }

// values are the settings' new values.
func (p patch) values() map[string]string {
	if len(p.config) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, s := range p.config {
		out[s.key] = s.now
	}
	return out
}

func (p patch) diffHints() []string {
	var out []string
	for _, s := range p.config {
		out = append(out, "config: "+s.key+": "+s.old+" -> "+s.now)
	}
	return append(out, p.hints...)
}

// deploy is the patch as a deploy whose feature switches are fetched late
// seconds after its start; 0 at once.
func (p patch) deploy(late int) *controller.Deploy {
	if late > 0 {
		p.config = append(slices.Clone(p.config), setting{refreshKey, "0", itoa(late)})
	}
	return &controller.Deploy{
		Service: p.service, Version: p.version, Summary: p.title, DiffHints: p.diffHints(), Config: p.values(),
		Files: p.files, Diff: p.diff, Strategy: "replace",
	}
}

// outsideEvent is one thing the world does: a request to somebody who is not
// the shop's.
type outsideEvent struct {
	who  string        // acquirer, load, neighbor, edge
	path string        // PUT there
	body any           // as JSON
	wait time.Duration // before it, at pace 1
}

// steps tells one place's story: innocent changes, the fault, more innocence.
func (p place) steps(class string, r *rand.Rand, late int) []step {
	at := around(r, faultAt)
	s := step{at: at, class: class, late: time.Duration(late) * time.Second, events: p.event, churn: p.churn}
	switch p.kind {
	case "deploy":
		s.deploy = p.patch.deploy(late)
	case "flag":
		f := p.patch.config[0]
		s.flag = &flagFlip{p.patch.service, f.key, f.now}
	case "config":
		s.config = &reconfigure{p.patch.service, controller.Reconfigure{
			Summary: p.patch.title, DiffHints: p.patch.diffHints(), Config: p.patch.values(), Files: p.patch.files, Diff: p.patch.diff,
		}}
	}
	return append(decoys(r, p.service), s)
}

// around spreads a moment by up to five seconds, so that no two runs line up.
func around(r *rand.Rand, at time.Duration) time.Duration {
	return at + time.Duration(r.IntN(5_000))*time.Millisecond
}

// lateBy draws the delay of an onset in seconds: in a third of the seeds 20 to
// 35, else none.
func lateBy(seed uint64, r *rand.Rand) int {
	if seed%3 != 0 {
		return 0
	}
	return 20 + r.IntN(int(mostLate/time.Second)-20+1)
}

// merged is a copy of a with b on top.
func merged(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, b)
	return out
}
