package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/pitwall/pitwall"
)

// fakeTarget is a deploy controller in memory. It keeps its promises honestly:
// an effect happens once per key, an old fencing token is refused, every change
// raises the generation and stands in the log.
type fakeTarget struct {
	mu      sync.Mutex
	state   pitwall.TargetState
	answers map[string]map[pitwall.Version]int
	log     []done

	// Trouble on demand. observe and before are asked first and may refuse or
	// hang; after is asked when the effect is in place already.
	observe       func(context.Context) error
	before, after func(context.Context, pitwall.Effect) error
}

// done is one line of the effects log.
type done struct {
	pitwall.Effect
	Replay bool // asked again with a known key: nothing happened
}

func newFakeTarget() *fakeTarget {
	return &fakeTarget{
		state: pitwall.TargetState{Service: "inventory", Weights: map[pitwall.Version]int{"v40": 100},
			Ready: map[pitwall.Version]bool{"v40": true}, Generation: 1},
		answers: map[string]map[pitwall.Version]int{},
	}
}

// deploy brings a version up with all the traffic, as a developer would.
func (f *fakeTarget) deploy(v pitwall.Version) {
	f.mu.Lock()
	defer f.mu.Unlock()
	weights := map[pitwall.Version]int{v: 100}
	for old := range f.state.Weights {
		if old != v {
			weights[old] = 0
		}
	}
	f.state.Weights, f.state.Ready[v] = weights, true
	f.state.Generation++
}

// meddle changes weights as somebody who asks nobody.
func (f *fakeTarget) meddle(weights map[pitwall.Version]int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Weights = weights
	f.state.Generation++
}

func (f *fakeTarget) weights() map[pitwall.Version]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.Weights // never changed in place
}

func (f *fakeTarget) Observe(ctx context.Context, s pitwall.ServiceName) (pitwall.TargetState, error) {
	if f.observe != nil {
		if err := f.observe(ctx); err != nil {
			return pitwall.TargetState{}, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s != f.state.Service {
		return pitwall.TargetState{}, &pitwall.Error{Op: "observing target", Kind: pitwall.NotFound, ID: string(s), Err: errors.New("no such service")}
	}
	return f.snapshot(), nil
}

func (f *fakeTarget) snapshot() pitwall.TargetState {
	s := f.state
	s.Weights, s.Ready = maps.Clone(s.Weights), maps.Clone(s.Ready)
	return s
}

func (f *fakeTarget) Apply(ctx context.Context, e pitwall.Effect) (pitwall.TargetState, error) {
	if f.before != nil {
		if err := f.before(ctx, e); err != nil {
			return pitwall.TargetState{}, err
		}
	}
	s, err := f.apply(e)
	if err == nil && f.after != nil {
		err = f.after(ctx, e)
	}
	return s, err
}

func (f *fakeTarget) apply(e pitwall.Effect) (pitwall.TargetState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	refuse := func(kind pitwall.Kind, format string, args ...any) (pitwall.TargetState, error) {
		return pitwall.TargetState{}, pitwall.Errorf(kind, "applying weights", format, args...)
	}
	if old, known := f.answers[e.Key]; known {
		if !maps.Equal(old, e.Weights) {
			return refuse(pitwall.Invalid, "key %q was used for another effect", e.Key)
		}
		f.log = append(f.log, done{e, true})
		return f.snapshot(), nil
	}
	if e.Fencing < f.state.Fencing {
		return refuse(pitwall.Conflict, "fencing token %d is older than %d: somebody newer owns this service", e.Fencing, f.state.Fencing)
	}
	sum := 0
	for v, w := range e.Weights {
		if w > 0 && !f.state.Ready[v] {
			return refuse(pitwall.Invalid, "%s is not ready", v)
		}
		sum += w
	}
	if sum != 100 {
		return refuse(pitwall.Invalid, "weights sum to %d", sum)
	}
	if e.DryRun {
		return f.snapshot(), nil
	}
	f.state.Fencing = e.Fencing
	f.state.Weights = maps.Clone(e.Weights)
	f.state.Generation++
	f.answers[e.Key] = f.state.Weights
	f.log = append(f.log, done{e, false})
	return f.snapshot(), nil
}

// shares lists the weight of v40 after every effect that happened, and fails on
// a key that changed the world twice.
func (f *fakeTarget) shares() ([]int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []int
	seen := map[string]bool{}
	for _, d := range f.log {
		if d.Replay {
			continue
		}
		if seen[d.Key] {
			return nil, fmt.Errorf("the effect %s happened twice", d.Key)
		}
		seen[d.Key] = true
		list = append(list, d.Weights["v40"])
	}
	return list, nil
}

// fakeRepository takes files in; the same files are the same commit.
type fakeRepository struct {
	mu      sync.Mutex
	commits []pitwall.EnforcedData
	broken  error
}

func (f *fakeRepository) Deliver(_ context.Context, plan pitwall.PlanID, message string, files []pitwall.EnforcedFile) (pitwall.EnforcedData, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return pitwall.EnforcedData{}, f.broken
	}
	h := sha256.New()
	for _, file := range files {
		fmt.Fprintf(h, "%s\n%s\n", file.Path, file.Content)
	}
	commit := hex.EncodeToString(h.Sum(nil))
	for _, c := range f.commits {
		if c.Commit == commit {
			return c, nil
		}
	}
	data := pitwall.EnforcedData{Repository: "memory", Branch: "pitwall/" + string(plan), Commit: commit, Files: files}
	f.commits = append(f.commits, data)
	return data, nil
}

func (f *fakeRepository) Read(_ context.Context, path string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.commits {
		for _, file := range c.Files {
			if file.Path == path {
				return file.Content, nil
			}
		}
	}
	return "", pitwall.Errorf(pitwall.NotFound, "reading delivered file", "%s was never delivered", path)
}
