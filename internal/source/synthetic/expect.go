package synthetic

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// expectFile is the wire form of what is asserted of an answer.
type expectFile struct {
	Status       any               `yaml:"status"` // 200, [200, 201], 2xx
	Within       length            `yaml:"within"`
	BodyContains any               `yaml:"body_contains"` // a text or several
	BodyLacks    any               `yaml:"body_lacks"`
	Header       map[string]string `yaml:"header"` // name -> text it contains
	JSON         map[string]any    `yaml:"json"`   // path -> condition
	MaxBytes     int64             `yaml:"max_bytes"`
	Certificate  length            `yaml:"certificate"` // how long it must still be valid
}

// expect is expectFile, understood.
type expect struct {
	status      []string
	within      time.Duration
	contains    []string
	lacks       []string
	header      map[string]string
	json        []jsonCheck
	maxBytes    int64
	certificate time.Duration
}

type jsonCheck struct {
	text string // the path as written
	path []hop
	cond condition
}

// condition compares a value: an operator and an operand.
type condition struct {
	op   string
	want string
}

// Failure is one assertion that did not hold.
type Failure struct {
	Assertion string `json:"assertion"`
	Wanted    string `json:"wanted"`
	Got       string `json:"got"`
}

func buildExpect(f expectFile) (e expect, err error) {
	e = expect{header: f.Header, maxBytes: f.MaxBytes}
	if e.within, err = f.Within.or(0); err != nil {
		return e, fmt.Errorf("within: %w", err)
	}
	if e.certificate, err = f.Certificate.or(0); err != nil {
		return e, fmt.Errorf("certificate: %w", err)
	}
	if e.maxBytes < 0 || e.maxBytes > bodyMostAsked {
		return e, fmt.Errorf("max_bytes %d is not between 0 and %d", e.maxBytes, bodyMostAsked)
	}
	e.maxBytes = cmp.Or(e.maxBytes, bodyMost)
	if e.status, err = texts(f.Status); err != nil {
		return e, fmt.Errorf("status: %w", err)
	}
	for _, s := range e.status {
		if !statusForm.MatchString(s) {
			return e, fmt.Errorf("status %q is neither a code such as 200 nor a class such as 2xx", s)
		}
	}
	if len(e.status) == 0 {
		e.status = []string{"2xx"}
	}
	if e.contains, err = texts(f.BodyContains); err != nil {
		return e, fmt.Errorf("body_contains: %w", err)
	}
	if e.lacks, err = texts(f.BodyLacks); err != nil {
		return e, fmt.Errorf("body_lacks: %w", err)
	}
	for _, text := range slices.Sorted(maps.Keys(f.JSON)) {
		c := jsonCheck{text: text}
		if c.path, err = parsePath(text); err != nil {
			return e, err
		}
		if c.cond, err = parseCondition(f.JSON[text]); err != nil {
			return e, fmt.Errorf("json %s: %w", text, err)
		}
		e.json = append(e.json, c)
	}
	return e, nil
}

// texts reads a scalar or a list of them.
func texts(v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		var list []string
		for _, item := range v {
			one, err := texts(item)
			if err != nil || len(one) != 1 {
				return nil, fmt.Errorf("%v is not a text", item)
			}
			list = append(list, one[0])
		}
		return list, nil
	case map[string]any, map[any]any:
		return nil, fmt.Errorf("%v is neither a text nor a list of texts", v)
	}
	return []string{fmt.Sprint(v)}, nil
}

func (e expect) eachText(f func(string) string) expect {
	all := func(list []string) []string {
		out := slices.Clone(list)
		for i := range out {
			out[i] = f(out[i])
		}
		return out
	}
	header := make(map[string]string, len(e.header))
	for k, v := range e.header {
		header[k] = f(v)
	}
	checks := slices.Clone(e.json)
	for i := range checks {
		checks[i].cond.want = f(checks[i].cond.want)
	}
	e.contains, e.lacks, e.header, e.json = all(e.contains), all(e.lacks), header, checks
	return e
}

// statusForm is a code, or a class such as 2xx.
var statusForm = regexp.MustCompile(`^[1-5]([0-9]{2}|xx)$`)

// operators are the words a condition may begin with.
var operators = regexp.MustCompile(`^(>=|<=|==|!=|>|<|contains)\s+(.+)$`)

// parseCondition reads ">= 1", "contains paid", "exists", "absent", or a plain
// value that must be met.
func parseCondition(v any) (condition, error) {
	text, isText := v.(string)
	if !isText {
		data, err := json.Marshal(v)
		return condition{"==", string(data)}, err
	}
	if text == "exists" || text == "absent" {
		return condition{op: text}, nil
	}
	m := operators.FindStringSubmatch(text)
	if m == nil {
		return condition{"==", text}, nil
	}
	if _, err := strconv.ParseFloat(m[2], 64); err != nil && strings.ContainsAny(m[1], "<>") && !reference.MatchString(m[2]) {
		return condition{}, fmt.Errorf("%q is not a number", m[2])
	}
	return condition{m[1], m[2]}, nil
}

// String writes a condition as people do.
func (c condition) String() string { return strings.TrimSpace(c.op + " " + c.want) }

// holds compares a value that was found, or not.
func (c condition) holds(got any, found bool) bool {
	switch {
	case c.op == "absent":
		return !found
	case !found:
		return false
	case c.op == "exists":
		return true
	}
	text := scalar(got)
	x, errX := strconv.ParseFloat(text, 64)
	y, errY := strconv.ParseFloat(c.want, 64)
	numbers := errX == nil && errY == nil
	switch c.op {
	case "==":
		return text == c.want || numbers && x == y
	case "!=":
		return text != c.want && !(numbers && x == y)
	case "contains":
		return strings.Contains(text, c.want)
	case ">":
		return numbers && x > y
	case ">=":
		return numbers && x >= y
	case "<":
		return numbers && x < y
	default: // "<="
		return numbers && x <= y
	}
}

// scalar writes a JSON value: texts as they are, all else as JSON.
func scalar(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v) // cannot be: it was read from JSON
	}
	return string(data)
}

// answerSeen is what came back of one step.
type answerSeen struct {
	status  int
	header  http.Header
	body    []byte
	cut     bool // the body was longer than may be read
	took    time.Duration
	expires time.Time // of the certificate that ends first; zero: not encrypted
	now     time.Time
}

// check holds an answer against what is expected.
func (e expect) check(a answerSeen) []Failure {
	var list []Failure
	fail := func(assertion, wanted, got string) { list = append(list, Failure{assertion, wanted, got}) }
	if code := strconv.Itoa(a.status); !slices.ContainsFunc(e.status, func(s string) bool { return s == code || s == code[:1]+"xx" }) {
		fail("status", strings.Join(e.status, " or "), code)
	}
	if e.within > 0 && a.took > e.within {
		fail("within", e.within.String(), a.took.Round(time.Millisecond).String())
	}
	if e.certificate > 0 {
		switch {
		case a.expires.IsZero():
			fail("certificate", "valid for "+days(e.certificate), "no certificate")
		case a.expires.Sub(a.now) < e.certificate:
			fail("certificate", "valid for "+days(e.certificate), "it ends at "+a.expires.UTC().Format(time.RFC3339))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.header)) {
		if got := strings.Join(a.header.Values(name), ", "); !strings.Contains(strings.ToLower(got), strings.ToLower(e.header[name])) {
			fail("header "+name, e.header[name], cmp.Or(got, "nothing"))
		}
	}
	if a.cut { // what was not read whole is not looked at
		fail("max_bytes", fmt.Sprintf("at most %d bytes", e.maxBytes), "more")
		return list
	}
	for _, text := range e.contains {
		if !bytes.Contains(a.body, []byte(text)) {
			fail("body_contains", text, begins(a.body))
		}
	}
	for _, text := range e.lacks {
		if at := bytes.Index(a.body, []byte(text)); at >= 0 {
			fail("body_lacks", "no "+text, fmt.Sprintf("it is at byte %d", at))
		}
	}
	return append(list, e.checkJSON(a.body)...)
}

func (e expect) checkJSON(body []byte) []Failure {
	if len(e.json) == 0 {
		return nil
	}
	doc, err := readJSON(body)
	if err != nil {
		return []Failure{{"json", "a JSON body", begins(body)}}
	}
	var list []Failure
	for _, c := range e.json {
		got, found := lookUp(doc, c.path)
		if c.cond.holds(got, found) {
			continue
		}
		shown := "nothing there"
		if found {
			shown = scalar(got)
		}
		list = append(list, Failure{"json " + c.text, c.cond.String(), shown})
	}
	return list
}

func begins(body []byte) string {
	if len(body) == 0 {
		return "an empty body"
	}
	return string(body)
}

func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.String()
}
