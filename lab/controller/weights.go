package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// weightsRequest is the body of PUT …/weights.
type weightsRequest struct {
	Weights Weights `json:"weights"`
	Reason  string  `json:"reason"`
}

// answer is what a key was answered with.
type answer struct {
	request []byte // canonical: service and body
	body    Service
}

// caller is who asks, from the headers.
type caller struct {
	key     string
	actor   string
	fencing uint64
	fenced  bool
	dryRun  bool
}

// callerOf reads and checks the headers.
func callerOf(r *http.Request) (caller, error) {
	c := caller{
		key: r.Header.Get("Idempotency-Key"), actor: r.Header.Get("X-Actor"),
		dryRun: r.URL.Query().Get("dry_run") == "true",
	}
	if c.actor == "" {
		c.actor = "unknown"
	}
	if c.key == "" {
		return c, refuse(http.StatusBadRequest, "the Idempotency-Key header is missing: choose one key per intended change and repeat it on retries")
	}
	if t := r.Header.Get("X-Fencing-Token"); t != "" {
		n, err := strconv.ParseUint(t, 10, 64)
		if err != nil {
			return c, refuse(http.StatusBadRequest, "X-Fencing-Token %q is not an unsigned number", t)
		}
		c.fencing, c.fenced = n, true
	}
	return c, nil
}

// setWeights is PUT /v1/services/{service}/weights. replayed says the key was
// known and nothing happened.
func (c *Controller) setWeights(ctx context.Context, name string, in weightsRequest, by caller) (out Service, replayed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.find(name)
	if err != nil {
		return Service{}, false, err
	}
	canon, err := canonical(name, in)
	if err != nil {
		return Service{}, false, err
	}
	if a, ok := c.answers[by.key]; ok && !by.dryRun {
		return c.replay(s, a, canon, by)
	}
	if err := check(s, in, by); err != nil {
		return Service{}, false, err
	}
	if by.dryRun {
		return planned(s, in.Weights), false, nil
	}
	if err := c.apply(ctx, s, in.Weights, Effect{Key: by.key, Actor: by.actor, Fencing: by.fencing}); err != nil {
		return Service{}, false, err
	}
	s.Fencing = max(s.Fencing, by.fencing)
	c.answers[by.key] = answer{canon, s.copy()}
	e := Entry{Time: c.cfg.Now().UTC(), Kind: "weights", Service: name, Summary: sentence(in), Actor: by.actor}
	if by.actor != "pitwall" {
		e.Change = c.announce(Change{Kind: "config", Service: name, Summary: sentence(in), Actor: by.actor})
	}
	c.history = append(c.history, e)
	return s.copy(), false, nil
}

// replay answers a known key; the lock is held.
func (c *Controller) replay(s *Service, a answer, canon []byte, by caller) (Service, bool, error) {
	if !bytes.Equal(a.request, canon) {
		return Service{}, false, refuse(http.StatusUnprocessableEntity,
			"Idempotency-Key %q was used for another request: a key belongs to one intended change", by.key)
	}
	s.Fencing = max(s.Fencing, by.fencing)
	w := a.body.Weights
	return a.body, true, c.log(Effect{
		Time: c.cfg.Now().UTC(), Key: by.key, Service: s.Service, From: w, To: w, Actor: by.actor,
		Fencing: by.fencing, Replay: true, Generation: a.body.Generation,
	})
}

// check refuses weights that cannot be made true.
func check(s *Service, in weightsRequest, by caller) error {
	if by.fenced && by.fencing < s.Fencing {
		return &problem{
			status: http.StatusConflict, highest: s.Fencing,
			msg: "X-Fencing-Token " + strconv.FormatUint(by.fencing, 10) + " is older than the highest seen: somebody newer owns this service",
		}
	}
	sum := 0
	for _, v := range slices.Sorted(maps.Keys(in.Weights)) {
		w := in.Weights[v]
		i := slices.IndexFunc(s.Versions, func(x Instance) bool { return x.Version == v })
		if i < 0 {
			return refuse(http.StatusUnprocessableEntity, "%s has no version %q: nearest are %s", s.Service, v, strings.Join(nearest(s, v), ", "))
		}
		if w < 0 || w > 100 {
			return refuse(http.StatusUnprocessableEntity, "weight of %s is %d: choose 0 to 100", v, w)
		}
		if w > 0 && !s.Versions[i].Ready {
			return refuse(http.StatusUnprocessableEntity, "%s %s is not ready: deploy it again first", s.Service, v)
		}
		sum += w
	}
	if sum != 100 {
		return refuse(http.StatusUnprocessableEntity, "weights sum to %d: they must sum to 100", sum)
	}
	return nil
}

// planned is what a dry run answers: the service as it would be.
func planned(s *Service, w Weights) Service {
	p := s.copy()
	for i, v := range p.Versions {
		p.Versions[i].Weight = w[v.Version]
		p.Weights[v.Version] = w[v.Version]
	}
	return p
}

// canonical is the request with keys in order; JSON maps are sorted.
func canonical(name string, in weightsRequest) ([]byte, error) {
	return json.Marshal([]any{name, in.Weights, in.Reason})
}

// sentence words new weights: "v40 10 %, v41 90 %: canary of the rollback".
func sentence(in weightsRequest) string {
	var parts []string
	for _, v := range slices.Sorted(maps.Keys(in.Weights)) {
		parts = append(parts, v+" "+strconv.Itoa(in.Weights[v])+" %")
	}
	s := strings.Join(parts, ", ")
	if in.Reason != "" {
		s += ": " + in.Reason
	}
	return s
}
