package blame

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// lost says what a removed line no longer does. What it asked or called and an
// added line still does has only moved.
func (e *edit) lost(at int) []Touch {
	s := e.lines[at].text
	p, ok := match(s, true)
	if !ok {
		if t, ok := e.entry(at, Removes); ok {
			return []Touch{t}
		}
		return nil
	}
	t := e.touch(p.kind, p.way, at)
	if p.kind == Guard || p.kind == Handler {
		if e.stillAsked(s) {
			return nil
		}
		return []Touch{t}
	}
	if name := called(s); name != "" && e.calls[name] && !holding.MatchString(s) {
		return nil
	}
	return []Touch{t}
}

// holding is a line that takes something for a while and gives it back by
// itself; that what it takes is still taken is just the trouble.
var holding = regexp.MustCompile(`^\s*(with|using|try|defer)\b`)

// asks is a line that checks something.
var asks = regexp.MustCompile(`(?i)\bif\b|\bcheck|\bvalid|\bguard|\brequire|\bassert|\bensure|\bmust|\bwhen\b|\bunless\b|\?|\bcatch\b|\bexcept\b|\bor_else|\bor\(`)

// stillAsked says that an added line checks the same thing: one that asks names
// what the removed one was about.
func (e *edit) stillAsked(s string) bool {
	return slices.ContainsFunc(subjects(s), func(w string) bool { return e.checks[w] })
}

// subjects are the last parts of the names in a line: ThreeDS of resp.ThreeDS.
func subjects(s string) []string {
	var list []string
	for _, w := range identifier.FindAllString(s, -1) {
		w = strings.ToLower(path.Ext("." + strings.Trim(w, ".-")))
		if w = strings.TrimPrefix(w, "."); len(w) > 1 && !slices.Contains(syntax, w) {
			list = append(list, w)
		}
	}
	return list
}

// syntax are words of languages; read-only.
var syntax = []string{"if", "else", "return", "nil", "null", "none", "undefined", "not", "is", "and", "or", "const", "let", "var", "err", "error", "true", "false", "in", "of", "func", "def"}

// callee is a name that is called.
var callee = regexp.MustCompile(`(\w+)\s*\(`)

func called(s string) string {
	m := callee.FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	return strings.ToLower(m[1])
}

func squash(s string) string { return strings.Join(strings.Fields(s), " ") }
