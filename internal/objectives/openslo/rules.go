package openslo

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// How names are written.
var (
	labelText     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	labelKey      = regexp.MustCompile(`^[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$`)
	qualifiedName = regexp.MustCompile(`^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$`)
	labelValue    = regexp.MustCompile(`^([a-z0-9]([-._a-z0-9]{0,61}[a-z0-9])?)?$`)
	letters       = regexp.MustCompile(`^[a-zA-Z]+$`)
)

// longest texts, in characters.
const (
	maxDisplayName = 63
	maxDescription = 1050
)

// dnsLabel refuses names that are no label of RFC 1123: 63 lower-case letters,
// digits and dashes. The name of an objective stands in addresses and metrics;
// of other names Pitwall only asks that they be found again.
func dnsLabel(g Grade) rule {
	return func(c *checker, f Field) {
		if !labelText.MatchString(f.Text()) && f.Text() != "" {
			c.add(g, f, "write it like "+suggestName(f.Text()), "the name %q is not made of at most 63 lower-case letters, digits and dashes, with no dash at its ends", clip(f.Text()))
		}
	}
}

// Slug makes a label of RFC 1123 from any text, "" if nothing of it is left.
func Slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() == 63 {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}

func suggestName(s string) string {
	if slug := Slug(clip(s)); slug != "" {
		return slug
	}
	return "my-name"
}

func notEmpty(c *checker, f Field) {
	if f.Text() == "" {
		c.add(Invalid, f, "", "%s is missing", last(f.path))
	}
}

func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func atMost(n int) rule {
	return func(c *checker, f Field) {
		if got := utf8.RuneCountInString(f.Text()); got > n {
			c.add(Tolerated, f, "shorten it", "%d characters are more than %d", got, n)
		}
	}
}

func oneOf(words ...string) rule {
	return func(c *checker, f Field) {
		if !slices.Contains(words, f.Text()) && f.Text() != "" {
			c.add(Invalid, f, "one of "+strings.Join(words, ", "), "%q is not known%s", clip(f.Text()), strict.Nearest(f.Text(), words))
		}
	}
}

func matches(re *regexp.Regexp, what string) rule {
	return func(c *checker, f Field) {
		if !re.MatchString(f.Text()) {
			c.add(Tolerated, f, "", "%q is not %s", clip(f.Text()), what)
		}
	}
}

func keys(re *regexp.Regexp, what string) rule {
	return func(c *checker, f Field) {
		for key, v := range f.Pairs() {
			if !re.MatchString(key) {
				c.add(Tolerated, v, "", "the key %q is not %s", clip(key), what)
			}
		}
	}
}

// labelled is a label's value in v1: a text, or several.
func labelled() *shape {
	return &shape{is: anything, rules: []rule{func(c *checker, f Field) {
		values := f.Items()
		if f.node.Kind != yaml.SequenceNode {
			values = []Field{f}
		}
		for _, v := range values {
			c.walk(text(), v)
		}
	}}}
}

func operator() *shape { return text(oneOf("gt", "lt", "gte", "lte")) }

// within refuses numbers outside of [low,high), or of (low,high] if the ends
// are turned.
func within(low, high float64, turned bool) rule {
	return func(c *checker, f Field) {
		v, _ := f.Number()
		switch {
		case turned && !(v > low && v <= high):
			c.add(Invalid, f, "", "%v must be above %v and at most %v", v, low, high)
		case !turned && !(v >= low && v < high):
			c.add(Invalid, f, "", "%v must be at least %v and below %v", v, low, high)
		}
	}
}

// target refuses what is no share of good events, and names the likely slip.
func target(c *checker, f Field) {
	v, _ := f.Number()
	switch {
	case v == 0:
		c.add(Stricter, f, "every event may be bad then, and nothing can alert", "target 0 asks for nothing")
	case v == 1:
		c.add(Invalid, f, "a target of 1 leaves no budget to spend", "target %s must lie between 0 and 1", f.Text())
	case v > 1 && v < 100:
		c.add(Invalid, f, "target is a ratio; write targetPercent: "+f.Text()+" for a percentage", "target %s is above 1", f.Text())
	case !(v > 0 && v < 1):
		c.add(Invalid, f, "a target is a ratio such as 0.999", "target %s must lie between 0 and 1", f.Text())
	}
}

func targetPercent(c *checker, f Field) {
	v, _ := f.Number()
	switch {
	case v == 0:
		c.add(Stricter, f, "every event may be bad then, and nothing can alert", "targetPercent 0 asks for nothing")
	case v == 100:
		c.add(Invalid, f, "a target of 100 leaves no budget to spend", "targetPercent %s must lie between 0 and 100", f.Text())
	case !(v > 0 && v < 100):
		c.add(Invalid, f, "targetPercent: 99.9", "targetPercent %s must lie between 0 and 100", f.Text())
	}
}

// calendar is where a calendar window starts, and in which zone.
func calendar() *shape {
	start := func(c *checker, f Field) {
		if _, err := time.Parse(time.DateTime, f.Text()); err != nil && f.Text() != "" {
			c.add(Invalid, f, "write it like 2026-01-01 00:00:00; the zone stands in timeZone", "startTime %q is not a date and a time", clip(f.Text()))
		}
	}
	zone := func(c *checker, f Field) {
		if _, err := Zone(f.Text()); err != nil {
			c.add(Invalid, f, "such as UTC, America/New_York or Europe/Warsaw", "timeZone %q is not in the IANA time zone database", clip(f.Text()))
		}
	}
	return object(nil, must("startTime", text(notEmpty, start)), must("timeZone", text(notEmpty, zone)))
}

// Zone loads a zone of the IANA database by name. The zone of the machine is
// none: a budget must not depend on where it is computed.
func Zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, &time.ParseError{Value: name, Message: "not a zone"}
	}
	return time.LoadLocation(name)
}

// rollingOrCalendar refuses windows that are both or neither. g grades a window
// that does not roll and has no calendar.
func rollingOrCalendar(g Grade) rule {
	return func(c *checker, f Field) {
		rolls, cal := f.Get("isRolling").Flag(), f.Get("calendar").Has()
		switch {
		case rolls && cal:
			c.add(Invalid, f, "leave calendar out, or write isRolling: false", "calendar is given although isRolling is true")
		case !rolls && !cal:
			c.add(g, f, "write isRolling: true, or calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}", "calendar is missing although isRolling is not true")
		}
	}
}

// exactly one of the fields of an object.
func exactlyOne(a, b string) rule {
	return func(c *checker, f Field) {
		switch x, y := f.Get(a), f.Get(b); {
		case x.Has() && y.Has():
			c.add(Invalid, f, "keep one of them", "both %s and %s are given", a, b)
		case !x.Has() && !y.Has():
			c.add(Invalid, f, "", "%s or %s is missing", a, b)
		}
	}
}
