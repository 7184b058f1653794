package blame

import (
	"regexp"
	"slices"
	"strings"
)

// edit is what a change does to one file: lines that went, lines that came, and
// all lines in their order for whoever needs the surroundings.
type edit struct {
	file          string
	lines         []line
	removed, came []int // indices of lines, after what only moved is taken out
	// What added lines do, for telling what is lost from what has moved: the names
	// they call, and the names in those that check something.
	calls, checks map[string]bool
}

// mostOfLine is how many bytes of one line are read: a longer one was written
// by a machine.
const mostOfLine = 1000

// line is one line of a diff.
type line struct {
	sign   byte // '-', '+' or ' '
	text   string
	within string // what the hunk's header says it stands in: "func (c *Charge) sign() {"
	hunk   int
}

// mostLines bounds how much of a diff is read: what matters of a larger one no
// reader would find either, and pairing lines takes time.
const mostLines = 2000

// The header of a hunk, bare ("@@ file @@ …") or as diff writes it; read-only.
var (
	hunkOf   = regexp.MustCompile(`^@@ ([^@]*?) @@`)
	hunkSpan = regexp.MustCompile(`^-\d+(,\d+)? \+\d+(,\d+)?$`)
)

// parse reads a unified diff or pieces of one. Lines before any header belong
// to the only file there is.
func parse(diff string, files []string) []edit {
	var list []edit
	at, hunk, within := -1, 0, ""
	enter := func(file string) {
		if at = slices.IndexFunc(list, func(e edit) bool { return e.file == file }); at < 0 {
			list, at = append(list, edit{file: file}), len(list)
		}
	}
	all := strings.Split(diff, "\n")
	for i, s := range all[:min(len(all), mostLines)] {
		s = strings.TrimSuffix(s[:min(len(s), mostOfLine)], "\r")
		switch m := hunkOf.FindStringSubmatch(s); {
		case m != nil:
			hunk, within = i, s[len(m[0]):]
			if !hunkSpan.MatchString(m[1]) {
				enter(m[1])
			}
			continue
		case strings.HasPrefix(s, "diff --git "), strings.HasPrefix(s, "index "), strings.HasPrefix(s, `\ No newline`):
			continue
		case strings.HasPrefix(s, "--- ") && i+1 < len(all) && strings.HasPrefix(all[i+1], "+++ "):
			continue
		case strings.HasPrefix(s, "+++ ") && i > 0 && strings.HasPrefix(all[i-1], "--- "):
			hunk, within = i, ""
			enter(strings.TrimPrefix(strings.TrimPrefix(s, "+++ "), "b/"))
			continue
		case s == "":
			continue
		}
		if at < 0 {
			enter(slices.Concat(files, []string{""})[0])
		}
		l := line{sign: ' ', text: strings.TrimPrefix(s, " "), within: within, hunk: hunk}
		if s[0] == '-' || s[0] == '+' {
			l.sign, l.text = s[0], s[1:]
		}
		list[at].lines = append(list[at].lines, l)
	}
	for i := range list {
		list[i].settle()
	}
	return list
}

// settle finds the lines that truly went or came: no comments, no imports, and
// nothing that stands elsewhere in the file again but for blanks.
func (e *edit) settle() {
	left := map[string][]int{} // came, by squeezed text
	for i, l := range e.lines {
		if l.sign == '+' && !e.idle(l.text) {
			left[squeeze(l.text)] = append(left[squeeze(l.text)], i)
		}
	}
	for i, l := range e.lines {
		if l.sign != '-' || e.idle(l.text) {
			continue
		}
		if k := squeeze(l.text); len(left[k]) > 0 {
			left[k] = left[k][1:]
			continue
		}
		e.removed = append(e.removed, i)
	}
	for _, list := range left {
		e.came = append(e.came, list...)
	}
	slices.Sort(e.came)
	e.calls, e.checks = map[string]bool{}, map[string]bool{}
	for _, i := range e.came {
		s := e.lines[i].text
		for _, m := range callee.FindAllStringSubmatch(s, -1) {
			e.calls[strings.ToLower(m[1])] = true
		}
		if asks.MatchString(s) {
			for _, w := range subjects(s) {
				e.checks[w] = true
			}
		}
	}
}

// squeeze takes out what formatting may change: blanks, semicolons, the
// comma at the end.
func squeeze(s string) string {
	return strings.TrimRight(strings.Join(strings.Fields(s), ""), ",;")
}

// comment and imports are what does nothing when it runs; read-only.
var (
	comment = regexp.MustCompile(`^\s*(//|#( |$|-)|/\*|\*( |/|$)|--( |$)|<!--|"""|;;)`)
	imports = regexp.MustCompile(`^\s*(import\b|from\s+\S+\s+import\b|use\s+[\w:]+;|using\s+[\w.]+;|require\s*\(?['"]|#include\b|package\s+\w)`)
)

func (e *edit) idle(s string) bool {
	return strings.TrimSpace(s) == "" || comment.MatchString(s) || imports.MatchString(s)
}

// parents are the lines that a line of a configuration stands below: "limits:"
// and "resources:" for "cpu: 2", the innermost first.
func (e *edit) parents(at int) []string {
	var list []string
	depth := indent(e.lines[at].text)
	for i := at - 1; i >= 0 && depth > 0; i-- {
		s := e.lines[i].text
		if strings.TrimSpace(s) == "" || indent(s) >= depth {
			continue
		}
		depth = indent(s)
		list = append(list, strings.TrimSpace(s))
	}
	for i := at - 1; i >= 0; i-- { // the section of an ini or toml file
		if s := strings.TrimSpace(e.lines[i].text); strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
			return append(list, s)
		}
	}
	return list
}

func indent(s string) int { return len(s) - len(strings.TrimLeft(s, " \t")) }
