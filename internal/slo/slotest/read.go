package slotest

import (
	"cmp"
	"fmt"
	"path"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// file is what a person writes; docs say what each field is.
type file struct {
	Objectives []string    `yaml:"objectives"` // files, from the folder of the test file
	Preset     string      `yaml:"preset"`
	Tests      []yaml.Node `yaml:"tests"`
}

type testSpec struct {
	Name   string        `yaml:"name"`
	SLO    string        `yaml:"slo"`
	Start  string        `yaml:"start"`
	Step   string        `yaml:"step"`
	Every  string        `yaml:"every"`
	Counts []countsSpec  `yaml:"counts"`
	Series []seriesSpec  `yaml:"series"`
	Left   []stretchSpec `yaml:"corrections"`
	Blind  []stretchSpec `yaml:"blind"`
	Expect []yaml.Node   `yaml:"expect"`
}

type countsSpec struct {
	SLO  string `yaml:"slo"` // empty: the test's own
	Good string `yaml:"good"`
	Bad  string `yaml:"bad"`
}

type seriesSpec struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type stretchSpec struct {
	From   string `yaml:"from"`
	To     string `yaml:"to"`
	Reason string `yaml:"reason"`
}

type expectSpec struct {
	At     string    `yaml:"at"`
	Known  *bool     `yaml:"known"`
	Spent  string    `yaml:"spent"`
	Burn   string    `yaml:"burn"`
	EndsIn string    `yaml:"ends_in"`
	Firing *[]string `yaml:"firing"` // these and no others
	Fires  []string  `yaml:"fires"`  // these at least
	Quiet  []string  `yaml:"quiet"`  // none of these
}

// test is one that is ready to run.
type test struct {
	name        string
	line        int
	slo         pitwall.SLO
	all         []pitwall.SLO // that are counted
	start       time.Time
	step, every time.Duration
	steps       map[pitwall.SLOName][]pitwall.LedgerStep
	world       world
	corrections []pitwall.Correction
	blind       []pitwall.Period
	expect      []expectation
}

// expectation is what must hold at an instant; nil: nothing is said of it.
type expectation struct {
	line   int
	at     time.Duration
	known  *bool
	spent  *near
	burn   *near
	ends   *ending
	firing *[]string
	fires  []string
	quiet  []string
}

// Bounds on a test: how long it may be, and how many instants it looks at.
const (
	longest = 400 * 24 * time.Hour
	maxTick = 1_000_000
)

// Input is a test file and how to open the files it names.
type Input struct {
	Name   string
	Data   []byte
	Open   func(name string) ([]byte, error)
	Preset string // of objectives that name none, if the file names none
}

type reader struct {
	in   Input
	doc  strict.Doc
	slos []pitwall.SLO
}

func read(in Input) ([]test, error) {
	r := reader{in: in, doc: strict.Doc{Op: "reading tests of objectives", File: in.Name, Hint: "a file has objectives and tests; a test has name, slo, counts or series, and expect"}}
	nodes, err := r.doc.Nodes(in.Data)
	if err != nil {
		return nil, err
	}
	if len(nodes) != 1 || nodes[0].Kind != yaml.MappingNode {
		return nil, r.doc.Wrong(0, "", "one document with objectives and tests is expected, not %d", len(nodes))
	}
	var f file
	if err := r.doc.Decode(nodes[0], &f); err != nil {
		return nil, err
	}
	if len(f.Objectives) == 0 || len(f.Tests) == 0 {
		return nil, r.doc.Wrong(nodes[0].Line, "", "objectives and tests are needed")
	}
	var files []objectives.File
	for _, name := range f.Objectives {
		if !path.IsAbs(name) {
			name = path.Join(path.Dir(in.Name), name)
		}
		data, err := in.Open(name)
		if err != nil {
			return nil, fmt.Errorf("reading the objectives of %s: %w", in.Name, err)
		}
		files = append(files, objectives.File{Name: name, Data: data})
	}
	set, err := objectives.Parse(objectives.Options{Preset: cmp.Or(f.Preset, in.Preset)}, files...)
	if err != nil {
		return nil, err
	}
	r.slos = set.SLOs
	tests := make([]test, len(f.Tests))
	for i := range f.Tests {
		if tests[i], err = r.test(&f.Tests[i]); err != nil {
			return nil, err
		}
	}
	return tests, nil
}

func (r *reader) test(n *yaml.Node) (test, error) {
	var spec testSpec
	if n.Kind != yaml.MappingNode {
		return test{}, r.doc.Wrong(n.Line, "", "a test has a name, input and expect")
	}
	if err := r.doc.Decode(n, &spec); err != nil {
		return test{}, err
	}
	t := test{name: spec.Name, line: n.Line, steps: map[pitwall.SLOName][]pitwall.LedgerStep{}}
	wrong := func(format string, args ...any) (test, error) { return t, r.doc.Wrong(n.Line, "", format, args...) }
	var err error
	if t.slo, err = r.named(spec.SLO, n.Line); err != nil {
		return t, err
	}
	if err := r.clock(&t, spec, n.Line); err != nil {
		return t, err
	}
	switch {
	case spec.Name == "":
		return wrong("name is missing")
	case len(spec.Expect) == 0:
		return wrong("expect is missing: this test could not fail")
	case len(spec.Counts) == 0 && len(spec.Series) == 0:
		return wrong("counts or series are missing; write counts: [] … only if nothing at all happens")
	}
	if err := r.input(&t, spec, n.Line); err != nil {
		return t, err
	}
	for i := range spec.Expect {
		e, err := r.expectation(t, &spec.Expect[i])
		if err != nil {
			return t, err
		}
		t.expect = append(t.expect, e)
	}
	last := t.expect[len(t.expect)-1].at
	if last/t.every > maxTick {
		return wrong("it looks at more than %d instants: lengthen every", maxTick)
	}
	return t, nil
}

// clock reads when the test begins and how time passes in it.
func (r *reader) clock(t *test, spec testSpec, line int) (err error) {
	t.start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) // a Monday
	if spec.Start != "" {
		if t.start, err = time.Parse(time.RFC3339, spec.Start); err != nil {
			return r.doc.Wrong(line, "", "start: %q is no instant such as 2026-01-05T00:00:00Z", spec.Start)
		}
	}
	if t.step, err = length(cmp.Or(spec.Step, "1m")); err != nil || t.step < time.Second || t.step%time.Second != 0 {
		return r.doc.Wrong(line, "", "step: %q is no whole number of seconds", spec.Step)
	}
	if t.every, err = length(cmp.Or(spec.Every, spec.Step, "1m")); err != nil || t.every < t.step {
		return r.doc.Wrong(line, "", "every: %q is no length of time of at least a step", spec.Every)
	}
	if t.start.UnixNano()%int64(t.step) != 0 {
		return r.doc.Wrong(line, "", "start %s is not the beginning of a step of %s", t.start.Format(time.RFC3339), t.step)
	}
	return nil
}

// named finds an objective; none is named if there is only one.
func (r *reader) named(name string, line int) (pitwall.SLO, error) {
	var names []string
	for _, s := range r.slos {
		if string(s.Name) == name || name == "" && len(r.slos) == 1 {
			return s, nil
		}
		names = append(names, string(s.Name))
	}
	if name == "" {
		return pitwall.SLO{}, r.doc.Wrong(line, "", "slo is missing: there are %d objectives", len(r.slos))
	}
	return pitwall.SLO{}, r.doc.Wrong(line, "", "no objective is called %q%s", name, strict.Nearest(name, names))
}
