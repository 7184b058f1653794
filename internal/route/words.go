package route

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"
)

// Span is a length of time as the file writes it: 30s, 5m, 4h, 1d, 2w, 1d12h.
type Span time.Duration

var spanPart = regexp.MustCompile(`(\d+(?:\.\d+)?)(w|d|h|ms|m|s)`)

// UnmarshalYAML reads a length of time.
func (s *Span) UnmarshalYAML(n *yaml.Node) error {
	d, ok := parseSpan(n.Value)
	if n.Kind != yaml.ScalarNode || !ok {
		return fmt.Errorf("line %d: %q is no length of time: write 30s, 5m, 4h, 1d or 1w", n.Line, n.Value)
	}
	*s = Span(d)
	return nil
}

// longest is the longest Span: a year.
const longest = 366 * 24 * time.Hour

func parseSpan(text string) (time.Duration, bool) {
	if text == "0" {
		return 0, true
	}
	// A table of a function, for units that time.ParseDuration does not know.
	unit := map[string]time.Duration{"w": 7 * 24 * time.Hour, "d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second, "ms": time.Millisecond}
	var sum time.Duration
	rest := text
	for rest != "" {
		m := spanPart.FindStringSubmatchIndex(rest)
		if m == nil || m[0] != 0 {
			return 0, false
		}
		v, err := strconv.ParseFloat(rest[m[2]:m[3]], 64)
		d := v * float64(unit[rest[m[4]:m[5]]])
		if err != nil || d+float64(sum) > float64(longest) {
			return 0, false
		}
		sum += time.Duration(d)
		rest = rest[m[1]:]
	}
	return sum, text != ""
}

// spanText words a length of time as parseSpan reads it.
func spanText(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

// Words is one word or a list of them.
type Words []string

// UnmarshalYAML takes a word for a list of one.
func (w *Words) UnmarshalYAML(n *yaml.Node) error {
	switch n.Kind {
	case yaml.ScalarNode:
		*w = Words{n.Value}
		return nil
	case yaml.SequenceNode:
		*w = Words{}
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return fmt.Errorf("line %d: expected a word or a list of words", item.Line)
			}
			*w = append(*w, item.Value)
		}
		return nil
	}
	return fmt.Errorf("line %d: expected a word or a list of words", n.Line)
}
