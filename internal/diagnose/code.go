package diagnose

import (
	"slices"
	"strings"
	"unicode"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

// shortName is the shortest name of a function that tells one from another:
// "get" and "add" stand in every diff.
const shortName = 4

// everywhere are names that every program has; read-only.
var everywhere = []string{"main", "init", "clinit", "ServeHTTP", "String", "Error", "Close", "MoveNext", "lambda", "module", "listcomp", "genexpr", "anonymous"}

// wrote is the function that costs more per request than before and stands in a
// line that a change of its service adds or takes away; "" when there is none.
// A name that other changes write as well says nothing.
func (x *inquiry) wrote(c pitwall.Change, f *finding) string {
	if c.Service != f.at.Service || c.Diff == "" {
		return ""
	}
	reads := x.look().reads
	for _, name := range x.costlier(f.at.Service) {
		if !reads[c.ID].Names[name] {
			continue
		}
		writers := 0
		for _, r := range reads {
			if r.Names[name] {
				writers++
			}
		}
		if writers == 1 {
			return name
		}
	}
	return ""
}

// costlier names the functions of a service that cost half as much again, they
// or what they call, in the order of kinds and of what they grew by; those of
// the language's own library are left out.
func (x *inquiry) costlier(s pitwall.ServiceName) []string {
	var list []string
	for _, kind := range profileKinds() {
		d, missing := x.profile(s, kind)
		if missing != "" {
			continue
		}
		for _, f := range d.Frames {
			if name := functionName(f.Name); f.P < 0.001 && f.After > 1.5*f.Before && name != "" && !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}

// functionName is a function's bare name, in any language: "sign" of
// "example.com/pay/charge.(*Charge).sign.func1", "com/acme/Charge.lambda$sign$0",
// "Acme.Pay!Charge.sign(string)", "pay::charge::sign::h0123456789abcdef" and
// "sign:./src/charge.js:41". It is "" for what belongs to a language's own
// library or to one that the families know, and for names too short to tell.
func functionName(frame string) string {
	if prof.FamilyOf([]string{frame}) != prof.FamilyUser && !compound(frame) {
		return ""
	}
	if strings.Contains(frame, ":") && !strings.Contains(frame, "::") {
		frame = beside(frame)
	}
	if at := strings.IndexByte(frame, '('); at > 0 && !strings.HasPrefix(frame[at:], "(*") {
		frame = frame[:at] // what it takes
	}
	parts := strings.FieldsFunc(frame[strings.LastIndex(frame, "/")+1:], func(r rune) bool { return !wordRune(r) })
	for len(parts) > 1 && numbered(parts[len(parts)-1]) {
		parts = parts[:len(parts)-1]
	}
	if len(parts) == 0 || len(parts[len(parts)-1]) < shortName || slices.Contains(everywhere, parts[len(parts)-1]) {
		return ""
	}
	return parts[len(parts)-1]
}

// beside is the name that stands beside a file and a line: "sign" of
// "sign:./src/charge.js:41" and of "pay/charge.py:41 - sign".
func beside(frame string) string {
	name := ""
	for _, word := range strings.FieldsFunc(frame, func(r rune) bool { return r == ':' || r == ' ' }) {
		if !strings.ContainsAny(word, "./") && strings.ContainsFunc(word, unicode.IsLetter) {
			name = word
		}
	}
	return name
}

// compound says that a name is one bare identifier of several words, as Python's
// frames have it: "device_score". Single words are of every runtime's own.
func compound(frame string) bool {
	return !strings.ContainsFunc(frame, func(r rune) bool { return !wordRune(r) }) &&
		(strings.Contains(strings.Trim(frame, "_"), "_") || frame != "" && strings.ContainsFunc(frame[1:], unicode.IsUpper))
}

// numbered says that a part of a name is the compiler's: "func1", "2", a
// closure, the hash that Rust ends names with.
func numbered(part string) bool {
	switch strings.TrimRight(part, "0123456789") {
	case "", "func", "gowrap", "closure", "impl":
		return true
	}
	return len(part) == 17 && part[0] == 'h' && strings.Trim(part[1:], "0123456789abcdef") == ""
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
