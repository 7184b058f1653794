package logs

import (
	"strings"
	"unicode/utf8"
)

// Wildcard stands in a template for what varies.
const Wildcard = "<*>"

const (
	maxText     = 2048 // bytes of a text that are looked at
	maxTemplate = 512  // bytes of a template, about
	maxNesting  = 4    // quotes within quotes
)

// Template is the text with its variable parts taken out: numbers, hex, uuids,
// addresses, durations, times, emails, quoted strings, the values of keys in
// JSON and key=value, ids in paths and in names such as worker-17. Words stay,
// and so does what tells one trouble from another: a status code, the value of
// a key such as level or error.
func Template(text string) string { return string(AppendTemplate(nil, text)) }

// AppendTemplate appends the template of a text to dst. Only the first line and
// 2 kB count; if that line ends in a colon, as in a Python traceback, the last
// line counts too, because it says what happened.
func AppendTemplate(dst []byte, text string) []byte {
	m := masker{dst: dst, start: len(dst)}
	first, last := ends(text)
	m.run(first)
	if last != "" {
		m.trim()
		m.dst = append(m.dst, " … "...)
		m.word, m.value = "", false
		m.run(last)
	}
	m.trim()
	return m.dst
}

// ends gives the line of a text that says what happened, and the last line if
// the first only announces it.
func ends(text string) (first, last string) {
	text = strings.TrimSpace(cut(text, 8*maxText))
	first, more, several := strings.Cut(text, "\n")
	first = strings.TrimSpace(first)
	if several && strings.HasSuffix(first, ":") {
		last = strings.TrimSpace(more[strings.LastIndexByte(more, '\n')+1:])
	}
	return cut(first, maxText), cut(last, maxText)
}

// cut shortens a text to at most n bytes of whole runes.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// masker writes one template.
type masker struct {
	dst    []byte
	start  int    // of the template in dst
	word   string // the last word, which may be the key of a value
	value  bool   // what comes next is the value of that key
	nested int    // quotes around the present place
}

func (m *masker) run(text string) {
	for i := 0; i < len(text); {
		if len(m.dst)-m.start >= maxTemplate {
			m.trim()
			if !strings.HasSuffix(string(m.dst[m.start:]), "…") {
				m.dst = append(m.dst, "…"...)
			}
			return
		}
		switch c := text[i]; {
		case classOf[c]&inWord != 0:
			i = m.wordAt(text, i)
		case classOf[c]&space != 0:
			m.gap()
			i++
		case classOf[c]&quote != 0:
			i = m.quoteAt(text, i)
		case c == escape:
			i = afterEscape(text, i)
		default:
			m.dst = append(m.dst, c)
			m.value = c == '='
			i++
		}
	}
}

// gap writes one space for any number of them.
func (m *masker) gap() {
	m.value = false
	if n := len(m.dst); n > m.start && m.dst[n-1] != ' ' {
		m.dst = append(m.dst, ' ')
	}
}

func (m *masker) trim() {
	for n := len(m.dst); n > m.start && m.dst[n-1] == ' '; n-- {
		m.dst = m.dst[:n-1]
	}
}

// ends says whether the template ends so.
func (m *masker) ends(tail string) bool {
	d := m.dst[m.start:]
	return len(d) >= len(tail) && string(d[len(d)-len(tail):]) == tail
}

// mask writes a wildcard; several in a row, such as a list of ids, are one.
func (m *masker) mask() {
	switch {
	case m.ends(Wildcard):
	case m.ends(Wildcard + " "), m.ends(Wildcard + ","):
		m.dst = m.dst[:len(m.dst)-1]
	case m.ends(Wildcard + ", "):
		m.dst = m.dst[:len(m.dst)-2]
	default:
		m.dst = append(m.dst, Wildcard...)
	}
}

// wordAt writes the word at text[i] and gives where it ends.
func (m *masker) wordAt(text string, i int) int {
	j, seen := i, class(0)
	for j < len(text) && classOf[text[j]]&inWord != 0 {
		seen |= classOf[text[j]]
		j++
	}
	word, value := text[i:j], m.value
	m.value = false
	switch {
	case value && !keepsValue(m.word):
		m.mask()
	case seen&(digit|mark) == 0 && !isHexWord(word) && !isUUID(word):
		m.dst = append(m.dst, word...)
		m.word = word
	default:
		if m.parts(word) {
			for j < len(text) && classOf[text[j]]&(space|quote|closer) == 0 {
				j++
			}
		}
	}
	return j
}

// quoteAt writes the quoted string that begins at text[i], or only the quote
// when nothing closes it, and gives where to go on.
func (m *masker) quoteAt(text string, i int) int {
	q := text[i]
	end := closing(text, i, q)
	if end < 0 {
		m.dst = append(m.dst, q)
		m.value = false
		return i + 1
	}
	inner := text[i+1 : end]
	if colon := afterSpace(text, end+1); q == '"' && colon < len(text) && text[colon] == ':' && m.keyMayFollow() {
		m.quoted(q, inner)
		m.dst = append(m.dst, ':')
		m.word, m.value = inner, true
		return afterSpace(text, colon+1)
	}
	if m.value && keepsValue(m.word) {
		m.value = false
		m.quoted(q, inner)
		return end + 1
	}
	m.value = false
	masked := string(q) + Wildcard + string(q)
	switch { // a list of strings is one
	case m.ends(masked + ","):
		m.dst = m.dst[:len(m.dst)-1]
	case m.ends(masked + ", "):
		m.dst = m.dst[:len(m.dst)-2]
	default:
		m.dst = append(m.dst, masked...)
	}
	return end + 1
}

// quoted writes quotes around the template of what is in them.
func (m *masker) quoted(q byte, inner string) {
	m.dst = append(m.dst, q)
	if m.nested++; m.nested > maxNesting {
		m.mask()
	} else {
		m.run(inner)
	}
	m.nested--
	m.dst = append(m.dst, q)
}

// keyMayFollow says whether a quoted string here may be the key of an object.
func (m *masker) keyMayFollow() bool {
	n := len(m.dst)
	for n > m.start && m.dst[n-1] == ' ' {
		n--
	}
	return n > m.start && (m.dst[n-1] == '{' || m.dst[n-1] == ',')
}

// closing finds the quote that closes the one at text[i], or -1. An apostrophe
// inside a word opens and closes nothing.
func closing(text string, i int, q byte) int {
	if q == '\'' && i > 0 && classOf[text[i-1]]&(letter|digit) != 0 {
		return -1
	}
	for j := i + 1; j < len(text); j++ {
		switch {
		case text[j] == '\\':
			j++
		case text[j] == q && q == '\'' && j+1 < len(text) && classOf[text[j+1]]&(letter|digit) != 0:
			return -1
		case text[j] == q:
			return j
		}
	}
	return -1
}

func afterSpace(text string, i int) int {
	for i < len(text) && classOf[text[i]]&space != 0 {
		i++
	}
	return i
}

// afterEscape skips a terminal's colour sequence.
func afterEscape(text string, i int) int {
	i++
	if i >= len(text) || text[i] != '[' {
		return i
	}
	for i++; i < len(text) && text[i] < utf8.RuneSelf; i++ {
		if classOf[text[i]]&letter != 0 {
			return i + 1
		}
	}
	return i
}
