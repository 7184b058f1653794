package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	retries   = 2
	firstWait = 250 * time.Millisecond
	maxSecret = 64 << 10
)

// Client asks one server. Its methods may be called by several goroutines.
type Client struct {
	s     Server
	about About
	base  *url.URL
	http  *http.Client
	state state
}

// URL is the address of a path of the API, without a query.
func (c *Client) URL(path string) *url.URL {
	u := *c.base
	u.Path += path
	return &u
}

// Timeout is what one request may take.
func (c *Client) Timeout() time.Duration { return c.s.Timeout }

// Answer is what the server said: any status but 401, 403, 429 and 5xx, which
// are errors. (501 is an answer: it says which way to ask instead; so is 403
// to a POST.)
type Answer struct {
	*http.Response // its Body is closed
	Bytes          []byte
}

// Get asks for a path of the API.
func (c *Client) Get(ctx context.Context, path string, query url.Values, accept string) (Answer, error) {
	u := c.URL(path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Answer{}, c.fail(&pitwall.Error{Op: c.op(), Kind: pitwall.Invalid, Err: errors.New("the request cannot be put into words")})
	}
	req.Header.Set("Accept", accept)
	return c.Do(ctx, req)
}

// Do sends a request and reads its answer. It tries again twice, after a pause
// or after what the server asks for, when the server has trouble of its own.
// The request must only read: it may arrive several times.
func (c *Client) Do(ctx context.Context, req *http.Request) (Answer, error) {
	within, cancel := context.WithTimeout(ctx, c.s.Timeout)
	defer cancel()
	began := c.s.Now()
	wait := firstWait
	for try := 0; ; try++ {
		a, err := c.once(within, req)
		if err != nil {
			return a, c.note(ctx, c.noAnswer(ctx, within, req, err))
		}
		if !busy(a.StatusCode) {
			if err := c.refusal(req, a); err != nil {
				return a, c.fail(err)
			}
			c.state.answered(began, c.s.Now())
			return a, nil
		}
		pause, asked := retryAfter(a.Header, c.s.Now())
		if !asked {
			pause, wait = wait, 2*wait
		}
		if try == retries || !sleep(within, pause) {
			if ctx.Err() != nil {
				return a, c.note(ctx, c.noAnswer(ctx, within, req, ctx.Err()))
			}
			return a, c.fail(c.unavailable(req, a, pause, asked))
		}
	}
}

// note keeps trouble for Health, unless it was the asker who went away.
func (c *Client) note(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	return c.fail(err)
}

// busy says whether trying again may help.
func busy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// once sends the request one time and reads the body up to its bound.
func (c *Client) once(ctx context.Context, req *http.Request) (Answer, error) {
	out := req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return Answer{}, err
		}
		out.Body = body
	}
	if err := c.authorize(out); err != nil {
		return Answer{}, err
	}
	resp, err := c.http.Do(out)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.s.MaxBytes+1))
	if err != nil {
		return Answer{}, err
	}
	if int64(len(body)) > c.s.MaxBytes {
		e := pitwall.Errorf(pitwall.Invalid, c.op(), "the answer is larger than %d MiB", c.s.MaxBytes>>20)
		e.ID, e.Hint = place(req), "ask for less: a shorter period, a service, a longer step"
		return Answer{}, e
	}
	return Answer{resp, body}, nil
}

// authorize adds the headers and the secret as its file holds it now.
func (c *Client) authorize(req *http.Request) error {
	for k, v := range c.s.Headers {
		req.Header.Set(k, v)
	}
	req.Header.Set("User-Agent", "pitwall")
	switch {
	case c.s.TokenFile != "":
		token, err := c.secret(c.s.TokenFile)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	case c.s.PasswordFile != "":
		password, err := c.secret(c.s.PasswordFile)
		if err != nil {
			return err
		}
		req.SetBasicAuth(c.s.User, password)
	}
	return nil
}

func (c *Client) secret(path string) (string, error) {
	e := &pitwall.Error{Op: "reading secret file", Kind: pitwall.Invalid, ID: path, Hint: "make the file readable, with the secret as its only content"}
	f, err := os.Open(path)
	if err != nil {
		e.Err = errors.New(reason(err))
		return "", e
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		e.Err = errors.New(reason(err))
		return "", e
	}
	b = bytes.TrimSpace(b)
	if len(b) == 0 || bytes.ContainsAny(b, "\r\n\x00") {
		e.Err = errors.New("it is empty or holds more than one line")
		return "", e
	}
	return string(b), nil
}

func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// retryAfter reads the header: seconds or a date.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return time.Duration(min(n, 1<<20)) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

// sleep says false, at once, when ctx would end before the pause does.
func sleep(ctx context.Context, d time.Duration) bool {
	if end, bounded := ctx.Deadline(); bounded && time.Until(end) <= d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (c *Client) op() string { return "asking " + c.about.Name }

// place is what a request was about, without its query, which may be long.
func place(req *http.Request) string { return req.URL.Host + req.URL.Path }
