package objectives

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives/openslo"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

const readOp = "reading objectives"

// Options say how objectives are read.
type Options struct {
	Preset string // tiers of objectives that name none; empty: slo.DefaultPreset
	// Strict refuses what the format's own validator refuses, even if its meaning
	// is plain; docs/reference/openslo.md lists the differences.
	Strict bool
}

// Set is what files say together.
type Set struct {
	SLOs     []pitwall.SLO
	Warnings []Warning
	Presets  []BurnPolicy
}

// Warning is something that was understood but deserves a look.
type Warning struct {
	Place string // file:line
	Text  string
}

// String words a warning in one line.
func (w Warning) String() string { return w.Place + ": " + w.Text }

// Texts are the warnings in words.
func (s Set) Texts() []string {
	var list []string
	for _, w := range s.Warnings {
		list = append(list, w.String())
	}
	return list
}

// File is the content of a file and the name it has in messages.
type File struct {
	Name string
	Data []byte
}

// Read reads files as one set: an objective may refer to what stands in another
// file, and no two objectives have the same name. The error joins all faults;
// Faults takes it apart.
func Read(opts Options, paths ...string) (Set, error) {
	var files []File
	for _, path := range paths {
		data, err := load(path)
		if err != nil {
			return Set{}, err
		}
		files = append(files, File{path, data})
	}
	return Parse(opts, files...)
}

// load refuses a file that is too large before it is in memory.
func load(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > openslo.MaxSize {
		return nil, strict.Doc{Op: readOp, File: path}.Wrong(0, "split the file", "%d bytes are more than the %d that are read", info.Size(), openslo.MaxSize)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, &pitwall.Error{Op: readOp, Kind: pitwall.NotFound, ID: path, Err: err, Hint: "see slos: in pitwall.yaml"}
	}
	return data, nil
}

// Parse reads contents as one set. Beside an error stands what could be read
// nevertheless, to be reported and not to be used.
func Parse(opts Options, files ...File) (Set, error) {
	r := reader{opts: opts, policies: map[string]BurnPolicy{}}
	for _, f := range files {
		nodes, err := openslo.Nodes(f.Name, f.Data)
		if err != nil {
			r.errs = append(r.errs, err)
			continue
		}
		for i, n := range nodes {
			r.sort(f.Name, i, n)
		}
	}
	for _, it := range r.slos {
		r.set.SLOs = append(r.set.SLOs, r.slo(it)...)
	}
	for i := range r.foreign {
		s := r.foreign[i]
		r.foreignTiers(&s)
		r.foreignChecked(s)
		r.set.SLOs = append(r.set.SLOs, s)
	}
	r.unique()
	return r.set, join(inOrder(files, r.errs))
}

// Faults takes the error of Read or Parse apart, in the order of the files.
func Faults(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var list []error
		for _, e := range joined.Unwrap() {
			list = append(list, Faults(e)...)
		}
		return list
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// inOrder sorts faults by file and line, and leaves out what several objectives
// of one object have in common.
func inOrder(files []File, errs []error) []error {
	place := func(err error) (file, line int) {
		var e *pitwall.Error
		if !errors.As(err, &e) {
			return 0, 0
		}
		name, text, _ := cutLast(e.ID)
		line, _ = strconv.Atoi(text)
		return slices.IndexFunc(files, func(f File) bool { return f.Name == name || f.Name == e.ID }), line
	}
	slices.SortStableFunc(errs, func(a, b error) int {
		fileA, lineA := place(a)
		fileB, lineB := place(b)
		return cmp.Or(fileA-fileB, lineA-lineB)
	})
	seen := map[string]bool{}
	return slices.DeleteFunc(errs, func(err error) bool {
		again := seen[err.Error()]
		seen[err.Error()] = true
		return again
	})
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func join(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// item is an object in the words of OpenSLO v1, and its text as it stands in
// the file.
type item struct {
	openslo.Object
	text string
}

// reader collects the objects of all files before references are resolved.
type reader struct {
	opts     Options
	slos     []item
	objects  []openslo.Object // of v1, to refer to
	policies map[string]BurnPolicy
	foreign  []pitwall.SLO // read by the packages of other dialects
	set      Set
	errs     []error
}

func (r *reader) warn(o openslo.Object, f openslo.Field, format string, args ...any) {
	r.set.Warnings = append(r.set.Warnings, Warning{fmt.Sprintf("%s:%d", o.File, f.Line()), fmt.Sprintf(format, args...)})
}

func (r *reader) wrong(o openslo.Object, f openslo.Field, hint, format string, args ...any) {
	r.errs = append(r.errs, openslo.Fault{File: o.File, Line: f.Line(), Path: f.Path(), Text: fmt.Sprintf(format, args...), Hint: hint}.Err())
}

// openSLO takes an object of any version of OpenSLO.
func (r *reader) openSLO(file string, index int, n *yaml.Node) {
	o, faults := openslo.Check(file, index, n)
	bad := openslo.Errors(faults, r.opts.Strict)
	r.errs = append(r.errs, bad...)
	for _, f := range faults {
		if !f.Refused(r.opts.Strict) {
			r.set.Warnings = append(r.set.Warnings, Warning{fmt.Sprintf("%s:%d", f.File, f.Line), f.Path + ": " + f.Text})
		}
	}
	if len(bad) > 0 {
		return
	}
	text := shown(o)
	upgraded, warnings := openslo.Upgrade(o)
	for _, w := range warnings {
		place, words, _ := strings.Cut(w, ": ")
		r.set.Warnings = append(r.set.Warnings, Warning{place, words})
	}
	for _, u := range upgraded {
		if u.Kind == openslo.KindSLO {
			r.slos = append(r.slos, item{u, text})
			continue
		}
		if old, twice := r.find(u.Kind, u.Name); twice && u.Kind != openslo.KindService { // nothing refers to a service
			r.wrong(u, u.Root().Get("metadata", "name"), "names are unique", "%s is defined twice, first at %s:%d", u, old.File, old.Line)
		}
		r.objects = append(r.objects, u)
	}
}

func (r *reader) find(kind, name string) (openslo.Object, bool) {
	i := slices.IndexFunc(r.objects, func(o openslo.Object) bool { return o.Kind == kind && o.Name == name })
	if i < 0 {
		return openslo.Object{}, false
	}
	return r.objects[i], true
}

// refer finds what a reference names, or says that it leads nowhere.
func (r *reader) refer(from openslo.Object, kind string, ref openslo.Field) (openslo.Object, bool) {
	o, ok := r.find(kind, ref.Text())
	if !ok {
		r.errs = append(r.errs, openslo.Missing(r.objects, from, kind, ref))
	}
	return o, ok
}

// unique refuses a second objective of the same name.
func (r *reader) unique() {
	seen := map[pitwall.SLOName]string{}
	for _, s := range r.set.SLOs {
		if first, twice := seen[s.Name]; twice {
			r.errs = append(r.errs, &pitwall.Error{Op: readOp, Kind: pitwall.Invalid, ID: s.Source, Hint: "names are unique in one Pitwall",
				Err: fmt.Errorf("SLO %q is defined twice, first at %s", s.Name, first)})
			continue
		}
		seen[s.Name] = s.Source
	}
}

// shown is the text of an object without what may be secret.
func shown(o openslo.Object) string {
	return strict.Shown(veiled(o.Root().Node()))
}

// veiled copies a tree and leaves out how data sources are connected to: keys
// and passwords are known to stand there.
func veiled(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = slices.Clone(n.Content)
	for i, child := range c.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && c.Content[i-1].Value == "connectionDetails" {
			c.Content[i] = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "not shown"}
			continue
		}
		c.Content[i] = veiled(child)
	}
	return &c
}

func (r *reader) preset() string { return cmp.Or(r.opts.Preset, slo.DefaultPreset) }
