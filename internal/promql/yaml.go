package promql

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// WriteYAML writes rule files, each a document of its own. It is written by hand
// because a thousand objectives make fifteen thousand rules: going through
// reflection costs ten times as much as making them.
func WriteYAML(w io.Writer, files ...Rules) error {
	b := make([]byte, 0, 64<<10)
	for _, r := range files {
		b = r.head(b, len(files) > 1)
		in := 0
		if r.Kube != nil {
			in = 2
		}
		for _, g := range r.Groups {
			b = g.yaml(b, in)
			if len(b) > 48<<10 {
				if _, err := w.Write(b); err != nil {
					return fmt.Errorf("writing rules: %w", err)
				}
				b = b[:0]
			}
		}
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("writing rules: %w", err)
	}
	return nil
}

// head is all of a file before its groups.
func (r Rules) head(b []byte, several bool) []byte {
	if several {
		b = append(b, "---\n"...)
	}
	if r.Comment != "" {
		for line := range strings.Lines(r.Comment) {
			b = append(append(b, "# "...), printable(strings.TrimRight(line, "\r\n"))...)
			b = append(b, '\n')
		}
	}
	in := 0
	if k := r.Kube; k != nil {
		b = append(b, "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n"...)
		b = labelsYAML(b, 2, "annotations", k.Annotations)
		b = labelsYAML(b, 2, "labels", k.Labels)
		b = field(b, 2, "name", k.Name)
		if k.Namespace != "" {
			b = field(b, 2, "namespace", k.Namespace)
		}
		b = append(b, "spec:\n"...)
		in = 2
	}
	if b = indent(b, in); len(r.Groups) == 0 {
		return append(b, "groups: []\n"...)
	}
	return append(b, "groups:\n"...)
}

// printable keeps a comment on its line.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, s)
}

func (g Group) yaml(b []byte, in int) []byte {
	b = append(indent(b, in), "- name: "...)
	b = append(scalar(b, g.Name), '\n')
	if g.Interval > 0 {
		b = field(b, in+2, "interval", Duration(g.Interval))
	}
	if b = indent(b, in+2); len(g.Rules) == 0 {
		return append(b, "rules: []\n"...)
	}
	b = append(b, "rules:\n"...)
	for _, r := range g.Rules {
		b = r.yaml(b, in+2)
	}
	return b
}

func (r Rule) yaml(b []byte, in int) []byte {
	b = append(indent(b, in), "- "...)
	if r.Alert != "" {
		b = append(scalar(append(b, "alert: "...), r.Alert), '\n')
	} else {
		b = append(scalar(append(b, "record: "...), r.Record), '\n')
	}
	b = append(indent(b, in+2), "expr: "...)
	b = append(block(b, in+4, r.Expr), '\n')
	if r.For > 0 {
		b = field(b, in+2, "for", Duration(r.For))
	}
	b = labelsYAML(b, in+2, "labels", r.Labels)
	return labelsYAML(b, in+2, "annotations", r.Annotations)
}

func labelsYAML(b []byte, in int, name string, list Labels) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(append(indent(b, in), name...), ":\n"...)
	for _, l := range list {
		b = append(scalar(indent(b, in+2), l.Name), ": "...)
		b = append(scalar(b, l.Value), '\n')
	}
	return b
}

func field(b []byte, in int, name, value string) []byte {
	b = append(append(indent(b, in), name...), ": "...)
	return append(scalar(b, value), '\n')
}

func indent(b []byte, n int) []byte {
	for range n {
		b = append(b, ' ')
	}
	return b
}

// block writes a text of several lines as a person would read it, everything
// else as a scalar.
func block(b []byte, in int, s string) []byte {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "\n") || !plainLines(s) {
		return scalar(b, s)
	}
	b = append(b, "|-"...)
	for line := range strings.SplitSeq(s, "\n") {
		b = append(b, '\n')
		if line != "" {
			b = append(indent(b, in), line...)
		}
	}
	return b
}

// plainLines says whether a text survives in a literal block.
func plainLines(s string) bool {
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		if c == utf8.RuneError && n == 1 || c == 0xFEFF || c == 0x85 || c == 0x2028 || c == 0x2029 || c != '\n' && c != '\t' && !unicode.IsPrint(c) {
			return false
		}
		i += n
	}
	return true
}

// scalar writes a word as it is where YAML reads it as the same text, else in
// double quotes.
func scalar(b []byte, s string) []byte {
	switch {
	case word(s):
		return append(b, s...)
	case strings.ContainsAny(s, "\"\\") && single(s):
		b = append(b, '\'')
		b = append(b, strings.ReplaceAll(s, "'", "''")...)
		return append(b, '\'')
	}
	return quote(b, s)
}

// single says whether s can stand in single quotes, in which PromQL reads as it
// was written: it is of printable signs.
func single(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// word says whether s is text without quotes: it begins with a letter, has no
// sign that means something in YAML, and is no name of a truth value or of nothing.
func word(s string) bool {
	if s == "" || len(s) > 200 || !letter(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		ok := letter(c) || c >= '0' && c <= '9' || strings.IndexByte("_-./", c) >= 0 || c == ':' && i+1 < len(s) && s[i+1] != ' '
		if !ok {
			return false
		}
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	return true
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// quote writes a double-quoted scalar.
func quote(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c == utf8.RuneError && n == 1:
			b = append(b, `\uFFFD`...) // no text holds it; readers refuse it long before
		case unicode.IsPrint(c) && c != 0xFEFF:
			b = append(b, s[i:i+n]...)
		default:
			b = append(b, `\U`...)
			hex := strconv.FormatInt(int64(c), 16)
			b = append(append(b, "00000000"[len(hex):]...), hex...)
		}
		i += n
	}
	return append(b, '"')
}
