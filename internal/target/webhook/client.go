package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// longestAnswer bounds what is read of an answer, in bytes.
const longestAnswer = 1 << 20

// Config says which controller, and what may be asked of it.
type Config struct {
	URL       string                // of the controller, without credentials
	TokenFile string                // bearer token, read anew for every call; empty: none
	Services  []pitwall.ServiceName // the only ones that may be looked at and changed
	Timeout   time.Duration         // of one try; 0: 5 s
	Tries     int                   // at most, per call; 0: 4
	Backoff   time.Duration         // before the second try, then doubled; 0: 200 ms
	Transport http.RoundTripper     // nil: http.DefaultTransport
}

// Client is a pitwall.Target.
type Client struct {
	c    Config
	base *url.URL
	http *http.Client
}

var _ pitwall.Target = (*Client)(nil)

// New checks the configuration; it does not call the controller.
func New(c Config) (*Client, error) {
	const op = "configuring target"
	base, err := url.Parse(c.URL)
	if err != nil {
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Invalid, Err: errors.New("the URL cannot be parsed"), Hint: "give target.url as http://host:port"}
	}
	switch {
	case base.User != nil:
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: base.Redacted(), Err: errors.New("the URL carries credentials"),
			Hint: "put a token into a file and name it in target.token_file"}
	case base.Scheme != "http" && base.Scheme != "https" || base.Host == "":
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: c.URL, Err: errors.New("no http or https URL"), Hint: "give target.url as http://host:port"}
	case c.Timeout < 0 || c.Tries < 0 || c.Backoff < 0:
		return nil, pitwall.Errorf(pitwall.Invalid, op, "timeout, tries and back-off must not be negative")
	}
	c.Timeout, c.Tries, c.Backoff = orElse(c.Timeout, 5*time.Second), orElse(c.Tries, 4), orElse(c.Backoff, 200*time.Millisecond)
	return &Client{c: c, base: base, http: &http.Client{
		Transport: c.Transport,
		// A redirect would carry the token to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func orElse[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// Observe asks what the controller runs for a service.
func (c *Client) Observe(ctx context.Context, s pitwall.ServiceName) (pitwall.TargetState, error) {
	const op = "observing target"
	if err := c.allowed(op, s); err != nil {
		return pitwall.TargetState{}, err
	}
	state, _, err := c.call(ctx, op, request{method: http.MethodGet, service: s})
	return state, err
}

// Apply asks for weights. The controller does an effect once per key, so a try
// whose answer was lost may be repeated; for a replay the present state is
// observed, because the stored answer may be old.
func (c *Client) Apply(ctx context.Context, e pitwall.Effect) (pitwall.TargetState, error) {
	const op = "applying weights"
	if err := c.allowed(op, e.Service); err != nil {
		return pitwall.TargetState{}, err
	}
	if err := check(e); err != nil {
		return pitwall.TargetState{}, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: string(e.Service), Err: err}
	}
	body, err := json.Marshal(weightsBody{Weights: e.Weights, Reason: e.Reason})
	if err != nil {
		return pitwall.TargetState{}, pitwall.Errorf(pitwall.Internal, op, "encoding weights: %w", err)
	}
	state, replayed, err := c.call(ctx, op, request{method: http.MethodPut, service: e.Service, body: body, effect: e})
	if err != nil || !replayed {
		return state, err
	}
	return c.Observe(ctx, e.Service)
}

type weightsBody struct {
	Weights map[pitwall.Version]int `json:"weights"`
	Reason  string                  `json:"reason"`
}

func (c *Client) allowed(op string, s pitwall.ServiceName) error {
	if slices.Contains(c.c.Services, s) {
		return nil
	}
	return &pitwall.Error{Op: op, Kind: pitwall.Denied, ID: string(s),
		Err: fmt.Errorf("this service is not among the allowed ones (%v)", c.c.Services), Hint: "add it to target.services"}
}

// check refuses an effect that no controller should ever see.
func check(e pitwall.Effect) error {
	sum := 0
	for _, v := range slices.Sorted(maps.Keys(e.Weights)) {
		w := e.Weights[v]
		if w < 0 || w > 100 || v == "" {
			return fmt.Errorf("version %q has weight %d: choose 0 to 100", v, w)
		}
		sum += w
	}
	switch {
	case sum != 100:
		return fmt.Errorf("the weights sum to %d, not to 100", sum)
	case e.Key == "" || strings.ContainsAny(e.Key, "\r\n"):
		return fmt.Errorf("the idempotency key %q cannot be sent", e.Key)
	}
	return nil
}

type request struct {
	method  string
	service pitwall.ServiceName
	body    []byte
	effect  pitwall.Effect // of a PUT
}

// call tries until the controller has said yes or no, or the tries are used up.
func (c *Client) call(ctx context.Context, op string, r request) (pitwall.TargetState, bool, error) {
	pause := c.c.Backoff
	for try := 1; ; try++ {
		state, replayed, err := c.once(ctx, op, r)
		var p *pitwall.Error
		again := errors.As(err, &p) && p.Kind == pitwall.Unavailable
		if !again || ctx.Err() != nil {
			return state, replayed, err
		}
		if try == c.c.Tries {
			p.Err = fmt.Errorf("after %d tries: %w", try, p.Err)
			return pitwall.TargetState{}, false, p
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return pitwall.TargetState{}, false, fmt.Errorf("%s: %w (last: %w)", op, ctx.Err(), err)
		}
		pause *= 2
	}
}

// once is one try.
func (c *Client) once(ctx context.Context, op string, r request) (pitwall.TargetState, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, c.c.Timeout)
	defer cancel()
	token, err := c.token(op)
	if err != nil {
		return pitwall.TargetState{}, false, err
	}
	req, err := c.prepare(ctx, r, token)
	if err != nil {
		return pitwall.TargetState{}, false, pitwall.Errorf(pitwall.Internal, op, "making request: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return pitwall.TargetState{}, false, unavailable(op, r.service, clean(err, token))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, longestAnswer))
	if err != nil {
		return pitwall.TargetState{}, false, unavailable(op, r.service, clean(fmt.Errorf("reading answer: %w", err), token))
	}
	if res.StatusCode != http.StatusOK {
		return pitwall.TargetState{}, false, refusal(answer{op: op, service: r.service, status: res.StatusCode, body: body, token: token})
	}
	state, err := decode(body, r.service)
	if err != nil {
		return state, false, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: string(r.service),
			Err: clean(err, token), Hint: "the controller must answer as docs/reference/lab-controller.md says"}
	}
	return state, res.Header.Get("Idempotent-Replay") == "true", nil
}

func (c *Client) prepare(ctx context.Context, r request, token string) (*http.Request, error) {
	u := c.base.JoinPath("v1", "services", url.PathEscape(string(r.service)))
	if r.method == http.MethodPut {
		u = u.JoinPath("weights")
		if r.effect.DryRun {
			u.RawQuery = "dry_run=true"
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if r.method == http.MethodPut {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", r.effect.Key)
		req.Header.Set("X-Fencing-Token", strconv.FormatUint(r.effect.Fencing, 10))
		req.Header.Set("X-Actor", r.effect.Actor)
	}
	return req, nil
}

// token reads the token file for every call, so that a rotated token is used.
func (c *Client) token(op string) (string, error) {
	if c.c.TokenFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(c.c.TokenFile)
	if err != nil {
		return "", &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: c.c.TokenFile, Err: fmt.Errorf("reading token file: %w", err), Hint: "see target.token_file"}
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: c.c.TokenFile, Err: errors.New("the file holds no token of one line of visible ASCII"), Hint: "see target.token_file"}
	}
	return token, nil
}
