package synthetic

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

const shopToken = `t0p "secret"/token+1`

// shop is a small one that is real: it speaks HTTP and remembers what it was sent.
type shop struct {
	*httptest.Server
	got []*http.Request
}

func newShop(t *testing.T, serve func(mux *http.ServeMux) *httptest.Server, routes map[string]http.HandlerFunc) *shop {
	t.Helper()
	s := &shop{}
	mux := http.NewServeMux()
	for pattern, h := range routes {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.got = append(s.got, r)
			h(w, r)
		})
	}
	s.Server = serve(mux)
	t.Cleanup(s.Close)
	return s
}

func plainHTTP(mux *http.ServeMux) *httptest.Server { return httptest.NewServer(mux) }

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func newRunner(t testing.TB, c Config) *Runner {
	t.Helper()
	c.Rand = rand.New(rand.NewPCG(1, 2))
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// journey reads one whose base is the server.
func journey(t testing.TB, base, steps string) Journey {
	t.Helper()
	list, err := Parse("j.yaml", []byte("journey: j\nservice: edge\nevery: 5s\ntimeout: 2s\nvars: {base: '"+base+"'}\nsteps:\n"+steps))
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

func check(t *testing.T, base, steps string) Result {
	t.Helper()
	return newRunner(t, Config{}).Check(t.Context(), journey(t, base, steps))
}

// failed holds the only failure of the last step.
func failed(t *testing.T, r Result, assertion, wanted, got string) {
	t.Helper()
	if r.OK || len(r.Steps) == 0 {
		t.Fatalf("it succeeded: %+v", r)
	}
	last := r.Steps[len(r.Steps)-1]
	if len(last.Failures) != 1 || last.OK {
		t.Fatalf("failures %+v", last.Failures)
	}
	f := last.Failures[0]
	if f.Assertion != assertion || f.Wanted != wanted || !strings.Contains(f.Got, got) {
		t.Errorf("got %+v, want %s: %s, got %s", f, assertion, wanted, got)
	}
}

// TestTheDocumentedJourney walks testdata/checkout.yaml through a shop with TLS.
func TestTheDocumentedJourney(t *testing.T) {
	var order map[string]any
	s := newShop(t, func(mux *http.ServeMux) *httptest.Server { return httptest.NewTLSServer(mux) }, map[string]http.HandlerFunc{
		"GET /{$}": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "c1"})
			fmt.Fprint(w, `{"title":"The Shop","items":[{"sku":"SKU-1"}],"token":"saved-token-1"}`)
		},
		"POST /orders": func(w http.ResponseWriter, r *http.Request) {
			if err := json.NewDecoder(r.Body).Decode(&order); err != nil {
				t.Error(err)
			}
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"status":"paid","count":1}`)
		},
	})
	data, err := os.ReadFile("testdata/checkout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	list, err := Parse("checkout.yaml", []byte(strings.Replace(string(data), "https://shop.example", s.URL, 1)))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "shop-token"), []byte(shopToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := newRunner(t, Config{Roots: roots, Secrets: SecretsIn(dir)}).Check(t.Context(), list[0])
	if !got.OK || len(got.Steps) != 2 || got.Steps[1].Status != 201 {
		t.Fatalf("%+v", got)
	}
	front, buy := s.got[0], s.got[1]
	if buy.Header.Get("Authorization") != "Bearer "+shopToken || buy.Header.Get("X-Session") != "saved-token-1" || buy.Header.Get("Content-Type") != "application/json" ||
		order["sku"] != "SKU-1" || order["count"] != 1.0 || buy.Header.Get("Cookie") != "session=c1" || !strings.Contains(buy.UserAgent(), "pitwall-synthetic") {
		t.Errorf("sent %v %v", buy.Header, order)
	}
	if want := "00-" + got.Steps[0].TraceID + "-"; !strings.HasPrefix(front.Header.Get("Traceparent"), want) || len(want) != 36 || got.Steps[0].TraceID == got.Steps[1].TraceID {
		t.Errorf("traceparent %s, results %s and %s", front.Header.Get("Traceparent"), got.Steps[0].TraceID, got.Steps[1].TraceID)
	}
	one, two := got.Steps[0], got.Steps[1]
	if !one.Certificate.Equal(s.Certificate().NotAfter) || one.Phases.TLS <= 0 || one.Phases.Connect <= 0 || one.Phases.Processing <= 0 || one.Took < one.Phases.TLS {
		t.Errorf("first step %+v", one)
	}
	if two.Phases.TLS != 0 || two.Phases.Connect != 0 || two.Phases.Processing <= 0 { // the connection was kept
		t.Errorf("second step %+v", two)
	}
}

func TestFailures(t *testing.T) {
	s := newShop(t, plainHTTP, map[string]http.HandlerFunc{
		"/text": text("hello shop"),
		"/json": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"items":[]}`)
		},
		"/empty": text(""),
		"/gone": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, "upstream")
		},
		"/slow": func(w http.ResponseWriter, _ *http.Request) { time.Sleep(30 * time.Millisecond); fmt.Fprint(w, "late") },
		"/huge": func(w http.ResponseWriter, _ *http.Request) {
			for range 64 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		},
		"/cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "short")
		},
	})
	f := func(steps, assertion, wanted, got string) {
		t.Helper()
		failed(t, check(t, s.URL, "  - "+steps+"\n"), assertion, wanted, got)
	}
	f("{name: a, get: '${base}/gone'}", "status", "2xx", "502")
	f("{name: a, get: '${base}/text', expect: {status: [201, 3xx]}}", "status", "201 or 3xx", "200")
	f("{name: a, get: '${base}/text', expect: {body_contains: [hello, bye]}}", "body_contains", "bye", "hello shop")
	f("{name: a, get: '${base}/empty', expect: {body_contains: x}}", "body_contains", "x", "an empty body")
	f("{name: a, get: '${base}/text', expect: {body_lacks: shop}}", "body_lacks", "no shop", "at byte 6")
	f("{name: a, get: '${base}/text', expect: {header: {content-type: text/html}}}", "header content-type", "text/html", "text/plain")
	f("{name: a, get: '${base}/text', expect: {header: {x-cache: hit}}}", "header x-cache", "hit", "nothing")
	f("{name: a, get: '${base}/text', expect: {json: {$.a: 1}}}", "json", "a JSON body", "hello shop")
	f("{name: a, get: '${base}/json', expect: {json: {$.items.length: '>= 1'}}}", "json $.items.length", ">= 1", "0")
	f("{name: a, get: '${base}/json', expect: {json: {$.total: exists}}}", "json $.total", "exists", "nothing there")
	f("{name: a, get: '${base}/text', expect: {max_bytes: 9}}", "max_bytes", "at most 9 bytes", "more")
	f("{name: a, get: '${base}/huge'}", "max_bytes", "at most 1048576 bytes", "more")
	f("{name: a, get: '${base}/slow', expect: {within: 10ms}}", "within", "10ms", "ms")
	f("{name: a, get: '${base}/cut'}", "request", "an answer", "reading the body")
	f("{name: a, get: '${base}/text', expect: {certificate: 7d}}", "certificate", "valid for 7d", "no certificate")
	f("{name: a, get: '${base}/json', save: {t: json:$.token}}", "save t", "json:$.token", "nothing there")
	f("{name: a, get: '${base}/json', save: {t: header:Location}}", "save t", "header:Location", "nothing there")
	f("{name: a, get: '${base}/text', headers: {x: '${secret:none}'}}", "secret", "a value", "no secrets are configured")
	f("{name: a, get: 'http://127.0.0.1:1/'}", "request", "an answer", "refused")

	got := check(t, s.URL, "  - {name: a, get: '${base}/gone'}\n  - {name: b, get: '${base}/text'}\n")
	if len(got.Steps) != 1 {
		t.Errorf("went on after a failure: %+v", got.Steps)
	}
	got = check(t, s.URL, "  - {name: a, get: '${base}/json', expect: {status: 404, json: {$.items: absent}, body_contains: x}}\n")
	if len(got.Steps[0].Failures) != 3 { // everything that is wrong is said at once
		t.Errorf("failures %+v", got.Steps[0].Failures)
	}
}

func TestForms(t *testing.T) {
	body := ""
	s := newShop(t, plainHTTP, map[string]http.HandlerFunc{
		"PUT /text": func(_ http.ResponseWriter, r *http.Request) {
			data, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			body = string(data)
		},
		"POST /login": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/orders/17")
			w.WriteHeader(http.StatusSeeOther)
			body = r.FormValue("user") + r.FormValue("password")
		},
		"GET /orders/17": text("your order"),
	})
	got := check(t, s.URL, `
  - {name: put, put: '${base}/text', body: 'plain ${base}'}
`)
	if !got.OK || body != "plain "+s.URL {
		t.Errorf("%q, %+v", body, got)
	}
	got = check(t, s.URL, `
  - {name: log in, post: '${base}/login', form: {user: ada, password: 'a&b='}, redirects: 0, expect: {status: 303}, save: {order: header:Location}}
  - {name: order, get: '${base}${order}', expect: {body_contains: your order}}
`)
	if !got.OK || body != "adaa&b=" {
		t.Errorf("%q, %+v", body, got)
	}
}

func TestRedirects(t *testing.T) {
	var leaked http.Header
	other := newShop(t, plainHTTP, map[string]http.HandlerFunc{"/": func(_ http.ResponseWriter, r *http.Request) { leaked = r.Header }})
	s := newShop(t, plainHTTP, map[string]http.HandlerFunc{
		"/loop": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) },
		"/two":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/one", http.StatusFound) },
		"/one":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/end", http.StatusFound) },
		"/end":  text("end"),
		"/away": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/", http.StatusTemporaryRedirect)
		},
	})
	failed(t, check(t, s.URL, "  - {name: a, get: '${base}/loop'}\n"), "request", "an answer", "more than 5 redirects")
	if n := len(s.got); n != 6 {
		t.Errorf("%d requests", n)
	}
	failed(t, check(t, s.URL, "  - {name: a, get: '${base}/two', redirects: 1}\n"), "request", "an answer", "more than 1 redirects")
	if got := check(t, s.URL, "  - {name: a, get: '${base}/two', redirects: 2, expect: {body_contains: end}}\n"); !got.OK {
		t.Errorf("%+v", got)
	}
	if got := check(t, s.URL, "  - {name: a, get: '${base}/away?key=k', headers: {X-Api-Key: k}}\n"); !got.OK || leaked.Get("X-Api-Key") != "" || leaked.Get("Referer") != "" || leaked.Get("Traceparent") == "" {
		t.Errorf("sent elsewhere %v, %+v", leaked, got)
	}
	failed(t, check(t, s.URL, "  - {name: a, post: '${base}/away', body: secret}\n"), "request", "an answer", "a body to another host")
}

func TestHanging(t *testing.T) {
	release := make(chan struct{})
	s := newShop(t, plainHTTP, map[string]http.HandlerFunc{
		"/hangs": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		},
		"/drips": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				fmt.Fprint(w, ".")
				w.(http.Flusher).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		},
	})
	defer close(release)
	for _, path := range []string{"/hangs", "/drips"} {
		j := journey(t, s.URL, "  - {name: a, get: '${base}"+path+"'}\n")
		j.Timeout = 80 * time.Millisecond
		begun := time.Now()
		got := newRunner(t, Config{}).Check(t.Context(), j)
		failed(t, got, "request", "an answer", "none within the 80ms of a run")
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("%s held us for %v", path, took)
		}
		if p := got.Steps[0].Phases; p.Processing+p.Transfer < 0.05 { // where it hung
			t.Errorf("%s: phases %+v", path, p)
		}
	}
}

func TestUntrustedCertificate(t *testing.T) {
	s := newShop(t, func(mux *http.ServeMux) *httptest.Server {
		s := httptest.NewUnstartedServer(mux)
		s.Config.ErrorLog = quiet()
		s.StartTLS()
		return s
	}, map[string]http.HandlerFunc{"/": text("x")})
	got := check(t, s.URL, "  - {name: a, get: '${base}/'}\n")
	failed(t, got, "request", "an answer", "certificate")
	if !got.Steps[0].Certificate.Equal(s.Certificate().NotAfter) { // told all the same: it may be why
		t.Errorf("%+v", got.Steps[0])
	}
	far := check(t, "https://"+strings.TrimPrefix(s.URL, "https://"), "  - {name: a, get: '${base}/', expect: {certificate: 40000d}}\n")
	if far.OK {
		t.Error("an untrusted certificate passed")
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	j := journey(t, s.URL, "  - {name: a, get: '${base}/', expect: {certificate: 60000d}}\n")
	failed(t, newRunner(t, Config{Roots: roots}).Check(t.Context(), j), "certificate", "valid for 60000d", "it ends at 20")
}

// TestSecretsAreNeverShown lets a server say back whatever it was told, in every
// form, and makes every assertion fail.
func TestSecretsAreNeverShown(t *testing.T) {
	s := newShop(t, plainHTTP, map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, r *http.Request) {
			key := r.URL.Query().Get("key")
			quoted, err := json.Marshal(key)
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("X-Echo", strings.ReplaceAll(key, "\n", ""))
			fmt.Fprintf(w, `{"key":%s,"escaped":"%s","auth":%q,"session":"session-of-ada"}`, quoted, r.URL.RawQuery, r.Header.Get("Authorization"))
		},
	})
	secrets := func(string) (string, error) { return shopToken, nil }
	j := journey(t, s.URL, `
  - name: a
    get: ${base}/?key=${secret:shop-token}
    save: {session: json:$.session}
  - name: b
    get: ${base}/?key=${secret:shop-token}&s=${session}
    headers: {authorization: 'Bearer ${secret:shop-token}'}
    expect:
      status: 404
      body_contains: ['${secret:shop-token}!', nothing]
      header: {x-echo: '${session}'}
      json: {$.key: wrong, $.auth: wrong, $.escaped: '${session}'}
`)
	for i := range j.steps { // as an address must be written
		j.steps[i].url = strings.ReplaceAll(j.steps[i].url, "${secret:shop-token}", "${secret:escaped}")
	}
	escaped := strings.NewReplacer(" ", "%20", `"`, "%22", "/", "%2F", "+", "%2B").Replace(shopToken)
	all := func(name string) (string, error) {
		if name == "escaped" {
			return escaped, nil
		}
		return secrets(name)
	}
	r := newRunner(t, Config{Journeys: []Journey{j}, Secrets: all})
	got := r.Check(t.Context(), j)
	if len(got.Steps) != 2 || len(got.Steps[1].Failures) < 6 {
		t.Fatalf("%+v", got)
	}
	r.keep(t.Context(), got)
	told, err := json.Marshal([]any{got, r.Results(), r.Health(), seriesOf(got)})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"t0p", "token+1", "token%2B1", "session-of-ada"} {
		if strings.Contains(string(told), part) {
			t.Errorf("%q is told:\n%s", part, told)
		}
	}
	if !strings.Contains(string(told), "${secret:shop-token}") || !strings.Contains(string(told), "s=${session}") {
		t.Errorf("what stands in its place is not told:\n%s", told)
	}
}

func TestSecretsIn(t *testing.T) {
	dir := t.TempDir()
	for name, value := range map[string]string{"good": " v \n", "empty": "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "outside")); err != nil {
		t.Fatal(err)
	}
	get := SecretsIn(dir)
	if v, err := get("good"); v != "v" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	for _, name := range []string{"none", "empty", "../good", "outside", ""} {
		v, err := get(name)
		var e *pitwall.Error
		if v != "" || !errors.As(err, &e) || e.Kind != pitwall.Invalid {
			t.Errorf("%s: %q, %v", name, v, err)
		}
	}
}
