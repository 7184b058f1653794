package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// canaryEvent is what Flagger sends to a webhook of type event.
type canaryEvent struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Phase     string            `json:"phase"`
	Checksum  string            `json:"checksum"` // of what is rolled out
	Metadata  map[string]string `json:"metadata"`
}

// knownToFlagger also takes the token from the event: Flagger sends no header of
// ours, but what stands in a webhook's metadata.
func knownToFlagger(secret string, r *http.Request, body []byte) bool {
	var e struct {
		Metadata struct {
			Token string `json:"token"`
		} `json:"metadata"`
	}
	if r.Header.Get("Authorization") == "" && json.Unmarshal(body, &e) == nil && e.Metadata.Token != "" {
		return same(secret, e.Metadata.Token)
	}
	return bearer(secret, r, body)
}

// flagger takes events of a canary. The first event of a phase is a change, the
// others only speak of it: a deploy when the new revision begins to take traffic,
// a shift of traffic when all of it is promoted or taken back. Every answer to
// something understood is at most 202, because Flagger takes 203 for a failure.
func (h *Hooks) flagger(ctx context.Context, d delivery) (taken, *Problem) {
	e, at, problem := parseCanary(d.body)
	if problem != nil {
		return taken{}, problem
	}
	kind, words := pitwall.ChangeTraffic, ""
	switch e.Phase {
	case "Progressing":
		kind, words = pitwall.ChangeDeploy, "a new revision begins to take traffic"
	case "Promoting":
		words = "the new revision is promoted to all traffic"
	case "Succeeded":
		words = "all traffic is on the new revision"
	case "Failed":
		words = "the new revision failed, all traffic is on the old one"
	default:
		return ignored("nothing moves in the phase %q", clip(e.Phase, 80))
	}
	if why := h.elsewhere(e.Metadata["environment"]); why != "" {
		return ignored("%s", why)
	}
	canary := "flagger/" + url.PathEscape(e.Namespace) + "/" + url.PathEscape(e.Name) + "/"
	phase := canary + url.PathEscape(e.Checksum) + "/" + strings.ToLower(e.Phase) + "/"
	last, problem := h.newest(ctx, canary, at)
	if problem != nil {
		return taken{}, problem
	}
	if strings.HasPrefix(string(last.ID), phase) {
		return taken{answer: Answer{ID: last.ID, Known: true}, at: at}, nil
	}
	c := pitwall.Change{
		ID: pitwall.ChangeID(phase + strconv.FormatInt(at.UnixMilli(), 10)), At: at, Kind: kind,
		Service: h.service(e.Metadata["service"], e.Namespace+"/"+e.Name, e.Name), Version: pitwall.Version(clip(e.Metadata["version"], 200)),
		Summary: fmt.Sprintf("Flagger: %s (%s)", words, cmp.Or(clip(e.Metadata["eventMessage"], 300), e.Phase)), Actor: "flagger",
	}
	return h.announce(ctx, c, d.arrived)
}

// parseCanary reads an event. What is no event is refused, not ignored: a hook of
// type rollback would take any good answer for the order to roll back.
func parseCanary(body []byte) (canaryEvent, time.Time, *Problem) {
	var e canaryEvent
	if err := json.Unmarshal(body, &e); err != nil {
		return e, time.Time{}, &Problem{Status: http.StatusBadRequest, Detail: "reading event: " + err.Error()}
	}
	ms, err := strconv.ParseInt(e.Metadata["timestamp"], 10, 64)
	switch {
	case e.Name == "" || len(e.Name) > 253 || len(e.Namespace) > 253 || len(e.Checksum) > 253:
		return e, time.Time{}, unprocessable("name is missing: which canary?")
	case err != nil || ms < 0 || ms > 1<<52 || e.Metadata["eventMessage"] == "":
		return e, time.Time{}, unprocessable("metadata has no eventMessage or timestamp: make the webhook's type event")
	}
	return e, time.UnixMilli(ms).UTC(), nil
}
