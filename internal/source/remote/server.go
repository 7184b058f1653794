package remote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	defaultTimeout  = 30 * time.Second
	defaultMaxBytes = 64 << 20
	maxRedirects    = 3
)

// Server says where a store is and how to get in. Only URL is required.
type Server struct {
	// URL may have a path, under which the whole API is then taken to be. It may
	// not hold a password.
	URL          string
	TokenFile    string            // bearer token, read at each request
	User         string            // of basic authentication
	PasswordFile string            // of basic authentication, read at each request
	CAFile       string            // PEM certificates to trust instead of the system's
	Headers      map[string]string // sent with every request, such as X-Scope-OrgID
	// Timeout bounds one request with its retries and the reading of its answer;
	// 0 means 30 s.
	Timeout time.Duration
	// MaxBytes bounds one answer, decompressed; 0 means 64 MiB.
	MaxBytes int64
	Now      func() time.Time // nil means the system's clock
}

// About says who asks: words for Health and errors.
type About struct {
	Name   string // "prometheus"
	Signal pitwall.SignalKind
	Blind  string // what cannot be seen without it
}

// New makes a client; it sends nothing yet.
func New(s Server, about About) (*Client, error) {
	base, err := address(s.URL)
	if err != nil {
		return nil, invalid(about, err, "give the address as http(s)://host:port/path; secrets go into token_file or password_file")
	}
	if s.TokenFile != "" && s.PasswordFile != "" {
		return nil, invalid(about, errors.New("both a token and a password"), "give token_file or password_file, not both")
	}
	if (s.User == "") != (s.PasswordFile == "") {
		return nil, invalid(about, errors.New("basic authentication needs both user and password_file"), "give both, or neither")
	}
	if s.Timeout <= 0 {
		s.Timeout = defaultTimeout
	}
	if s.MaxBytes <= 0 {
		s.MaxBytes = defaultMaxBytes
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	transport, err := transportOf(s)
	if err != nil {
		return nil, invalid(about, err, "name a readable PEM file in ca_file")
	}
	return &Client{
		s: s, about: about, base: base,
		http:  &http.Client{Transport: transport, CheckRedirect: sameHost},
		state: state{message: "not asked yet"},
	}, nil
}

func invalid(about About, err error, hint string) error {
	return &pitwall.Error{Op: "setting up source " + about.Name, Kind: pitwall.Invalid, Err: err, Hint: hint}
}

// address reads the URL. Its errors do not repeat it: it may hold a password.
func address(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New("no URL")
	case err != nil:
		return nil, errors.New("the URL cannot be read")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("the URL is not http:// or https:// with a host")
	case u.User != nil:
		return nil, errors.New("the URL holds a user or password")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the URL has a query or a fragment")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

func transportOf(s Server) (http.RoundTripper, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 8
	t.MaxResponseHeaderBytes = 64 << 10
	if s.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New(s.CAFile + " holds no certificate")
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
}

// sameHost refuses to carry headers and questions to another host, or from TLS
// to the open.
func sameHost(to *http.Request, via []*http.Request) error {
	from := via[0].URL
	if len(via) > maxRedirects || to.URL.Host != from.Host || from.Scheme == "https" && to.URL.Scheme != "https" {
		return errRedirect
	}
	return nil
}

var errRedirect = errors.New("it redirects elsewhere") // read-only
