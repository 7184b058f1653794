package mask

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Masked stands where a secret stood. It is no word: two texts must not seem
// alike for it.
const Masked = "***"

// secretName is a name under which secrets are kept; harmless is what is none
// under any name: a number of few digits with or without a unit, a switch.
const secretName = `(?i:[\w.-]*(?:passw(?:or)?d|pwd|passphrase|secret|token|credential|authorization|cookie|(?:api|access|private|signing|encryption)[_.-]?key)[\w.-]*)`

var (
	secretKey = regexp.MustCompile(`^` + secretName + `$`)
	harmless  = regexp.MustCompile(`^(?i:true|false|on|off|yes|no|none|null|bearer|basic|\d{1,5}(\.\d+)?([a-z]{1,3}|%)?)$`)
)

// What is a secret wherever it stands: the password in an address, what follows
// "Bearer", signed and issued tokens by the form their issuers gave them, keys.
var (
	inAddress = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"']*):[^\s/@"']+@`)
	bearer    = regexp.MustCompile(`\b([Bb]earer|[Aa]uthorization: [Bb]asic)\s+[A-Za-z0-9._~+/=-]{12,}`)
	issued    = regexp.MustCompile(`\beyJ[\w-]{8,}\.[\w-]{8,}(\.[\w-]*)?|\b(AKIA|ASIA)[0-9A-Z]{16}\b|\b(gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk_live_|rk_live_)[\w-]{10,}`)
	keyBlock  = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)`)
	// assigned is a name and what it is set to: quoted, or up to the next space.
	assigned = regexp.MustCompile(`(` + secretName + `)(["']?\s*(?::=|[:=])\s*)("[^"\n]*"|'[^'\n]*'|[^\s"',;&(){}<>\[\]]+)`)
)

// Secret says whether a value under this key is nobody's to read.
func Secret(key, value string) bool {
	return value != "" && secretKey.MatchString(key) && !harmless.MatchString(value)
}

// Text takes secrets out of a text that nobody wrote for us: a log line, a
// diff, what an alert says.
func Text(text string) string {
	return assigned.ReplaceAllStringFunc(Tokens(text), func(found string) string {
		m := assigned.FindStringSubmatch(found)
		value := strings.Trim(m[3], `"'`)
		if value == "" || harmless.MatchString(value) || strings.HasPrefix(value, Masked) {
			return found
		}
		return m[1] + m[2] + strings.Replace(m[3], value, Masked, 1)
	})
}

// Tokens takes out what is a secret by its form alone.
func Tokens(text string) string {
	text = keyBlock.ReplaceAllString(text, Masked)
	text = inAddress.ReplaceAllString(text, "$1:"+Masked+"@")
	text = bearer.ReplaceAllString(text, "$1 "+Masked)
	return issued.ReplaceAllString(text, Masked)
}

func texts(list []string) []string {
	list = slices.Clone(list)
	for i := range list {
		list[i] = Text(list[i])
	}
	return list
}

// Values takes secrets out of settings: all of a value that is one by its name,
// and what is one by its form out of the others. What it was given stays as it was.
func Values(m map[string]string) map[string]string {
	m = maps.Clone(m) // it is somebody else's
	for k, v := range m {
		if Secret(k, v) {
			m[k] = Masked
		} else {
			m[k] = Text(v)
		}
	}
	return m
}
