package engine

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose"
)

// masked stands where a secret stood. A diagnosis goes into the record, which
// nobody can take anything out of again, so secrets are taken out before it
// reads anything; what was touched stays to be seen. It is no word: two texts
// must not seem alike for it.
const masked = "***"

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

// isSecret says whether a value under this key is nobody's to read.
func isSecret(key, value string) bool {
	return value != "" && secretKey.MatchString(key) && !harmless.MatchString(value)
}

// maskText takes secrets out of a text that nobody wrote for us: a log line, a
// diff, what an alert says.
func maskText(text string) string {
	return assigned.ReplaceAllStringFunc(maskTokens(text), func(found string) string {
		m := assigned.FindStringSubmatch(found)
		value := strings.Trim(m[3], `"'`)
		if value == "" || harmless.MatchString(value) || strings.HasPrefix(value, masked) {
			return found
		}
		return m[1] + m[2] + strings.Replace(m[3], value, masked, 1)
	})
}

// maskTokens takes out what is a secret by its form alone.
func maskTokens(text string) string {
	text = keyBlock.ReplaceAllString(text, masked)
	text = inAddress.ReplaceAllString(text, "$1:"+masked+"@")
	text = bearer.ReplaceAllString(text, "$1 "+masked)
	return issued.ReplaceAllString(text, masked)
}

func maskTexts(list []string) []string {
	list = slices.Clone(list)
	for i := range list {
		list[i] = maskText(list[i])
	}
	return list
}

func maskValues(m map[string]string) map[string]string {
	m = maps.Clone(m) // it is the store's
	for k, v := range m {
		if isSecret(k, v) {
			m[k] = masked
		} else {
			m[k] = maskText(v)
		}
	}
	return m
}

// maskAnswer takes secrets out of what a diagnosis will read. What the sources
// gave is left as it was.
func maskAnswer(a *diagnose.Answer) {
	a.Changes = slices.Clone(a.Changes)
	for i := range a.Changes {
		c := &a.Changes[i]
		c.Summary, c.Diff = maskText(c.Summary), maskText(c.Diff)
		c.DiffHints, c.Config, c.Flags = maskTexts(c.DiffHints), maskValues(c.Config), maskValues(c.Flags)
	}
	a.Logs = slices.Clone(a.Logs)
	for i := range a.Logs {
		a.Logs[i].Template, a.Logs[i].Example = maskText(a.Logs[i].Template), maskText(a.Logs[i].Example)
	}
	a.Status = slices.Clone(a.Status)
	for i := range a.Status {
		a.Status[i].Title, a.Status[i].Text = maskText(a.Status[i].Title), maskText(a.Status[i].Text)
	}
	a.Missing = maskTokens(a.Missing) // words of ours, which may hold an address
}

func maskAlarm(a diagnose.Alarm) diagnose.Alarm {
	a.Monitor, a.Summary, a.Detail = maskText(a.Monitor), maskText(a.Summary), maskText(a.Detail)
	return a
}

// maskContrasts takes secrets out of the values of attributes.
func maskContrasts(list []pitwall.AttributeContrast) {
	for i := range list {
		for j := range list[i].Values {
			v := &list[i].Values[j]
			if isSecret(list[i].Key, v.Value) {
				v.Value = masked
			} else {
				v.Value = maskText(v.Value)
			}
		}
	}
}
