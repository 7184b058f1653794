package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pitwall/pitwall/lab/record"
)

// entry is one recorded case in index.json: what users felt, and whether it can
// be scored.
type entry struct {
	ID      string        `json:"id"`
	Dir     string        `json:"dir"`
	Part    string        `json:"part"` // seen or held
	Story   string        `json:"story"`
	Service string        `json:"service"`
	Class   string        `json:"class"`
	Seed    uint64        `json:"seed"`
	Effect  record.Effect `json:"effect"`
	Lossy   []string      `json:"lossy,omitempty"`    // what the recorder lost
	LeftOut string        `json:"left_out,omitempty"` // why it is not scored; empty: it is
}

// early is how far before the fault the indicator may seem to turn bad: a step
// of the indicator on either side.
const early = 10 * time.Second

// sick is a share of failed requests at which a shop is not healthy.
const sick = 0.01

// newEntry judges a recording: a fault must be proven, and seen after it was
// put in; a quiet run must have been quiet.
func newEntry(rep record.Report, dir string) entry {
	e := entry{ID: rep.ID, Dir: dir, Part: filepath.Base(filepath.Dir(dir)), Story: rep.Story, Service: rep.Service,
		Class: rep.Class, Seed: rep.Seed, Effect: rep.Effect, Lossy: rep.Warnings}
	before := rep.Effect.Before
	loud := rep.Effect.Fired || rep.Effect.Proven
	switch {
	case before.Errors >= sick:
		e.LeftOut = fmt.Sprintf("%.0f %% of requests failed before anything was done to it: was the machine busy?", 100*before.Errors)
	case !rep.Injected && loud:
		e.LeftOut = "nothing was done to it, but users felt something"
	case !rep.Injected:
		e.Class = "none"
	case !rep.Effect.Proven:
		e.LeftOut = "no proven effect"
	case !rep.Effect.Fired:
		e.LeftOut = "no alert: the effect came too slowly or too late"
	case rep.InjectedAt != nil && rep.SeenAt != nil && rep.SeenAt.Before(rep.InjectedAt.Add(-early)):
		e.LeftOut = fmt.Sprintf("it was slow %.0f s before anything was done to it", rep.InjectedAt.Sub(*rep.SeenAt).Seconds())
	}
	return e
}

func (e entry) verdict() string {
	if e.LeftOut != "" {
		return "left out: " + e.LeftOut
	}
	if len(e.Lossy) > 0 {
		return "proven, but something was lost"
	}
	if e.Class == "none" {
		return "quiet"
	}
	return "proven"
}

// index reads every recording below out and writes out/index.json.
func index(out string) ([]entry, error) {
	files, err := filepath.Glob(filepath.Join(out, "*", "*", "recording.json"))
	if err != nil {
		return nil, err
	}
	all := []entry{}
	for _, f := range files {
		var rep record.Report
		if err := readJSON(f, &rep); err != nil {
			return nil, err
		}
		all = append(all, newEntry(rep, filepath.Dir(f)))
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.Part, b.Part), cmp.Compare(a.Story, b.Story), cmp.Compare(a.ID, b.ID))
	})
	raw, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	return all, os.WriteFile(filepath.Join(out, "index.json"), append(raw, '\n'), 0o644)
}

func readJSON(path string, v any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}
