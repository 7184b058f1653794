package blame

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// calledName is a name in front of a parenthesis: something called or declared,
// its type parameters in between.
var calledName = regexp.MustCompile(`(\w+)(?:\[[^\]]*\])?\(`)

// names adds the functions that an edit writes: called or declared in the lines
// that truly went or came, or the one that such a line stands in.
func (e *edit) names(into map[string]bool) {
	for _, i := range slices.Concat(e.removed, e.came) {
		for _, m := range calledName.FindAllStringSubmatch(e.lines[i].text, -1) {
			into[m[1]] = true
		}
		if name := e.around(i); name != "" {
			into[name] = true
		}
	}
}

// around is the function that a line stands in: declared above it in its hunk,
// or named by the hunk's header, which may be cut off; or "".
func (e *edit) around(i int) string {
	for j := i; j >= 0 && e.lines[j].hunk == e.lines[i].hunk; j-- {
		s := strings.TrimRight(e.lines[j].text, " \t")
		if s == "" || !unicode.IsLetter(rune(s[0])) {
			continue
		}
		if s[len(s)-1] != '{' && s[len(s)-1] != ':' {
			return ""
		}
		return firstName(s)
	}
	return firstName(e.lines[i].within)
}

func firstName(s string) string {
	if m := calledName.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}
