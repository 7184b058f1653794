package synthetic

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// Result is one run of a journey. It holds no secret.
type Result struct {
	Journey string              `json:"journey"`
	Service pitwall.ServiceName `json:"service"`
	At      time.Time           `json:"time"` // when it began
	Took    float64             `json:"took_s"`
	OK      bool                `json:"ok"`
	Steps   []StepResult        `json:"steps"` // up to the first that failed
}

// StepResult is one step of a run.
type StepResult struct {
	Name        string    `json:"name"`
	OK          bool      `json:"ok"`
	Method      string    `json:"method"`
	URL         string    `json:"url"`
	Status      int       `json:"status"` // 0: no answer
	Took        float64   `json:"took_s"`
	Phases      Phases    `json:"phases"`
	Bytes       int       `json:"bytes"`    // of the body, as far as it was read
	TraceID     string    `json:"trace_id"` // of the trace that the request began
	Certificate time.Time `json:"certificate_ends,omitzero"`
	Failures    []Failure `json:"failures,omitempty"`
}

// assertSecret is the assertion that every secret of a step can be had.
const assertSecret = "secret"

// headersMost bounds the headers of an answer, in bytes.
const headersMost = 256 << 10

// Check runs a journey once. The steps share cookies and connections, which are
// new with each run, so that the first step pays for them as a new user does.
func (r *Runner) Check(ctx context.Context, j Journey) Result {
	ctx, cancel := context.WithTimeout(ctx, j.Timeout)
	defer cancel()
	transport := &http.Transport{
		DialContext: (&net.Dialer{}).DialContext, TLSClientConfig: &tls.Config{RootCAs: r.c.Roots},
		ForceAttemptHTTP2: true, MaxResponseHeaderBytes: headersMost,
	}
	defer transport.CloseIdleConnections()
	jar, err := cookiejar.New(nil)
	if err != nil {
		jar = nil // cannot be: New without options never fails
	}
	w := newWords(j.vars, r.c.Secrets)
	out := Result{Journey: j.Name, Service: j.Service, At: r.c.Now().UTC(), OK: true}
	for _, s := range j.steps {
		v := visit{runner: r, journey: j, words: w, client: &http.Client{Transport: transport, Jar: jar}}
		got := v.run(ctx, s)
		out.Steps = append(out.Steps, got)
		if !got.OK {
			out.OK = false
			break // what follows stands on it
		}
	}
	out.Took = r.c.Now().Sub(out.At).Seconds()
	return out
}

// visit is one step of one run.
type visit struct {
	runner  *Runner
	journey Journey
	words   *words
	client  *http.Client
}

func (v visit) run(ctx context.Context, written step) StepResult {
	s := written.eachText(func(text string) string { return expandText(text, v.words.value) })
	trace, span := v.runner.ids()
	out := StepResult{Name: s.name, Method: s.method, URL: v.words.show(s.url), TraceID: trace}
	fail := func(assertion, wanted, got string) {
		out.Failures = append(out.Failures, Failure{assertion, v.words.show(wanted), v.words.show(got)})
	}
	if err := v.words.trouble; err != nil {
		fail(assertSecret, "a value", err.Error())
		return out
	}
	req, err := v.request(s)
	if err != nil {
		fail("request", "an http or https address", err.Error())
		return out
	}
	req.Header.Set("Traceparent", "00-"+trace+"-"+span+"-01")
	v.client.CheckRedirect = s.follow
	clock := &stopwatch{now: v.runner.c.Now}
	begun := clock.now()
	seen, err := v.fetch(clock.watch(ctx), req, s.expect.maxBytes)
	end := clock.now()
	seen.took, seen.now = end.Sub(begun), end
	out.Took, out.Phases = seen.took.Seconds(), clock.phases(end)
	out.Status, out.Bytes, out.Certificate = seen.status, len(seen.body), seen.expires.UTC()
	if seen.expires.IsZero() {
		out.Certificate = time.Time{}
	}
	v.record(out, span, err != nil || seen.status >= 500)
	if err != nil {
		fail("request", "an answer", v.wording(ctx, err))
		return out
	}
	for _, f := range s.expect.check(seen) {
		fail(f.Assertion, f.Wanted, f.Got)
	}
	for _, name := range slices.Sorted(maps.Keys(s.save)) {
		value, ok := saved(s.save[name], seen.header, seen.body)
		if !ok {
			fail("save "+name, s.save[name], "nothing there")
			continue
		}
		v.words.keep(name, value)
	}
	out.OK = len(out.Failures) == 0
	return out
}

// Service is the name under which journeys appear in traces.
const Service pitwall.ServiceName = "pitwall-synthetic"

// record stores the span of a request. Traces are a convenience here: what
// cannot be stored is left out, and the store's own health tells of it.
func (v visit) record(r StepResult, span string, failed bool) {
	if v.runner.c.Spans == nil {
		return
	}
	row := pitwall.SpanRow{Service: Service, Operation: v.journey.Name + ": " + r.Name, Kind: pitwall.SpanClient, Failed: failed,
		ReqBytes: -1, RespBytes: int64(r.Bytes)}
	row.Duration = time.Duration(r.Took * float64(time.Second))
	row.Start = v.runner.c.Now().Add(-row.Duration)
	if u, err := url.Parse(r.URL); err == nil {
		row.Peer = u.Hostname()
	}
	id, err := hex.DecodeString(r.TraceID)
	if err != nil || len(id) != len(row.TraceID) {
		return
	}
	copy(row.TraceID[:], id)
	if row.SpanID, err = strconv.ParseUint(span, 16, 64); err != nil {
		return
	}
	b := &pitwall.SpanBatch{}
	b.Add(row)
	_ = v.runner.c.Spans.AppendSpans(context.Background(), b) // see above
}

// wording says why there was no answer, without the address.
func (v visit) wording(ctx context.Context, err error) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Sprintf("none within the %v of a run", v.journey.Timeout)
	}
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return err.Error()
}

// request makes the request of a step whose values are filled in.
func (v visit) request(s step) (*http.Request, error) {
	u, err := url.Parse(s.url)
	if err != nil {
		return nil, errors.New("the address cannot be read") // the cause would repeat it
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q", s.url)
	}
	var body []byte
	kind := ""
	switch {
	case s.form != nil:
		form := url.Values{}
		for name, value := range s.form {
			form.Set(name, value)
		}
		body, kind = []byte(form.Encode()), "application/x-www-form-urlencoded"
	case s.body != nil:
		if text, ok := s.body.(string); ok {
			body = []byte(text)
			break
		}
		if body, err = json.Marshal(s.body); err != nil {
			return nil, fmt.Errorf("writing the body: %w", err)
		}
		kind = "application/json"
	}
	req, err := http.NewRequest(s.method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the request cannot be made")
	}
	if len(body) == 0 {
		req.Body, req.GetBody = http.NoBody, nil
	}
	req.Header.Set("User-Agent", "pitwall-synthetic (journey "+v.journey.Name+")")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for name, value := range s.headers {
		if strings.EqualFold(name, "Host") {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

// follow bounds redirects, and keeps what was meant for one host from another.
func (s step) follow(req *http.Request, via []*http.Request) error {
	if s.redirects == 0 {
		return http.ErrUseLastResponse
	}
	if len(via) > s.redirects {
		return fmt.Errorf("more than %d redirects", s.redirects)
	}
	first := via[0].URL
	if req.URL.Host == first.Host && !(first.Scheme == "https" && req.URL.Scheme == "http") {
		return nil
	}
	if req.ContentLength != 0 {
		return errors.New("it redirects a body to another host")
	}
	for name := range s.headers {
		req.Header.Del(name)
	}
	req.Header.Del("Referer")
	return nil
}

// fetch sends a request and reads the answer.
func (v visit) fetch(ctx context.Context, req *http.Request, most int64) (answerSeen, error) {
	res, err := v.client.Do(req.WithContext(ctx))
	if err != nil {
		var unverified *tls.CertificateVerificationError
		if errors.As(err, &unverified) {
			return answerSeen{expires: earliest(unverified.UnverifiedCertificates)}, err
		}
		return answerSeen{}, err
	}
	defer res.Body.Close()
	a := answerSeen{status: res.StatusCode, header: res.Header}
	if res.TLS != nil {
		a.expires = earliest(res.TLS.PeerCertificates)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err != nil {
		return a, fmt.Errorf("reading the body: %w", err)
	}
	a.cut = int64(len(body)) > most
	a.body = body[:min(int64(len(body)), most)]
	return a, nil
}

func earliest(chain []*x509.Certificate) (t time.Time) {
	for _, c := range chain {
		if t.IsZero() || c.NotAfter.Before(t) {
			t = c.NotAfter
		}
	}
	return t
}
