package casefile

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// Topology gives who there is and who calls whom.
func (c *Case) Topology(context.Context, pitwall.Period) (pitwall.Topology, error) {
	var t pitwall.Topology
	found, err := c.object("topology.json", &t)
	if err == nil && !found {
		err = c.absent("topology")
	}
	return t, err
}

// change is one entry of changes.json.
type change struct {
	ID        string            `json:"id"`
	Kind      string            `json:"kind"`
	Service   string            `json:"service"`
	At        time.Time         `json:"at"`
	Title     string            `json:"title"`
	Author    string            `json:"author"`
	Diff      string            `json:"diff"`
	Version   string            `json:"version"`
	Files     []string          `json:"files"`
	DiffHints []string          `json:"diff_hints"`
	Config    map[string]string `json:"config"`
	Flags     map[string]string `json:"flags"`
}

// Changes gives the changes of a period, oldest first.
func (c *Case) Changes(_ context.Context, p pitwall.Period) ([]pitwall.Change, error) {
	var all []change
	found, err := c.object("changes.json", &all)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, c.absent("changes")
	}
	var list []pitwall.Change
	for i, in := range all {
		if in.ID == "" || in.At.IsZero() {
			return nil, bad(c.dir, "changes.json", "entry %d has no id or no time", i)
		}
		if !p.Contains(in.At) {
			continue
		}
		list = append(list, pitwall.Change{
			ID: pitwall.ChangeID(in.ID), At: in.At, Kind: pitwall.ChangeKind(in.Kind), Service: pitwall.ServiceName(in.Service),
			Version: pitwall.Version(in.Version), Summary: in.Title, Actor: in.Author, Diff: in.Diff, Files: in.Files,
			DiffHints: in.DiffHints, Config: in.Config, Flags: in.Flags, SeenBy: pitwall.SeenByWebhook,
		})
	}
	slices.SortStableFunc(list, func(a, b pitwall.Change) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return list, nil
}

// Status gives what a provider's public page said during the period.
func (c *Case) Status(_ context.Context, p pitwall.Period) ([]pitwall.StatusNotice, error) {
	var in struct {
		Source    string `json:"source"`
		Component string `json:"component"`
		Events    []struct {
			At     time.Time `json:"timestamp"`
			Status string    `json:"status"`
			Detail string    `json:"detail"`
		} `json:"events"`
	}
	found, err := c.object("status_feed.json", &in)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, c.absent("status feed of a provider")
	}
	var list []pitwall.StatusNotice
	for _, e := range in.Events {
		if p.Contains(e.At) {
			list = append(list, pitwall.StatusNotice{At: e.At, Provider: in.Source, Title: in.Component, Text: e.Detail, State: e.Status})
		}
	}
	return list, nil
}

// profile is one entry of profiles.json.
type profile struct {
	File     string    `json:"file"`
	Service  string    `json:"service"`
	Version  string    `json:"version"`
	Instance string    `json:"instance"`
	Type     string    `json:"type"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Requests int64     `json:"requests"`
}

// Profiles gives the windows that lie inside the period, oldest first.
func (c *Case) Profiles(_ context.Context, q pitwall.ProfileQuery) ([]pitwall.ProfileWindow, error) {
	var all []profile
	found, err := c.object("profiles.json", &all)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, c.absent("profiles")
	}
	var list []pitwall.ProfileWindow
	for _, in := range all {
		w := pitwall.ProfileWindow{
			Service: pitwall.ServiceName(in.Service), Version: pitwall.Version(in.Version), Instance: in.Instance,
			Type: pitwall.ProfileType(in.Type), Period: pitwall.Period{From: in.From, To: in.To}, Requests: in.Requests,
		}
		if !wanted(w, q) {
			continue
		}
		if w.Data, err = c.profileData(in.File); err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	slices.SortStableFunc(list, func(a, b pitwall.ProfileWindow) int { return a.Period.From.Compare(b.Period.From) })
	return list, nil
}

func wanted(w pitwall.ProfileWindow, q pitwall.ProfileQuery) bool {
	return w.Service == q.Service && w.Type == q.Type && (q.Version == "" || w.Version == q.Version) &&
		!w.Period.From.Before(q.Period.From) && !w.Period.To.After(q.Period.To)
}

// profileData reads a file of the folder profiles, and of nowhere else.
func (c *Case) profileData(name string) ([]byte, error) {
	name = strings.TrimPrefix(name, "profiles/")
	if !filepath.IsLocal(name) {
		return nil, bad(c.dir, "profiles.json", "file %q lies outside of the folder profiles", name)
	}
	path := filepath.Join("profiles", name)
	raw, err := c.whole(path)
	if err != nil {
		return nil, c.unread("profiles.json", path, err)
	}
	return raw, nil
}
