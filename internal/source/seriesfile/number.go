package seriesfile

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// missing are the words for "no value", in lower case; read-only.
var missing = map[string]bool{"": true, "nan": true, "na": true, "n/a": true, "#n/a": true, "null": true, "none": true, "undefined": true, "-": true}

// number reads a value; what is missing or infinite is NaN.
func number(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	if missing[strings.ToLower(text)] {
		return math.NaN(), true
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	if math.IsInf(v, 0) {
		v = math.NaN()
	}
	return v, true
}

// Spellings of a number; read-only.
var (
	// commaDecimal is a cell with a decimal comma, where commas part no columns.
	commaDecimal = regexp.MustCompile(`[;\t]"?[-+]?[0-9.]*[0-9],[0-9]+[^;\t\n]*`)
	pointGroups  = regexp.MustCompile(`^[-+]?[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]*)?$`)
	commaGroups  = regexp.MustCompile(`^[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?$`)
	withUnit     = regexp.MustCompile(`^([-+]?[0-9.,]+(?:[eE][-+]?[0-9]+)?)[ \x{a0}\x{202f}]*([^0-9.,;:\s\-][^0-9:]{0,9})$`)
)

// spelling is how a table writes its numbers.
type spelling struct {
	comma bool // the comma is the decimal mark
}

// value reads a cell: 1204.5, 1,204.5 or, with a decimal comma, 1.204,5; each
// may be followed by a unit, which is returned as it is written.
func (s spelling) value(text string) (v float64, unit string, ok bool) {
	text = strings.TrimSpace(text)
	if v, ok := s.bare(text); ok {
		return v, "", true
	}
	if len(text) > 64 || !utf8.ValidString(text) {
		return 0, "", false
	}
	m := withUnit.FindStringSubmatch(text)
	if m == nil {
		return 0, "", false
	}
	v, ok = s.bare(m[1])
	return v, strings.TrimSpace(m[2]), ok
}

func (s spelling) bare(text string) (float64, bool) {
	switch {
	case s.comma && pointGroups.MatchString(text):
		text = strings.ReplaceAll(text, ".", "")
	case !s.comma && commaGroups.MatchString(text):
		text = strings.ReplaceAll(text, ",", "")
	}
	if s.comma && strings.Count(text, ",") == 1 {
		text = strings.Replace(text, ",", ".", 1)
	}
	return number(text)
}
