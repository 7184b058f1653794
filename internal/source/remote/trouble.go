package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// Unreadable is the error for an answer that is not in the server's language.
func (c *Client) Unreadable(a Answer, err error) error {
	e := pitwall.Errorf(pitwall.Unavailable, c.op(), "the answer cannot be read: %s", c.Clean(err.Error()))
	e.ID, e.Hint = place(a.Request), "check the url of the source: something else may be listening there"
	return c.fail(e)
}

// Refused is the error for a status that means the question is wrong.
func (c *Client) Refused(a Answer) error {
	e := pitwall.Errorf(pitwall.Invalid, c.op(), "%s%s", strings.ToLower(a.Status), c.says(a))
	e.ID, e.Hint = place(a.Request), "check the url of the source, with the path it is served under"
	return e
}

// Missing is the error for something the server does not have.
func (c *Client) Missing(format string, args ...any) error {
	e := pitwall.Errorf(pitwall.NotFound, c.op(), format, args...)
	e.Hint = "the server's retention may have passed; the services may also sample"
	return e
}

// noAnswer words why there is no answer. A *url.Error is taken apart: it holds
// the whole URL.
func (c *Client) noAnswer(ctx, within context.Context, req *http.Request, err error) error {
	var ours *pitwall.Error
	if errors.As(err, &ours) {
		return ours
	}
	e := &pitwall.Error{Op: c.op(), Kind: pitwall.Unavailable, ID: place(req), Hint: "check that the server runs and the url of the source"}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	switch {
	case ctx.Err() != nil:
		e.Err, e.Hint = context.Cause(ctx), ""
	case within.Err() != nil:
		e.Err = fmt.Errorf("no whole answer within %v", c.s.Timeout)
		e.Hint = "the server hangs or the question is too large; ask for less, or raise the timeout of the source"
	case errors.Is(err, errRedirect):
		e.Kind, e.Err, e.Hint = pitwall.Invalid, errRedirect, "give the url that the server redirects to"
	default:
		e.Err = errors.New(c.scrub(err.Error()))
	}
	return e
}

// refusal is the error of a status that is not an answer, or nil.
func (c *Client) refusal(req *http.Request, a Answer) error {
	e := &pitwall.Error{Op: c.op(), ID: place(req)}
	switch status := a.StatusCode; {
	case status == http.StatusUnauthorized, status == http.StatusForbidden && req.Method != http.MethodPost:
		e.Kind, e.Err = pitwall.Denied, fmt.Errorf("the server says %s%s", strings.ToLower(a.Status), c.says(a))
		switch {
		case c.s.TokenFile != "":
			e.Hint = "check the token in " + c.s.TokenFile
		case c.s.PasswordFile != "":
			e.Hint = "check user " + c.s.User + " and the password in " + c.s.PasswordFile
		default:
			e.Hint = "the server wants to know who asks: set token_file, or user and password_file, of the source"
		}
	case status >= 500 && status != http.StatusNotImplemented:
		e.Kind, e.Err = pitwall.Unavailable, fmt.Errorf("the server says %s%s", strings.ToLower(a.Status), c.says(a))
	default:
		return nil
	}
	return e
}

func (c *Client) unavailable(req *http.Request, a Answer, pause time.Duration, asked bool) error {
	e := pitwall.Errorf(pitwall.Unavailable, c.op(), "the server says %s%s", strings.ToLower(a.Status), c.says(a))
	e.ID = place(req)
	if asked {
		e.Hint = fmt.Sprintf("it asks to wait for %v", pause)
	}
	return e
}
