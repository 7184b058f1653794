package diagnose

import (
	"slices"
	"strings"
	"unicode"

	"github.com/pitwall/pitwall"
)

// shortName is the shortest name of a function that tells one from another:
// "get" and "add" stand in every diff.
const shortName = 4

// everywhere are names that every program has; read-only.
var everywhere = []string{"main", "init", "ServeHTTP", "String", "Error", "Close"}

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

// functionName is a function's bare name: "sign" of
// "example.com/pay/charge.(*Charge).sign.func1". It is "" for what belongs to
// Go's own library, whose packages have no dot before their first slash, and
// for names too short to tell.
func functionName(frame string) string {
	first, rest, deep := strings.Cut(frame, "/")
	if deep && strings.Contains(first, ".") || strings.HasPrefix(frame, "main.") {
		frame = rest
		if !deep {
			frame = first
		}
	} else {
		return ""
	}
	parts := strings.FieldsFunc(frame[strings.LastIndex(frame, "/")+1:], func(r rune) bool { return !wordRune(r) })
	for len(parts) > 2 && (strings.HasPrefix(parts[len(parts)-1], "func") || strings.Trim(parts[len(parts)-1], "0123456789") == "") {
		parts = parts[:len(parts)-1] // closures are numbered
	}
	if len(parts) < 2 || len(parts[len(parts)-1]) < shortName || slices.Contains(everywhere, parts[len(parts)-1]) {
		return ""
	}
	return parts[len(parts)-1]
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
