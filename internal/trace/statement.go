package trace

import "strings"

// StatementShape is a statement with its values removed, so that the same query
// with other numbers is the same query: digits and quoted strings become "?",
// and a list of placeholders becomes one.
func StatementShape(statement string) string {
	var b strings.Builder
	quoted, inWord, skipping := false, false, false
	for _, r := range statement {
		switch {
		case r == '\'':
			quoted = !quoted
			if quoted {
				b.WriteByte('?')
			}
			continue
		case quoted:
			continue
		case r >= '0' && r <= '9' && !inWord:
			if !skipping {
				b.WriteByte('?')
			}
			skipping = true
			continue
		case r == '\n' || r == '\t':
			r = ' '
		}
		skipping = false
		inWord = r == '_' || r == '$' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || inWord && r >= '0' && r <= '9'
		b.WriteRune(r)
	}
	s := b.String()
	for strings.Contains(s, "?, ?") {
		s = strings.ReplaceAll(s, "?, ?", "?")
	}
	for strings.Contains(s, "(?), (?)") {
		s = strings.ReplaceAll(s, "(?), (?)", "(?)")
	}
	return strings.Join(strings.Fields(s), " ")
}
