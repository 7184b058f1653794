package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// client speaks to a running pitwall, or to the lab's controller.
type client struct {
	base string
	http *http.Client
}

func newClient(base string) *client {
	return &client{base: strings.TrimRight(base, "/"), http: &http.Client{Timeout: 30 * time.Second}}
}

// get reads JSON from path into v; v may be a *[]byte for the raw body.
func (c *client) get(ctx context.Context, path string, v any) error {
	return c.do(ctx, http.MethodGet, path, nil, v)
}

func (c *client) do(ctx context.Context, method, path string, body, v any) error {
	in := sending{method: method, path: path}
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encoding request: %w", err)
		}
		in.body, in.headers = raw, http.Header{"Content-Type": {"application/json"}}
	}
	return c.send(ctx, in, v)
}

// sending is one request.
type sending struct {
	method, path string
	body         []byte
	headers      http.Header
}

func (c *client) send(ctx context.Context, in sending, v any) error {
	req, err := http.NewRequestWithContext(ctx, in.method, c.base+in.path, bytes.NewReader(in.body))
	if err != nil {
		return &pitwall.Error{Op: "asking server", Kind: pitwall.Invalid, ID: shown(c.base), Err: unwrapURL(err), Hint: "--server http://HOST:PORT"}
	}
	for name, values := range in.headers {
		req.Header[name] = values
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &pitwall.Error{Op: "asking server", Kind: pitwall.Unavailable, ID: shown(c.base), Err: cause(err),
			Hint: "is it running? pitwall serve, or pitwall demo; another address: --server"}
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 256<<20))
	if err != nil {
		return &pitwall.Error{Op: "reading answer", Kind: pitwall.Unavailable, ID: in.path, Err: cause(err)}
	}
	if res.StatusCode >= 300 {
		return answerError(res.StatusCode, in.path, raw)
	}
	if into, ok := v.(*[]byte); ok {
		*into = raw
		return nil
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return &pitwall.Error{Op: "reading answer", Kind: pitwall.Internal, ID: in.path, Err: err}
	}
	return nil
}

// unwrapURL drops the method and URL that net/http puts around an error.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// cause words an error without being it: a server that is slow is not a
// deadline of ours, and must not end with the exit code of one.
func cause(err error) error { return fmt.Errorf("%v", unwrapURL(err)) }

// shown is an address without the password it may hold.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the given address"
	}
	return u.Redacted()
}

// answerError turns the API's one error shape back into an Error.
func answerError(status int, path string, raw []byte) error {
	var body struct {
		Error struct {
			Op      string       `json:"op"`
			Kind    pitwall.Kind `json:"kind"`
			ID      string       `json:"id"`
			Message string       `json:"message"`
			Hint    string       `json:"hint"`
		} `json:"error"`
	}
	if json.Unmarshal(raw, &body) == nil && body.Error.Message != "" {
		e := body.Error
		return &pitwall.Error{Kind: e.Kind, Err: errors.New(e.Message), Hint: e.Hint}
	}
	var problem struct { // RFC 9457, as the receivers of signals say it
		Detail string `json:"detail"`
		Hint   string `json:"hint"`
	}
	if json.Unmarshal(raw, &problem) == nil && problem.Detail != "" {
		return &pitwall.Error{Kind: kindOfStatus(status), Err: errors.New(problem.Detail), Hint: problem.Hint}
	}
	kind := pitwall.Internal
	if status == http.StatusNotFound {
		kind = pitwall.NotFound
	}
	return &pitwall.Error{Op: "asking server", Kind: kind, ID: path, Err: fmt.Errorf("it answered %d", status), Hint: "is a pitwall behind --server?"}
}

func kindOfStatus(status int) pitwall.Kind {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return pitwall.Denied
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		return pitwall.Unavailable
	case status >= 500:
		return pitwall.Internal
	}
	return pitwall.Invalid
}
