package webhook

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// notice is what our template makes Argo CD send. It is read strictly: who edits
// the template hears of a misspelling.
type notice struct {
	App         string     `json:"app"`
	Project     string     `json:"project"`
	Revision    string     `json:"revision"`
	Revisions   []string   `json:"revisions"` // of an application with several sources
	Phase       string     `json:"phase"`
	Health      string     `json:"health"`
	Images      []string   `json:"images"`
	Started     *time.Time `json:"syncStartedAt"`
	Finished    *time.Time `json:"syncFinishedAt"`
	URL         string     `json:"url"`
	Actor       string     `json:"actor"`
	Environment string     `json:"environment"`
	Service     string     `json:"service"`
	Version     string     `json:"version"`
}

// argo takes notifications of Argo CD. A sync that succeeded is a change, however
// healthy what it made; one that brought nothing new is none. A later word about
// the same sync, such as degraded health, is that change again.
func (h *Hooks) argo(ctx context.Context, d delivery) (taken, *Problem) {
	n, problem := parseNotice(d.body)
	if problem != nil {
		return taken{}, problem
	}
	if n.Phase != "Succeeded" {
		return ignored("the phase is %q; only Succeeded is a change", clip(n.Phase, 80))
	}
	if why := h.elsewhere(n.Environment); why != "" {
		return ignored("%s", why)
	}
	service := h.service(n.Service, n.Project+"/"+n.App, n.App)
	revision := clip(cmp.Or(n.Revision, strings.Join(n.Revisions, "+")), 200)
	version := cmp.Or(clip(n.Version, 200), imageVersion(n.Images, string(service), n.App))
	app := "argocd/" + url.PathEscape(n.Project) + "/" + url.PathEscape(n.App) + "/"
	content := app + url.PathEscape(revision) + "/" + url.PathEscape(version) + "/"
	id := content + fmt.Sprint(n.Finished.Unix())
	last, problem := h.newest(ctx, app, *n.Finished)
	if problem != nil {
		return taken{}, problem
	}
	if string(last.ID) != id && strings.HasPrefix(string(last.ID), content) {
		return ignored("revision and images are those of the sync before")
	}
	short := revision[:min(7, len(revision))]
	c := pitwall.Change{
		ID: pitwall.ChangeID(id), At: *n.Finished, Kind: pitwall.ChangeDeploy, Service: service, Version: pitwall.Version(version),
		Summary: strings.TrimSpace(fmt.Sprintf("Argo CD synced %s to %s", n.App, short)), Actor: clip(n.Actor, 100), Link: n.URL,
	}
	if n.Started != nil && n.Started.Before(c.At) && n.Started.Year() >= 2000 {
		c.At = *n.Started // it acted from then on
	}
	return h.announce(ctx, c, d.arrived)
}

func parseNotice(body []byte) (notice, *Problem) {
	var n notice
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(&n)
	if err == nil && dec.More() {
		err = errors.New("more than one JSON value")
	}
	switch {
	case err != nil && strings.Contains(err.Error(), "unknown field"):
		return n, unprocessable("reading notification: %v", err)
	case err != nil:
		return n, &Problem{Status: http.StatusBadRequest, Detail: "reading notification: " + err.Error()}
	case n.App == "" || len(n.App) > 253 || len(n.Project) > 253:
		return n, unprocessable("app is missing: use the template of the documentation")
	case n.Phase == "Succeeded" && (n.Finished == nil || n.Finished.Year() < 2000):
		return n, unprocessable("syncFinishedAt is missing: use the template of the documentation")
	}
	return n, nil
}

// imageVersion is the tag of the only image, or of the only one with one of the
// names. Where there is doubt it is "": a commit of manifests is not what a
// service says it runs, and a wrong version would acquit the change.
func imageVersion(images []string, names ...string) string {
	var all, named []string
	for _, image := range images {
		image, _, _ = strings.Cut(image, "@")
		repo, version := image, ""
		if at := strings.LastIndexByte(image, ':'); at > strings.LastIndexByte(image, '/') {
			repo, version = image[:at], image[at+1:]
		}
		all = append(all, version)
		for _, name := range names {
			if repo[strings.LastIndexByte(repo, '/')+1:] == name {
				named = append(named, version)
				break
			}
		}
	}
	switch {
	case len(all) == 1:
		return clip(all[0], 200)
	case len(named) == 1:
		return clip(named[0], 200)
	}
	return ""
}
