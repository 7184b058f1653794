package blame

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// Reading is what a change does, as far as it says.
type Reading struct {
	Touches  []Touch
	Harmless string          // why it cannot have done anything, or ""
	Text     string          // all its words, for comparing with those of the trouble
	Names    map[string]bool // functions that its diff writes: called, declared or edited
}

// Read reads a change: its diff, its keys, its flags, its title and its files.
func Read(c pitwall.Change) Reading {
	r := Reading{Text: text(c), Names: map[string]bool{}}
	edits := parse(c.Diff, c.Files)
	for i := range edits {
		edits[i].names(r.Names)
		if !inert(edits[i].file) {
			r.Touches = append(r.Touches, edits[i].touches()...)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(c.Config)) {
		r.Touches = append(r.Touches, setting(k, c.Config[k]))
	}
	for _, h := range c.DiffHints {
		r.Touches = append(r.Touches, hint(h)...)
	}
	r.Touches = append(r.Touches, ofKind(c)...)
	r.Harmless = harmless(c, edits, r.Touches)
	if r.Harmless != "" {
		r.Touches = nil
	}
	return r
}

// text is everything in a change that a reader would compare with an error. Of
// the diff only what went or came counts, and the files.
func text(c pitwall.Change) string {
	var b strings.Builder
	b.WriteString(c.Summary)
	for _, list := range [][]string{c.Files, c.DiffHints, slices.Sorted(maps.Keys(c.Config)), slices.Sorted(maps.Keys(c.Flags))} {
		b.WriteString(" " + strings.Join(list, " "))
	}
	for l := range strings.SplitSeq(c.Diff, "\n") {
		if l != "" && l[0] != ' ' && !strings.HasPrefix(l, "index ") {
			b.WriteString(" " + l)
		}
	}
	return b.String()
}

// touches reads one file's edit: values first, then what came and went.
func (e *edit) touches() []Touch {
	var list []Touch
	used := map[int]bool{}
	pairs := e.partners()
	for _, i := range e.removed {
		if j, ok := pairs[i]; ok {
			used[i], used[j] = true, true
			list = append(list, e.compare(i, j)...)
		}
	}
	list = append(list, e.structure()...)
	for _, i := range e.removed {
		if !used[i] {
			list = append(list, e.lost(i)...)
		}
	}
	had := map[*regexp.Regexp]bool{}
	for _, i := range e.came {
		if used[i] {
			continue
		}
		if p, ok := match(e.lines[i].text, false); ok {
			before, known := had[p.text]
			if !known {
				before = e.hadBefore(p)
				had[p.text] = before
			}
			if !before {
				list = append(list, e.touch(p.kind, p.way, i))
			}
		} else if t, ok := e.entry(i, Adds); ok {
			list = append(list, t)
		}
	}
	return list
}

// hadBefore says that a line of the same idiom went, so that what came is the
// same in other words. A statement, a pattern or a name on the wire that is
// another now is a change all the same.
func (e *edit) hadBefore(p pattern) bool {
	if slices.Contains([]Kind{Query, Pattern, Fields, Index, Schema, Route}, p.kind) {
		return false
	}
	return slices.ContainsFunc(e.removed, func(i int) bool { return p.text.MatchString(e.lines[i].text) })
}

// partners finds for removed lines the added lines that they became: the same
// but for their values, the same field under another name, another version of
// the same library, another value of the same key. The surest likeness first.
func (e *edit) partners() map[int]int {
	pair, taken := map[int]int{}, map[int]bool{}
	for _, like := range []func(string) string{shape, wireShape, e.libraryShape, keyShape} {
		open := map[string][]int{}
		for _, j := range e.came {
			if k := like(e.lines[j].text); k != "" && !taken[j] {
				open[k] = append(open[k], j)
			}
		}
		for _, i := range e.removed {
			k := like(e.lines[i].text)
			if _, done := pair[i]; done || k == "" || len(open[k]) == 0 {
				continue
			}
			pair[i] = open[k][0]
			taken[open[k][0]] = true
			open[k] = open[k][1:]
		}
	}
	return pair
}

func wireShape(s string) string {
	if !wire.MatchString(s) {
		return ""
	}
	return outsideQuotes(s)
}

func (e *edit) libraryShape(s string) string {
	if !manifest(e.file) {
		return ""
	}
	return withoutVersion(s)
}

func keyShape(s string) string {
	if m := keyed.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}

// outsideQuotes is a line without its texts.
func outsideQuotes(s string) string {
	return squeeze(strings.ReplaceAll(quoted.ReplaceAllString(strings.ReplaceAll(s, "`", ""), "#"), "`", ""))
}

// compare says what became of a line.
func (e *edit) compare(i, j int) []Touch {
	if manifest(e.file) {
		if t, ok := bump(e, i, j); ok {
			return []Touch{t}
		}
	}
	a, b := e.lines[i].text, e.lines[j].text
	parents := append(e.parents(j), e.file)
	var list []Touch
	if shape(a) == shape(b) {
		for _, t := range turns(a, b) {
			list = append(list, e.turn(t, j, parents))
		}
		if list != nil {
			return list
		}
	}
	x, y := keyed.FindStringSubmatch(a), keyed.FindStringSubmatch(b)
	if wire.MatchString(a) && wire.MatchString(b) {
		return []Touch{e.touch(Fields, Alters, j)}
	}
	if x == nil || y == nil || x[1] != y[1] {
		return append(e.lost(i), e.gained(j)...)
	}
	if !data(e.file) && !plain.MatchString(normal(x[2])) {
		list := append(e.lost(i), e.gained(j)...) // an assignment in a program, not a setting
		if k := knobOf(x[1]); k != "" && len(list) == 0 {
			t := e.touch(k, Alters, j)
			t.Name = x[1]
			list = append(list, t)
		}
		return list
	}
	return []Touch{e.turn(turned{x[1], normal(x[2]), normal(y[2])}, j, parents)}
}

// wire is a line that gives a field the name under which others read it.
var wire = regexp.MustCompile("(?i)(json|xml|yaml|bson|avro|db|protobuf|msgpack|column):\"|@(json_?property|jsonalias|column|serializedname|field)\\b|serde\\(rename|alias\\s*=")

// plain is a value that is no expression.
var plain = regexp.MustCompile(`^[\w.:/@%+-]+$`)

// turn makes a touch of a value that changed.
func (e *edit) turn(v turned, at int, parents []string) Touch {
	line := squash(e.lines[at].text)
	k := knobOf(v.name, parents...)
	if k == "" {
		k = knobOf(line, parents...)
	}
	t := Touch{Kind: k, Way: Alters, Name: v.name, From: v.from, To: v.to, File: e.file, Line: line}
	if k == "" {
		t.Kind = Value
	}
	from, ok1 := amount(v.from, k)
	to, ok2 := amount(v.to, k)
	if ok1 && ok2 && !slices.Contains(nominal, k) {
		t.Way, t.Factor = Raises, 0
		if to < from {
			t.Way = Lowers
		}
		if from > 0 && to > 0 {
			t.Factor = to / from
		}
		_, isTruth := truth(v.to)
		t = inverted(t, isTruth)
	}
	return t
}

// nominal are kinds whose values are names, even where they are numbers: port
// 8081 is not a little more than 8080; read-only.
var nominal = []Kind{Address, Secret, TLS, DNS, Partition}

// inverted turns the way round where the word says the opposite of the thing:
// switching "disable cache" on takes a cache away.
func inverted(t Touch, isTruth bool) Touch {
	words := Words(t.Name)
	if isTruth && hasAny(words, []string{"disable*", "no", "skip", "without", "bypass"}) {
		if t.Way == Raises {
			t.Way = Removes
		} else {
			t.Way = Adds
		}
		t.Factor = 0
	}
	return t
}

// entry reads a line of settings that has no partner.
func (e *edit) entry(at int, w Way) (Touch, bool) {
	m := keyed.FindStringSubmatch(e.lines[at].text)
	if m == nil || !data(e.file) {
		return Touch{}, false
	}
	k := knobOf(m[1], append(e.parents(at), e.file)...)
	if k == "" {
		return Touch{}, false
	}
	t := e.touch(k, w, at)
	t.Name = m[1]
	return t, true
}

func (e *edit) gained(at int) []Touch {
	if p, ok := match(e.lines[at].text, false); ok {
		return []Touch{e.touch(p.kind, p.way, at)}
	}
	return nil
}
