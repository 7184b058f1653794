package controller

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Change is an announcement, as posted to whoever keeps track of changes.
type Change struct {
	ID        string            `json:"id"`
	Time      time.Time         `json:"time"`
	Kind      string            `json:"kind"` // deploy | flag | config
	Service   string            `json:"service"`
	Version   string            `json:"version,omitempty"`
	Previous  string            `json:"previous_version,omitempty"`
	Summary   string            `json:"summary"`
	DiffHints []string          `json:"diff_hints,omitempty"`
	Config    map[string]string `json:"config,omitempty"`
	Flags     map[string]string `json:"flags,omitempty"`
	Files     []string          `json:"files,omitempty"` // touched by it
	Diff      string            `json:"diff,omitempty"`  // unified, as far as there is one
	Actor     string            `json:"actor"`
	Link      string            `json:"link,omitempty"`
}

// Deploy is the body of POST /v1/deploys.
type Deploy struct {
	Service   string            `json:"service"`
	Version   string            `json:"version"`
	Summary   string            `json:"summary"`
	DiffHints []string          `json:"diff_hints,omitempty"`
	Config    map[string]string `json:"config,omitempty"`
	Flags     map[string]string `json:"flags,omitempty"` // for the announcement
	Files     []string          `json:"files,omitempty"` // likewise
	Diff      string            `json:"diff,omitempty"`  // likewise
	Strategy  string            `json:"strategy,omitempty"`
}

// deployed is the answer: the service after the deploy, and the change's id.
type deployed struct {
	Change  string  `json:"change"`
	Service Service `json:"service"`
}

// deploy starts the version and, when it is ready, gives it all the traffic.
// The versions before it stay up at weight 0, warm for a rollback.
func (c *Controller) deploy(ctx context.Context, in Deploy, actor string) (deployed, error) {
	if in.Strategy != "" && in.Strategy != "replace" {
		return deployed{}, refuse(http.StatusUnprocessableEntity, "strategy %q is unknown: there is only replace", in.Strategy)
	}
	if in.Version == "" {
		return deployed{}, refuse(http.StatusUnprocessableEntity, "a deploy needs a version")
	}
	if err := c.startable(in); err != nil {
		return deployed{}, err
	}
	addr, err := c.cfg.World.Start(ctx, in.Service, in.Version, in.Config) // slow: without the lock
	if err != nil {
		return deployed{}, refuse(http.StatusBadGateway, "starting %s %s: %v; traffic is unchanged", in.Service, in.Version, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.find(in.Service)
	if err != nil {
		return deployed{}, err
	}
	previous := heaviest(s)
	s.Versions = slices.DeleteFunc(s.Versions, func(v Instance) bool { return v.Version == in.Version }) // one that died
	s.Versions = append(s.Versions, Instance{in.Version, 0, true, addr})
	e := Effect{Key: fmt.Sprintf("deploy/%s/%s", in.Service, in.Version), Actor: actor}
	if err := c.apply(ctx, s, Weights{in.Version: 100}, e); err != nil {
		return deployed{}, err
	}
	id := c.announce(Change{
		Kind: "deploy", Service: in.Service, Version: in.Version, Previous: previous, Summary: in.Summary,
		DiffHints: in.DiffHints, Config: in.Config, Flags: in.Flags, Files: in.Files, Diff: in.Diff, Actor: actor,
		Link: fmt.Sprintf("https://git.shop.example/%s/compare/%s...%s", in.Service, previous, in.Version),
	})
	c.history = append(c.history, Entry{
		Time: c.cfg.Now().UTC(), Kind: "deploy", Service: in.Service, Version: in.Version, Summary: in.Summary, Actor: actor, Change: id,
	})
	return deployed{id, s.copy()}, nil
}

// Renew replaces a version's instance by a fresh one, unannounced: the platform
// does it, not a pipeline. The old one finishes what it has.
func (c *Controller) Renew(ctx context.Context, service, version string, config map[string]string) error {
	addr, err := c.cfg.World.Start(ctx, service, version, config) // slow: without the lock
	if err != nil {
		return fmt.Errorf("renewing %s %s: %w", service, version, err)
	}
	defer c.cfg.World.Retire()
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.find(service)
	if err != nil {
		return err
	}
	for i := range s.Versions {
		if s.Versions[i].Version == version {
			s.Versions[i].Addr, s.Versions[i].Ready = addr, true
		}
	}
	if err := c.cfg.World.Route(ctx, c.snapshot()); err != nil {
		return fmt.Errorf("routing to the new %s %s: %w", service, version, err)
	}
	return nil
}

// startable refuses unknown services and versions that already run.
func (c *Controller) startable(in Deploy) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.find(in.Service)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(s.Versions, func(v Instance) bool { return v.Version == in.Version && v.Ready }) {
		return refuse(http.StatusConflict, "%s %s is running already: change its weight instead", in.Service, in.Version)
	}
	return nil
}

// flagged is the answer to a flag flip.
type flagged struct {
	Change string `json:"change"`
	Flag   string `json:"flag"`
	Value  string `json:"value"`
}

// flip is a flag's new value and who wants it.
type flip struct{ service, flag, value, actor string }

// setFlag changes a flag everywhere the service runs.
func (c *Controller) setFlag(ctx context.Context, f flip) (flagged, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.find(f.service)
	if err != nil {
		return flagged{}, err
	}
	if err := c.cfg.World.SetFlag(ctx, f.service, f.flag, f.value); err != nil {
		return flagged{}, refuse(http.StatusBadGateway, "setting %s on %s: %v", f.flag, f.service, err)
	}
	summary := fmt.Sprintf("flag %s set to %s", f.flag, f.value)
	id := c.announce(Change{
		Kind: "flag", Service: f.service, Version: heaviest(s), Summary: summary, Flags: map[string]string{f.flag: f.value}, Actor: f.actor,
		Link: fmt.Sprintf("https://flags.shop.example/%s/%s", f.service, f.flag),
	})
	c.history = append(c.history, Entry{Time: c.cfg.Now().UTC(), Kind: "flag", Service: f.service, Summary: summary, Actor: f.actor, Change: id})
	return flagged{id, f.flag, f.value}, nil
}

// Reconfigure is the body of POST /v1/config/{service}.
type Reconfigure struct {
	Summary   string            `json:"summary"`
	DiffHints []string          `json:"diff_hints,omitempty"`
	Config    map[string]string `json:"config"`
	Files     []string          `json:"files,omitempty"`
	Diff      string            `json:"diff,omitempty"`
}

// reconfigured is the answer.
type reconfigured struct {
	Change string            `json:"change"`
	Config map[string]string `json:"config"`
}

// reconfigure changes settings everywhere the service runs, without a restart.
func (c *Controller) reconfigure(ctx context.Context, service string, in Reconfigure, actor string) (reconfigured, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.find(service)
	if err != nil {
		return reconfigured{}, err
	}
	if len(in.Config) == 0 {
		return reconfigured{}, refuse(http.StatusUnprocessableEntity, "a configuration change needs at least one setting")
	}
	for _, k := range slices.Sorted(maps.Keys(in.Config)) {
		if err := c.cfg.World.SetFlag(ctx, service, k, in.Config[k]); err != nil {
			return reconfigured{}, refuse(http.StatusBadGateway, "setting %s on %s: %v", k, service, err)
		}
	}
	id := c.announce(Change{
		Kind: "config", Service: service, Version: heaviest(s), Summary: in.Summary, DiffHints: in.DiffHints, Config: in.Config,
		Files: in.Files, Diff: in.Diff, Actor: actor,
	})
	c.history = append(c.history, Entry{Time: c.cfg.Now().UTC(), Kind: "config", Service: service, Summary: in.Summary, Actor: actor, Change: id})
	return reconfigured{id, in.Config}, nil
}

// announce numbers a change and hands it on; the lock is held. The id carries
// the time, so changes of two runs never share one.
func (c *Controller) announce(ch Change) string {
	c.changes++
	ch.Time = c.cfg.Now().UTC()
	ch.ID = fmt.Sprintf("%s-%s-%s-%d", ch.Kind, ch.Service, strconv.FormatInt(ch.Time.UnixMilli(), 36), c.changes)
	c.cfg.Announce(ch)
	return ch.ID
}

// heaviest is the version with the most traffic.
func heaviest(s *Service) string {
	best, most := "", -1
	for _, v := range slices.Sorted(maps.Keys(s.Weights)) {
		if s.Weights[v] > most {
			best, most = v, s.Weights[v]
		}
	}
	return best
}
