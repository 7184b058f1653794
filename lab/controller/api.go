package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// Handler is the HTTP API.
func (c *Controller) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/services", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, map[string]any{"services": c.Services()})
	})
	mux.HandleFunc("GET /v1/services/{service}", c.getService)
	mux.HandleFunc("PUT /v1/services/{service}/weights", c.putWeights)
	mux.HandleFunc("POST /v1/deploys", c.postDeploy)
	mux.HandleFunc("PUT /v1/flags/{service}/{flag}", c.putFlag)
	mux.HandleFunc("POST /v1/config/{service}", c.postConfig)
	mux.HandleFunc("GET /v1/history", func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		h := slices.Clone(c.history)
		c.mu.Unlock()
		write(w, http.StatusOK, map[string]any{"history": h})
	})
	mux.HandleFunc("GET /v1/effects", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, map[string]any{"effects": c.Effects()})
	})
	for pattern, h := range c.cfg.Extra {
		mux.Handle(pattern, h)
	}
	return mux
}

func (c *Controller) getService(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	s, err := c.find(r.PathValue("service"))
	var out Service
	if err == nil {
		out = s.copy()
	}
	c.mu.Unlock()
	answerWith(w, out, err)
}

func (c *Controller) putWeights(w http.ResponseWriter, r *http.Request) {
	by, err := callerOf(r)
	if err != nil {
		answerWith(w, nil, err)
		return
	}
	var in weightsRequest
	if err := read(w, r, &in); err != nil {
		answerWith(w, nil, err)
		return
	}
	out, replayed, err := c.setWeights(whole(r), r.PathValue("service"), in, by)
	if replayed {
		w.Header().Set("Idempotent-Replay", "true")
	}
	answerWith(w, out, err)
}

func (c *Controller) postDeploy(w http.ResponseWriter, r *http.Request) {
	var in Deploy
	if err := read(w, r, &in); err != nil {
		answerWith(w, nil, err)
		return
	}
	out, err := c.deploy(whole(r), in, actor(r))
	answerWith(w, out, err)
}

func (c *Controller) postConfig(w http.ResponseWriter, r *http.Request) {
	var in Reconfigure
	if err := read(w, r, &in); err != nil {
		answerWith(w, nil, err)
		return
	}
	out, err := c.reconfigure(whole(r), r.PathValue("service"), in, actor(r))
	answerWith(w, out, err)
}

func (c *Controller) putFlag(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Value any `json:"value"`
	}
	if err := read(w, r, &in); err != nil {
		answerWith(w, nil, err)
		return
	}
	if in.Value == nil {
		answerWith(w, nil, refuse(http.StatusUnprocessableEntity, "a flag needs a value"))
		return
	}
	out, err := c.setFlag(whole(r), flip{r.PathValue("service"), r.PathValue("flag"), fmt.Sprint(in.Value), actor(r)})
	answerWith(w, out, err)
}

// whole is a context that outlives the caller: a caller that dies in the middle
// of a request must not leave the world half changed.
func whole(r *http.Request) context.Context { return context.WithoutCancel(r.Context()) }

// actor is who deploys; without a name it is the pipeline.
func actor(r *http.Request) string {
	if a := r.Header.Get("X-Actor"); a != "" {
		return a
	}
	return "ci"
}

// read decodes a body strictly: a misspelt field must not be a silent no-op.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return refuse(http.StatusBadRequest, "reading body: %v", err)
	}
	return nil
}

// answerWith writes the value, or the error with its status.
func answerWith(w http.ResponseWriter, v any, err error) {
	if err == nil {
		write(w, http.StatusOK, v)
		return
	}
	status, body := http.StatusInternalServerError, map[string]any{"error": err.Error()}
	var p *problem
	if errors.As(err, &p) {
		status = p.status
		if p.highest > 0 {
			body["highest"] = p.highest
		}
	}
	write(w, status, body)
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller hung up: nothing to tell it
}
