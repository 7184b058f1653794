package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
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
	longestAnswer = 64 << 10 // bytes read of an answer
	longestSecret = 64 << 10
	longestWords  = 300 // runes of the receiver's words in an error
	timeout       = 10 * time.Second
)

// Config says how to speak to a receiver.
type Config struct {
	Receiver     string // its name, for errors
	User         string // of basic authentication
	PasswordFile string
	TokenFile    string           // bearer token
	CAFile       string           // PEM certificates to trust instead of the system's
	Now          func() time.Time // nil: the system's clock
}

// Client speaks to one receiver. Its methods may be called by several goroutines.
type Client struct {
	c    Config
	http *http.Client
}

// New makes a client; it sends nothing yet.
func New(c Config) (*Client, error) {
	if (c.User == "") != (c.PasswordFile == "") || c.TokenFile != "" && c.PasswordFile != "" {
		return nil, Wrong(c.Receiver, errors.New("give token_file, or user and password_file, or none of them"))
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	t, err := transport(c.CAFile)
	if err != nil {
		return nil, Wrong(c.Receiver, err)
	}
	return &Client{c: c, http: &http.Client{Transport: t, Timeout: timeout,
		// A redirect would carry message and secret to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// Wrong is the error of a receiver that cannot work as it is configured.
func Wrong(receiver string, err error) error {
	return &pitwall.Error{Op: "setting up receiver", Kind: pitwall.Invalid, ID: receiver, Err: err, Hint: "see docs/reference/routing.md"}
}

func transport(caFile string) (http.RoundTripper, error) {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok || caFile == "" {
		return http.DefaultTransport, nil
	}
	roots, err := Roots(caFile)
	if err != nil {
		return nil, err
	}
	own := base.Clone()
	own.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return own, nil
}

// Roots reads the certificates of a CA file.
func Roots(caFile string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("reading ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %s holds no PEM certificate", caFile)
	}
	return roots, nil
}

// Secret reads a file whose only content is a secret of one line.
func Secret(path string) (string, error) {
	wrong := &pitwall.Error{Op: "reading secret file", Kind: pitwall.Denied, ID: path, Hint: "make the file readable, with the secret as its only content"}
	f, err := os.Open(path)
	if err != nil {
		wrong.Err = errors.New("it cannot be read")
		return "", wrong
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, longestSecret))
	if err != nil {
		wrong.Err = errors.New("it cannot be read")
		return "", wrong
	}
	text := strings.TrimSpace(string(b))
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		wrong.Err = errors.New("it is empty or holds more than one line or word")
		return "", wrong
	}
	return text, nil
}

// Address checks an address that stands in a configuration or a secret file,
// and never repeats it.
func Address(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("its address is no http:// or https:// one")
	case u.User != nil:
		return errors.New("its address holds a password; put it into a file")
	}
	return nil
}

// AddressOf gives the address itself, or what the file holds.
func AddressOf(text, file string) (string, error) {
	if file == "" {
		return text, nil
	}
	return Secret(file)
}

// Request is one POST of JSON.
type Request struct {
	URL     string
	Body    []byte
	Header  map[string]string
	Secrets []string // kept out of errors, beside the client's own
}

// Busy is trouble that passes; After is how long the receiver asks to wait, 0:
// it does not say.
type Busy struct {
	After time.Duration
	Err   error
}

// Error gives the words of the cause.
func (b *Busy) Error() string { return b.Err.Error() }

// Unwrap gives the cause.
func (b *Busy) Unwrap() error { return b.Err }

// RetryAfter is how long the receiver asks to wait.
func (b *Busy) RetryAfter() time.Duration { return b.After }

// Do sends a request once and gives what the receiver answered. Of its errors those of kind Unavailable may be tried
// again, those of kind Denied when somebody has mended the configuration, and
// those of kind Invalid never: the receiver understood, and refused.
func (c *Client) Do(ctx context.Context, r Request) (answer []byte, err error) {
	if err := Address(r.URL); err != nil {
		return nil, c.fail(pitwall.Denied, err, r.Secrets)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, c.fail(pitwall.Internal, errors.New("the request cannot be put into words"), r.Secrets)
	}
	secrets, err := c.prepare(req, r)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.fail(pitwall.Unavailable, cause(err), secrets)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, longestAnswer))
	if err != nil && res.StatusCode/100 != 2 {
		return nil, c.fail(pitwall.Unavailable, fmt.Errorf("reading the answer: %w", cause(err)), secrets)
	}
	if res.StatusCode/100 == 2 {
		return body, nil
	}
	return nil, c.refusal(res, body, secrets)
}

// prepare adds headers and secrets as the files hold them now.
func (c *Client) prepare(req *http.Request, r Request) (secrets []string, err error) {
	secrets = r.Secrets
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "pitwall")
	for k, v := range r.Header {
		req.Header.Set(k, v)
	}
	switch {
	case c.c.TokenFile != "":
		token, err := Secret(c.c.TokenFile)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		secrets = append(secrets, token)
	case c.c.PasswordFile != "":
		password, err := Secret(c.c.PasswordFile)
		if err != nil {
			return nil, err
		}
		req.SetBasicAuth(c.c.User, password)
		secrets = append(secrets, password)
	}
	return secrets, nil
}

// cause takes the address out of an error of net/http: it may be a secret.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (c *Client) refusal(res *http.Response, body []byte, secrets []string) error {
	said := fmt.Errorf("it answers %d: %s", res.StatusCode, Words(body))
	switch code := res.StatusCode; {
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code >= 500:
		after := retryAfter(res.Header, c.c.Now())
		return &Busy{After: after, Err: c.fail(pitwall.Unavailable, said, secrets)}
	case code/100 == 3:
		return c.fail(pitwall.Denied, fmt.Errorf("it answers %d: a redirect, which is not followed; name the address it leads to", code), secrets)
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusNotFound || code == http.StatusProxyAuthRequired:
		return c.fail(pitwall.Denied, said, secrets)
	}
	return c.fail(pitwall.Invalid, said, secrets)
}

func (c *Client) fail(kind pitwall.Kind, err error, secrets []string) error {
	return &pitwall.Error{Op: "notifying", Kind: kind, ID: c.c.Receiver, Err: Clean(err, secrets...), Hint: "see the receiver in the routing file"}
}

// Clean keeps secrets out of an error, even where the receiver repeats them.
func Clean(err error, secrets ...string) error {
	text := err.Error()
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[secret]")
		}
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// Words shortens what a receiver said to one line of printable characters.
func Words(body []byte) string {
	text := strings.Join(strings.Fields(strings.Map(printable, strings.ToValidUTF8(string(body), "?"))), " ")
	if text == "" {
		return "no reason given"
	}
	if r := []rune(text); len(r) > longestWords {
		text = string(r[:longestWords]) + " …"
	}
	return text
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

// retryAfter reads the header: seconds or a date, at most a day.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return time.Duration(min(n, 86400)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), 24*time.Hour)
	}
	return 0
}
