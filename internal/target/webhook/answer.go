package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pitwall/pitwall"
)

// serviceBody is what a controller says of one service; what else it says is ignored.
type serviceBody struct {
	Service  pitwall.ServiceName `json:"service"`
	Versions []struct {
		Version pitwall.Version `json:"version"`
		Weight  int             `json:"weight"`
		Ready   bool            `json:"ready"`
	} `json:"versions"`
	Weights    map[pitwall.Version]int `json:"weights"`
	Generation uint64                  `json:"generation"`
	Fencing    uint64                  `json:"fencing_token"`
}

// decode reads an answer and refuses one that cannot be true: acting on a
// misread world is worse than not acting.
func decode(body []byte, want pitwall.ServiceName) (pitwall.TargetState, error) {
	var b serviceBody
	if err := json.Unmarshal(body, &b); err != nil {
		return pitwall.TargetState{}, fmt.Errorf("reading answer: %w", err)
	}
	if b.Service != want {
		return pitwall.TargetState{}, fmt.Errorf("asked about %q, the answer is about %q", want, b.Service)
	}
	if len(b.Versions) == 0 {
		return pitwall.TargetState{}, errors.New("the answer names no version")
	}
	s := pitwall.TargetState{
		Service: b.Service, Generation: b.Generation, Fencing: b.Fencing,
		Weights: map[pitwall.Version]int{}, Ready: map[pitwall.Version]bool{},
	}
	sum := 0
	for _, v := range b.Versions {
		w := v.Weight
		if b.Weights != nil {
			w = b.Weights[v.Version]
		}
		s.Weights[v.Version], s.Ready[v.Version] = w, v.Ready
		sum += w
	}
	for v := range b.Weights {
		if _, known := s.Ready[v]; !known {
			return pitwall.TargetState{}, fmt.Errorf("the answer weighs %q, which is none of its versions", v)
		}
	}
	if sum != 100 {
		return pitwall.TargetState{}, fmt.Errorf("the weights of the answer sum to %d, not to 100", sum)
	}
	return s, nil
}

type answer struct {
	op      string
	service pitwall.ServiceName
	status  int
	body    []byte
	token   string
}

// refusal turns a status that is not 200 into an error of the right kind; only
// Unavailable is tried again.
func refusal(a answer) error {
	said := words(a.body)
	e := &pitwall.Error{Op: a.op, ID: string(a.service), Err: clean(fmt.Errorf("the controller answers %d: %s", a.status, said), a.token)}
	switch {
	case a.status >= 500:
		return unavailable(a.op, a.service, e.Err)
	case a.status == http.StatusConflict:
		e.Kind, e.Hint = pitwall.Conflict, "a newer owner has changed this service; look at it before acting again"
	case a.status == http.StatusNotFound:
		e.Kind, e.Hint = pitwall.NotFound, "compare target.services with GET /v1/services"
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		e.Kind, e.Hint = pitwall.Denied, "check target.token_file"
	default:
		e.Kind, e.Hint = pitwall.Invalid, "the controller must answer as docs/reference/lab-controller.md says"
	}
	return e
}

// words takes the error text out of an answer, shortened.
func words(body []byte) string {
	var b struct {
		Error string `json:"error"`
	}
	text := strings.TrimSpace(string(body))
	if json.Unmarshal(body, &b) == nil && b.Error != "" {
		text = b.Error
	}
	if text == "" {
		return "no reason given"
	}
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + " …"
	}
	return text
}

func unavailable(op string, s pitwall.ServiceName, err error) *pitwall.Error {
	return &pitwall.Error{Op: op, Kind: pitwall.Unavailable, ID: string(s), Err: err, Hint: "is the controller of target.url running and reachable?"}
}

// clean keeps the token out of an error, even where the controller repeats it.
func clean(err error, token string) error {
	if token == "" || !strings.Contains(err.Error(), token) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), token, "[token]"))
}
