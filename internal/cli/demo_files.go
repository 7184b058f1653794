package cli

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/pitwall/pitwall/internal/target/git"
)

//go:embed demofiles
var demoFiles embed.FS

// demoAddrs are the addresses of one demo.
type demoAddrs struct{ HTTP, OTLP, GRPC, Controller string }

// demoVars fill the templates of the demo's configuration.
type demoVars struct {
	demoAddrs
	Dir     string
	Approve bool
	Pace    float64
	Within  string  // what a checkout may take, in the objective
	Normal  string  // how long before the fault the shop is at ease, at pace 1
	Rate    float64 // requests a second of the story against the flagship's, in (0, 1]
	Held    float64 // requests that its baseline holds against the flagship's, in (0, 1]
}

// within is the latency that the demo's objective asks for: what the story's
// shop does at ease. The flagship's shop is busier and slower.
func (d *demo) within() string {
	if d.story.Name == "checkout" || d.story.Name == "quiet" {
		return "500ms"
	}
	return "120ms"
}

// normal is the time that a baseline can be read from: what comes before is no
// normal load, and against that nothing is proven.
func (d *demo) normal() time.Duration { return min(flagshipNormal, d.story.Onset-d.story.Warm) }

// The flagship's rate and baseline, for which the counts of the demo's
// configuration are made.
const (
	flagshipRPS    = 66
	flagshipNormal = 95 * time.Second
)

func (d *demo) rate() float64 { return min(1, d.story.RPS/flagshipRPS) }

// Pace divides a duration of the demo's configuration; nothing goes under min.
func (v demoVars) Paced(d, least string) (string, error) {
	full, err := time.ParseDuration(d)
	if err != nil {
		return "", err
	}
	low, err := time.ParseDuration(least)
	if err != nil {
		return "", err
	}
	return max(low, time.Duration(float64(full)/v.Pace)).Round(time.Millisecond).String(), nil
}

// PacedRequests is Paced for a duration in which requests are gathered: as much
// longer as the story has fewer of them.
func (v demoVars) PacedRequests(d, least string) (string, error) {
	paced, err := v.Paced(d, least)
	if err != nil {
		return "", err
	}
	at, err := time.ParseDuration(paced)
	return time.Duration(float64(at) / v.Rate).Round(time.Millisecond).String(), err
}

// PacedCount divides a count of requests likewise, and by how many fewer of
// them the story's baseline holds.
func (v demoVars) PacedCount(n, least int) int {
	return max(int(float64(least)*v.Held), int(float64(n)*v.Held/v.Pace))
}

// writeFiles lays out the demo's data directory.
func (d *demo) writeFiles(addrs demoAddrs) error {
	vars := demoVars{demoAddrs: addrs, Dir: d.dir, Approve: d.o.Approve, Pace: d.o.Pace, Within: d.within(), Normal: d.normal().String(), Rate: d.rate(), Held: d.rate() * d.normal().Seconds() / flagshipNormal.Seconds()}
	for _, sub := range []string{"lab", "data", "slos"} {
		if err := os.MkdirAll(filepath.Join(d.dir, sub), 0o755); err != nil {
			return fmt.Errorf("making data directory: %w", err)
		}
	}
	for name, into := range map[string]string{
		"pitwall.yaml.tmpl": "pitwall.yaml", "checkout-latency.yaml": "slos/checkout-latency.yaml",
		"checkout-availability.yaml": "slos/checkout-availability.yaml", "policy.yaml": "policy.yaml",
	} {
		raw, err := demoFiles.ReadFile("demofiles/" + name)
		if err != nil {
			return fmt.Errorf("reading own file: %w", err)
		}
		t, err := template.New(name).Parse(string(raw))
		if err != nil {
			return fmt.Errorf("reading own template: %w", err)
		}
		var b strings.Builder
		if err := t.Execute(&b, vars); err != nil {
			return fmt.Errorf("filling own template: %w", err)
		}
		if err := os.WriteFile(filepath.Join(d.dir, into), []byte(b.String()), 0o644); err != nil {
			return fmt.Errorf("writing demo file: %w", err)
		}
	}
	return git.Init(context.Background(), filepath.Join(d.dir, "enforced"), time.Now())
}
