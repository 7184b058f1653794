package logs

import "strings"

// class is what a byte may be part of.
type class uint8

const (
	letter class = 1 << iota // also every byte of a rune beyond ASCII
	digit
	joint  // joins the parts of a word, such as a dot
	mark   // a joint that says what a word is: an email, the query of a URL
	space  // and control characters
	quote  // opens and closes a quoted string
	closer // ends a URL in running text

	inWord = letter | digit | joint
	escape = 0x1b
)

// classOf is read-only.
var classOf = classes()

func classes() (t [256]class) {
	for c := range t {
		switch b := byte(c); {
		case b == escape:
		case b <= ' ' || b == 0x7f:
			t[c] = space
		case 'a' <= b|0x20 && b|0x20 <= 'z' || b >= 0x80:
			t[c] = letter
		case '0' <= b && b <= '9':
			t[c] = digit
		}
	}
	for _, c := range []byte(`_-./:+%#$~&!*\^@?`) {
		t[c] = joint
	}
	for _, c := range []byte(`@?`) {
		t[c] |= mark
	}
	for _, c := range []byte("\"'`") {
		t[c] = quote
	}
	for _, c := range []byte(`)]}>`) {
		t[c] = closer
	}
	return t
}

// segment is the part of a word between slashes as it is being written.
type segment struct {
	at    int  // where in the template it begins
	after int  // one past its last wildcard, while only joints followed; -1: none
	id    bool // that wildcard stands for a long id
}

// parts writes a word that has digits or a mark, part by part: a part is a run
// of letters and digits. It is true when the query of a URL follows.
func (m *masker) parts(w string) (query bool) {
	if isColonHex(w) {
		m.mask()
		return false
	}
	i, slash := 0, false
	if len(w) > 1 && (w[0] == '-' || w[0] == '+') && classOf[w[1]]&digit != 0 {
		i = 1
	}
	s := segment{at: len(m.dst), after: -1}
	for i < len(w) {
		if classOf[w[i]]&joint != 0 {
			switch {
			case w[i] == '/':
				slash = true
				s = segment{at: len(m.dst) + 1, after: -1}
			case w[i] == '?' && slash:
				m.dst = append(m.dst, '?')
				m.mask()
				return true
			case w[i] == '@' && isAddress(w, i):
				m.dst, s.after = m.dst[:min(len(m.dst), s.at)], -1
				m.masked(&s, true)
				i = segmentEnd(w, i)
				continue
			}
			m.dst = append(m.dst, w[i])
			i++
			continue
		}
		if isUUID(w[i:]) {
			m.masked(&s, true)
			i += 36
			continue
		}
		j, seen := i, class(0)
		for j < len(w) && classOf[w[j]]&(letter|digit) != 0 {
			seen |= classOf[w[j]]
			j++
		}
		m.part(&s, w[i:j], seen, i > 0 && w[i-1] == '/')
		i = j
	}
	return false
}

// part writes one part of a word; its kind says what is in it.
func (m *masker) part(s *segment, p string, seen class, afterSlash bool) {
	switch {
	case s.id && s.after >= 0 && string(m.dst[s.after:]) == "-": // the end of a generated name
		m.dst = m.dst[:s.after]
	case seen&digit == 0 && !isHexWord(p):
		m.keep(s, p)
		m.word = p
	case seen == digit && namesCode(m.word, p), isName(p), afterSlash && len(p) == 2 && p[0] == 'v':
		m.keep(s, p)
		m.word = ""
	default:
		if n := stem(p); n > 0 {
			m.keep(s, p[:n])
		}
		m.masked(s, len(p) >= 5)
		m.word = ""
	}
}

func (m *masker) keep(s *segment, p string) {
	m.dst = append(m.dst, p...)
	s.after = -1
}

// masked writes a wildcard for a part, or for all since the last wildcard when
// nothing but joints lies between.
func (m *masker) masked(s *segment, id bool) {
	if s.after >= 0 {
		m.dst = m.dst[:s.after]
		s.id = s.id || id
		return
	}
	m.mask()
	s.after, s.id = len(m.dst), id
}

// stem is how many letters of a part such as worker17 are its name; 0: the
// part is no name with a number.
func stem(p string) int {
	n := 0
	for n < len(p) && classOf[p[n]]&letter != 0 {
		n++
	}
	for _, c := range []byte(p[n:]) {
		if classOf[c]&digit == 0 {
			return 0
		}
	}
	if n < 3 || len(p) >= 8 && isHex(p) {
		return 0
	}
	return n
}

// isName knows words that have digits and are not numbers.
func isName(p string) bool {
	if len(p) > 7 {
		return false
	}
	switch lower(p) {
	case "x509", "http2", "http3", "h2", "h2c", "ipv4", "ipv6", "sha1", "sha256", "sha512", "md5", "utf8", "utf16", "s3", "ec2", "k8s",
		"oauth2", "base64", "gp2", "gp3", "log4j", "i18n", "l10n", "p50", "p90", "p95", "p99", "int32", "int64", "uint32", "uint64", "float64":
		return true
	}
	return false
}

// keepsValue says whether the value of a key tells one kind of line from
// another; other values vary from line to line.
func keepsValue(key string) bool {
	switch lower(lastPart(key)) {
	case "msg", "message", "error", "err", "level", "lvl", "severity", "event", "reason", "cause", "exception", "status", "code",
		"method", "type", "kind", "op", "operation", "action", "state", "component", "logger", "module", "caller", "func", "function":
		return true
	}
	return false
}

// namesCode says whether a short number after this word is a code: a status,
// an exit code, a signal.
func namesCode(word, number string) bool {
	if len(number) > 3 || word == "" {
		return false
	}
	part := lower(lastPart(word))
	for _, s := range []string{"status", "code", "errno", "signal"} {
		if strings.HasSuffix(part, s) {
			return true
		}
	}
	return part == "http" && len(number) == 3
}

// lastPart is the last run of letters and digits of a word, at most 16 bytes
// from its end.
func lastPart(word string) string {
	end := len(word)
	for end > 0 && classOf[word[end-1]]&(letter|digit) == 0 {
		end--
	}
	from := end
	for from > 0 && end-from < 16 && classOf[word[from-1]]&(letter|digit) != 0 {
		from--
	}
	return word[from:end]
}

// lower is for short ASCII words; a longer one is given back as it is.
func lower(word string) string {
	var buf [16]byte
	if len(word) > len(buf) {
		return word
	}
	changed := false
	for i := range len(word) {
		buf[i] = word[i]
		if 'A' <= word[i] && word[i] <= 'Z' {
			buf[i] |= 0x20
			changed = true
		}
	}
	if !changed {
		return word
	}
	return string(buf[:len(word)])
}

func isHexByte(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isHex(p string) bool {
	for i := range len(p) {
		if !isHexByte(p[i]) {
			return false
		}
	}
	return true
}

// isHexWord says whether letters alone are a hex number: no word of eight
// letters has only those from a to f.
func isHexWord(w string) bool { return len(w) >= 8 && isHex(w) }

// isColonHex knows times, hardware addresses and IPv6 addresses: hex digits
// with at least two colons.
func isColonHex(w string) bool {
	colons, digits := 0, 0
	for i := range len(w) {
		switch {
		case w[i] == ':':
			colons++
		case !isHexByte(w[i]):
			return false
		default:
			digits++
		}
	}
	return colons >= 2 && digits > 0
}

// isUUID says whether w begins with a uuid.
func isUUID(w string) bool {
	if len(w) < 36 || len(w) > 36 && classOf[w[36]]&(letter|digit) != 0 {
		return false
	}
	for i := range 36 {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (w[i] == '-') || !dash && !isHexByte(w[i]) {
			return false
		}
	}
	return true
}

// isAddress says whether the at sign w[i] is that of an email, or of a user at
// a host, rather than of an object and its number, as Java prints them.
func isAddress(w string, i int) bool {
	if i == 0 || i+1 == len(w) || classOf[w[i-1]]&(letter|digit) == 0 || classOf[w[i+1]]&(letter|digit) == 0 {
		return false
	}
	return !isHex(w[i+1 : segmentEnd(w, i)])
}

// segmentEnd is where the part of a path around w[i] ends; a last dot or colon
// is not in it.
func segmentEnd(w string, i int) int {
	end := len(w)
	if n := strings.IndexByte(w[i:], '/'); n >= 0 {
		end = i + n
	}
	for end > i+1 && (w[end-1] == '.' || w[end-1] == ':') {
		end--
	}
	return end
}
