package pyroscope

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// maxParts bounds the parts of a form; SDKs send three.
const maxParts = 16

// problem is the answer to a request that was not taken (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// Ingest is POST /ingest, as the language SDKs call it. What was taken, or was
// known already, is answered with 200.
func (r *Receiver) Ingest() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		why := r.ingest(w, req)
		if why == nil {
			w.WriteHeader(http.StatusOK)
			return
		}
		r.refused(why)
		reply(w, why.status, "application/problem+json", problem{http.StatusText(why.status), why.status, why.err.Error(), why.hint})
	})
}

func (r *Receiver) ingest(w http.ResponseWriter, req *http.Request) *refusal {
	leave, why := r.enter()
	if why != nil {
		return why
	}
	defer leave()
	body, why := r.receive(w, req)
	if why != nil {
		return why
	}
	p, why := r.ingested(req, body)
	if why != nil {
		return why
	}
	return r.store(req.Context(), p)
}

// ingested reads a request: the query says what the body is of.
func (r *Receiver) ingested(req *http.Request, body []byte) (p profile, why *refusal) {
	query := req.URL.Query()
	app, labels, err := parseName(query.Get("name"))
	if err != nil {
		return p, refuse(http.StatusBadRequest, "%w", err)
	}
	p.labels, p.data = labels, body
	// Applications of old carry the type as the last part of their name.
	service, last := app, app[strings.LastIndex(app, ".")+1:]
	kind, dotted := kinds[last]
	if dotted && last != app {
		service, p.kind = strings.TrimSuffix(app, "."+last), kind
	}
	if last == "wall" && last != app {
		return p, &refusal{http.StatusUnsupportedMediaType, errors.New("wall-clock profiles are not taken: they count waiting as if it were work"), "switch the agent to CPU"}
	}
	if first(labels, r.c.Labels.Service) == "" {
		labels[r.c.Labels.Service[0]] = service
	}
	if p.period, err = period(query, r.c.Now()); err != nil {
		return p, refuse(http.StatusBadRequest, "reading the period: %w", err)
	}
	mediaType, params, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if mediaType == "multipart/form-data" {
		if err := readForm(&p, body, params["boundary"]); err != nil {
			return p, refuse(http.StatusBadRequest, "reading the form: %w", err)
		}
	}
	return readFormat(p, query, mediaType)
}

// readFormat checks the format, and makes pprof of what is text.
func readFormat(p profile, query url.Values, mediaType string) (profile, *refusal) {
	format := query.Get("format")
	isPprof := bytes.HasPrefix(p.data, []byte{0x1f, 0x8b}) || bytes.HasPrefix(p.data, []byte{0x0a}) && !bytes.Contains(p.data[:min(len(p.data), 64)], []byte(" "))
	switch {
	case format == "jfr":
		return p, &refusal{http.StatusUnsupportedMediaType, errors.New("JFR recordings are not taken"), "profile the JVM with an agent that writes pprof"}
	case format == "tree" || format == "trie" || format == "speedscope":
		return p, &refusal{http.StatusUnsupportedMediaType, fmt.Errorf("the format %s is not taken", format), "send pprof, or folded stacks"}
	case format == "pprof", format == "" && (mediaType == "multipart/form-data" || isPprof):
		return p, nil
	case format != "" && format != "folded" && format != "collapsed" && format != "groups" && format != "lines":
		return p, refuse(http.StatusUnsupportedMediaType, "format %.40q is not known: pprof, folded (groups) and lines are taken", format)
	case p.period.IsZero():
		return p, refuse(http.StatusBadRequest, "text does not say when it was taken: add from and until")
	}
	rate := 100.0
	if text := query.Get("sampleRate"); text != "" {
		var err error
		if rate, err = strconv.ParseFloat(text, 64); err != nil || !(rate > 0) || rate > 1e9 {
			return p, refuse(http.StatusBadRequest, "sampleRate %.40q is no rate", text)
		}
	}
	kind := cmp.Or(p.kind, pitwall.ProfileCPU)
	if units := query.Get("units"); kind == pitwall.ProfileCPU && units != "" && units != "samples" {
		return p, refuse(http.StatusBadRequest, "%.40s of an unknown kind: end the application's name in .alloc_space or .inuse_space", units)
	}
	data, err := folded(p.data, text{kind: kind, rate: rate, each: format == "lines", period: p.period})
	if err != nil {
		return p, refuse(http.StatusBadRequest, "reading folded stacks: %w", err)
	}
	p.kind, p.data = kind, data
	return p, nil
}

// readForm reads the parts profile, prev_profile and sample_type_config.
func readForm(p *profile, body []byte, boundary string) error {
	form := multipart.NewReader(bytes.NewReader(body), boundary)
	p.data = nil
	for range maxParts {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			if p.data == nil {
				return errors.New("it has no part profile")
			}
			return nil
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return fmt.Errorf("part %.40q: %w", part.FormName(), err)
		}
		switch part.FormName() {
		case "profile":
			p.data = content
		case "prev_profile":
			p.earlier = content
		case "sample_type_config":
			if err := readConfig(p, content); err != nil {
				return fmt.Errorf("sample_type_config: %w", err)
			}
		}
	}
	return fmt.Errorf("more than %d parts", maxParts)
}

// readConfig reads what sample types are called, which also tells mutex profiles
// from block profiles.
func readConfig(p *profile, content []byte) error {
	var config map[string]struct {
		DisplayName string `json:"display-name"`
		Cumulative  bool   `json:"cumulative"`
	}
	if err := json.Unmarshal(content, &config); err != nil {
		return err
	}
	if len(config) > maxLabels {
		return fmt.Errorf("more than %d sample types", maxLabels)
	}
	p.names = map[string]string{}
	for name, c := range config {
		p.sinceStart = p.sinceStart || c.Cumulative
		shown := cmp.Or(c.DisplayName, name)
		switch shown {
		case "mutex_count", "block_count":
			p.names[name] = "contentions"
		case "mutex_duration", "block_duration":
			p.names[name] = "delay"
			p.kind = kinds[strings.TrimSuffix(shown, "_duration")]
		case "goroutines":
			p.names[name] = "goroutine"
		case "cpu", "alloc_space", "alloc_objects", "inuse_space", "inuse_objects":
			if shown != name {
				p.names[name] = shown
			}
		}
	}
	return nil
}

// period reads from and until; zero when neither is there, or both are one
// moment.
func period(query url.Values, now time.Time) (pitwall.Period, error) {
	if query.Get("from") == "" && query.Get("until") == "" {
		return pitwall.Period{}, nil
	}
	from, err1 := moment(query.Get("from"), now)
	until, err2 := moment(cmp.Or(query.Get("until"), "now"), now)
	if err := errors.Join(err1, err2); err != nil {
		return pitwall.Period{}, err
	}
	if from.Equal(until) {
		return pitwall.Period{}, nil
	}
	return pitwall.Period{From: from, To: until}, nil
}

// moment reads unix time in seconds, milli-, micro- or nanoseconds, told apart
// by their size, and "now", "now-10s".
func moment(text string, now time.Time) (time.Time, error) {
	if ago, ok := strings.CutPrefix(text, "now"); ok {
		if ago == "" {
			return now, nil
		}
		d, err := time.ParseDuration(ago)
		if err != nil || d > 0 {
			return time.Time{}, fmt.Errorf("%.40q is no time", text)
		}
		return now.Add(d), nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		switch {
		case n < 0:
		case n < 1e11:
			return time.Unix(n, 0).UTC(), nil
		case n < 1e14:
			return time.UnixMilli(n).UTC(), nil
		case n < 1e17:
			return time.UnixMicro(n).UTC(), nil
		default:
			return time.Unix(0, n).UTC(), nil
		}
	}
	s, err := strconv.ParseFloat(text, 64)
	if err != nil || !(s >= 0 && s < 1e11) {
		return time.Time{}, fmt.Errorf("%.40q is no time", text)
	}
	return time.UnixMilli(int64(math.Round(s * 1000))).UTC(), nil
}
