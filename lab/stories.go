package lab

import "time"

// StoryInfo is what one may know of a story before it is told.
type StoryInfo struct {
	Name     string   // as in --story
	Class    string   // the fault's class, "none" for a quiet story
	External bool     // what happens is nobody's change
	Quiet    bool     // nothing bad happens: nothing may be blamed
	Outlasts bool     // what the change did is not undone by taking its version back
	Services []string // where it can be put with --at, the first by default unless the seed decides; empty: it has no place
	Summary  string   // one sentence

	Question Question      // what goes bad; a place may ask another one, the truth in lab.json is exact
	RPS      float64       // POST /checkout per second the story is made for
	Warm     time.Duration // from here on, counted from the start of load at pace 1, normal is normal
	Onset    time.Duration // about when the effect begins without delay, likewise
	Needs    time.Duration // when enough bad time has passed, the longest delay included, likewise
}

// Question is the indicator that an incident is about.
type Question struct {
	Service   string `json:"service"`
	Operation string `json:"operation"` // "POST /checkout"
	SLI       string `json:"sli"`       // latency | errors
}

// Stories lists all stories, in the order of the help.
func Stories() []StoryInfo {
	out := []StoryInfo{
		{
			Name: "checkout", Class: "payload", Services: []string{"inventory"}, RPS: 66, Question: checkoutLatency(),
			Summary: "the flagship: inventory begins to send everything it knows of an item",
			Warm:    10 * time.Second, Onset: 115 * time.Second, Needs: 175 * time.Second,
		},
		{
			Name: "quiet", Class: "none", Quiet: true, RPS: 66, Question: checkoutLatency(), Summary: "innocent deploys and flag flips",
			Warm: 10 * time.Second, Onset: 110 * time.Second, Needs: 175 * time.Second,
		},
	}
	for _, f := range faults() {
		out = append(out, f.info())
	}
	return out
}

func checkoutLatency() Question { return Question{"edge", "POST /checkout", "latency"} }

func checkoutErrors() Question { return Question{"edge", "POST /checkout", "errors"} }
