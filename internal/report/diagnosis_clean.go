package report

import (
	"strings"
	"unicode"
)

// clean takes out of a text for a terminal or a document what steers instead of
// being read: control characters, by which a service's name could clear the
// screen, and those that turn the direction of writing, by which it could look
// like another. Line feeds and tabs stay.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028' || r == '\u2029':
			return '\ufffd'
		}
		return r
	}, text)
}
