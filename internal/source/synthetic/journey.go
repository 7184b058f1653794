package synthetic

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
)

// Journey is one walk through a service, sound as read.
type Journey struct {
	Name    string
	Service pitwall.ServiceName // whose trouble it shows
	Every   time.Duration
	Timeout time.Duration // of one run, never longer than Every
	File    string

	vars  map[string]string
	steps []step
}

// step is one request and what is asserted of its answer.
type step struct {
	name, method, url string
	headers           map[string]string
	body              any // nil: none
	form              map[string]string
	redirects         int
	expect            expect
	save              map[string]string // variable -> where in the answer
}

// The defaults of a journey.
const (
	defaultEvery   = time.Minute
	defaultTimeout = 10 * time.Second
	defaultHops    = 5
	hopsMost       = 20
	stepsMost      = 50
	bodyMost       = 1 << 20 // bytes read of an answer unless max_bytes says less or more
	bodyMostAsked  = 64 << 20
)

// journeyFile is the wire form of a journey.
type journeyFile struct {
	Journey string              `yaml:"journey"`
	Service pitwall.ServiceName `yaml:"service"`
	Every   length              `yaml:"every"`
	Timeout length              `yaml:"timeout"`
	Vars    map[string]string   `yaml:"vars"`
	Steps   []stepFile          `yaml:"steps"`
}

type stepFile struct {
	Name      string            `yaml:"name"`
	Get       string            `yaml:"get"`
	Head      string            `yaml:"head"`
	Post      string            `yaml:"post"`
	Put       string            `yaml:"put"`
	Patch     string            `yaml:"patch"`
	Delete    string            `yaml:"delete"`
	Headers   map[string]string `yaml:"headers"`
	Body      any               `yaml:"body"`
	Form      map[string]string `yaml:"form"`
	Redirects *int              `yaml:"redirects"`
	Expect    expectFile        `yaml:"expect"`
	Save      map[string]string `yaml:"save"`
}

// length is a duration that may count days: 800ms, 30s, 14d.
type length string

// or reads a length; nothing means the default.
func (l length) or(standard time.Duration) (time.Duration, error) {
	if l == "" {
		return standard, nil
	}
	if days, ok := strings.CutSuffix(string(l), "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(string(l))
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 800ms, 30s or 14d", l)
	}
	return d, nil
}

// The forms of names. Variables are written ${name}, secrets ${secret:name}.
var (
	journeyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,99}$`)
	varName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	secretName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	reference   = regexp.MustCompile(`\$\{([^{}]*)\}`)
)

// Parse reads the journeys of one file, one to a YAML document.
func Parse(file string, data []byte) ([]Journey, error) {
	doc := strict.Doc{Op: "reading journey", File: file, Hint: "see docs/howto/synthetic-journeys.md"}
	nodes, err := doc.Nodes(data)
	if err != nil {
		return nil, err
	}
	var list []Journey
	for _, n := range nodes {
		var f journeyFile
		if err := doc.Decode(n, &f); err != nil {
			return nil, err
		}
		j, place, err := build(f)
		if err != nil {
			line := n.Line
			for part := range strings.SplitSeq(place, "/") { // down to the key or item; as far as it is there
				for i, child := range n.Content {
					if n.Tag == "!!seq" && strconv.Itoa(i) == part {
						line, n = child.Line, child
						break
					}
					if n.Tag == "!!map" && i%2 == 0 && child.Value == part {
						line, n = child.Line, n.Content[i+1]
						break
					}
				}
			}
			return nil, doc.Wrong(line, "", "%w", err)
		}
		j.File = file
		list = append(list, j)
	}
	if len(list) == 0 {
		return nil, doc.Wrong(0, "", "there is no journey in it")
	}
	return list, nil
}

// build checks a journey; on error it gives the place at fault.
func build(f journeyFile) (j Journey, place string, err error) {
	j = Journey{Name: f.Journey, Service: f.Service, vars: f.Vars}
	if j.Every, err = f.Every.or(defaultEvery); err != nil {
		return j, "every", err
	}
	if j.Timeout, err = f.Timeout.or(min(defaultTimeout, j.Every)); err != nil {
		return j, "timeout", err
	}
	switch {
	case !journeyName.MatchString(j.Name):
		return j, "journey", fmt.Errorf("journey %q is no name of letters, digits and . _ / -", j.Name)
	case j.Service == "":
		return j, "service", fmt.Errorf("service is missing: whose trouble does it show?")
	case j.Every < time.Second:
		return j, "every", fmt.Errorf("every %v is too often; at least 1s", j.Every)
	case j.Timeout < time.Millisecond:
		return j, "timeout", fmt.Errorf("timeout %v is no time; at least 1ms", j.Timeout)
	case j.Timeout > j.Every:
		return j, "timeout", fmt.Errorf("timeout %v is longer than every %v: runs would overlap", j.Timeout, j.Every)
	case len(f.Steps) == 0 || len(f.Steps) > stepsMost:
		return j, "steps", fmt.Errorf("it has %d steps; 1 to %d are possible", len(f.Steps), stepsMost)
	}
	known := map[string]bool{}
	for name, value := range f.Vars {
		if !varName.MatchString(name) || reference.MatchString(value) {
			return j, "vars", fmt.Errorf("variable %q must be a plain name with a plain value", name)
		}
		known[name] = true
	}
	for i, sf := range f.Steps {
		s, err := buildStep(sf, j.vars, known)
		if err == nil && slices.ContainsFunc(j.steps, func(o step) bool { return o.name == s.name }) {
			err = fmt.Errorf("step %q is there twice", s.name)
		}
		if err != nil {
			return j, fmt.Sprint("steps/", i), err
		}
		j.steps = append(j.steps, s)
		for name := range s.save {
			known[name] = true
		}
	}
	return j, "", nil
}

func buildStep(f stepFile, vars map[string]string, known map[string]bool) (step, error) {
	s := step{name: f.Name, headers: f.Headers, body: f.Body, form: f.Form, redirects: defaultHops, save: f.Save}
	if s.name == "" || len(s.name) > 100 {
		return s, fmt.Errorf("name is missing, or longer than 100 characters")
	}
	for _, m := range []struct{ method, url string }{
		{http.MethodGet, f.Get}, {http.MethodHead, f.Head}, {http.MethodPost, f.Post}, {http.MethodPut, f.Put}, {http.MethodPatch, f.Patch}, {http.MethodDelete, f.Delete},
	} {
		if m.url != "" && s.url != "" {
			return s, fmt.Errorf("step %q makes two requests; write two steps", s.name)
		} else if m.url != "" {
			s.method, s.url = m.method, m.url
		}
	}
	if s.url == "" {
		return s, fmt.Errorf("step %q makes no request: give get, head, post, put, patch or delete", s.name)
	}
	if f.Redirects != nil {
		s.redirects = *f.Redirects
	}
	if s.redirects < 0 || s.redirects > hopsMost {
		return s, fmt.Errorf("redirects %d is not between 0 and %d", s.redirects, hopsMost)
	}
	if f.Body != nil && f.Form != nil {
		return s, fmt.Errorf("step %q has a body and a form; give one", s.name)
	}
	if _, err := json.Marshal(f.Body); err != nil {
		return s, fmt.Errorf("the body cannot be written as JSON: %w", err)
	}
	for name, from := range f.Save {
		if !varName.MatchString(name) {
			return s, fmt.Errorf("%q cannot be the name of a variable", name)
		}
		if err := checkPlace(from); err != nil {
			return s, err
		}
	}
	var err error
	if s.expect, err = buildExpect(f.Expect); err != nil {
		return s, err
	}
	return s, s.checkReferences(vars, known)
}

// checkReferences holds every ${…} of a step against what is known when it runs,
// and its address against what can be asked.
func (s step) checkReferences(vars map[string]string, known map[string]bool) error {
	var wrong error
	check := func(name string) string {
		secret, isSecret := strings.CutPrefix(name, "secret:")
		switch {
		case isSecret && !secretName.MatchString(secret):
			wrong = fmt.Errorf("%q cannot be the name of a secret", secret)
		case !isSecret && !known[name]:
			names := []string{}
			for k := range known {
				names = append(names, k)
			}
			slices.Sort(names)
			wrong = fmt.Errorf("${%s} is known neither as a variable nor from an earlier step%s", name, strict.Nearest(name, names))
		}
		if v, ok := vars[name]; ok {
			return v
		}
		return unknown
	}
	address := expandText(s.url, check)
	s.eachText(func(text string) string { return expandText(text, check) })
	if wrong != nil {
		return wrong
	}
	begins, _, open := strings.Cut(address, unknown)
	u, err := url.Parse(address)
	switch web := strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://"); {
	case open && (begins == "" || web):
		return nil // the rest is seen when it runs
	case err != nil || !web || u.Host == "":
		return fmt.Errorf("%q is no http or https address", s.url)
	}
	return nil
}

// unknown stands for a value that is not known before a run.
const unknown = "\x00"

// eachText maps every text of a step in which variables may stand.
func (s step) eachText(f func(string) string) step {
	table := func(m map[string]string) map[string]string {
		out := make(map[string]string, len(m))
		for k, v := range m {
			out[k] = f(v)
		}
		return out
	}
	s.url, s.headers, s.body = f(s.url), table(s.headers), eachString(s.body, f)
	if s.form != nil {
		s.form = table(s.form)
	}
	s.expect = s.expect.eachText(f)
	return s
}

func eachString(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = eachString(item, f)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[k] = eachString(item, f)
		}
		return out
	}
	return v
}

// expandText puts values in the place of ${name}.
func expandText(text string, value func(name string) string) string {
	return reference.ReplaceAllStringFunc(text, func(ref string) string { return value(ref[2 : len(ref)-1]) })
}
