package seriesfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// MaxBytes bounds a file once it is unpacked.
const MaxBytes = 1 << 30

// Series is one column of a file. All slices have the file's rows, in its order.
type Series struct {
	File   string
	Column string    // name of the column, or labels of the series
	Value  []float64 // NaN where a value is missing
	At     []string  // the time of each row as the file says it; nil: it has none
	// Seconds are the times as unix seconds, NaN where a row has none that can be
	// read; nil: rows are only counted.
	Seconds []float64
}

// Step is the usual distance of two rows in seconds: the median of those that
// are later than the row before. It is 0 where rows are only counted.
func (s Series) Step() float64 {
	var gaps []float64
	for i := 1; i < len(s.Seconds); i++ {
		if d := s.Seconds[i] - s.Seconds[i-1]; d > 0 {
			gaps = append(gaps, d)
		}
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// Unordered is the first row whose time is before that of an earlier row; -1: none.
func (s Series) Unordered() int {
	latest := math.Inf(-1)
	for i, t := range s.Seconds {
		if t < latest {
			return i
		}
		if t > latest {
			latest = t
		}
	}
	return -1
}

// Read reads all series of a file. It may be packed with gzip, whatever its
// name; what it holds is told by how it begins.
func Read(file string, in io.Reader) ([]Series, error) {
	data, err := unpacked(in)
	if err != nil {
		return nil, fault(file, err, "")
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n")
	switch {
	case len(text) == 0:
		return nil, fault(file, errors.New("it is empty"), "a CSV file needs a header such as time,value and a row for each point")
	case text[0] == '{':
		return prometheus(file, text)
	}
	return table(file, text)
}

func unpacked(in io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, MaxBytes+1))
	if err == nil && bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(data)); err == nil {
			data, err = io.ReadAll(io.LimitReader(z, MaxBytes+1))
		}
	}
	if err == nil && len(data) > MaxBytes {
		err = fmt.Errorf("it holds more than %d MiB", MaxBytes>>20)
	}
	return data, err
}

func fault(where string, err error, hint string) error {
	return &pitwall.Error{Op: "reading series", Kind: pitwall.Invalid, ID: where, Err: err, Hint: hint}
}

// short is a text as a message can hold it.
func short(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// missing are the words for "no value", in lower case; read-only.
var missing = map[string]bool{"": true, "nan": true, "na": true, "n/a": true, "null": true, "none": true, "-": true}

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

// layouts are the spellings of a time that are read; read-only.
var layouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04", "2006-01-02", "2006-01", "01/02/2006 15:04"}

// seconds reads a time as unix seconds; a number may also be milliseconds,
// microseconds or nanoseconds, told by its size. ok is false for an index.
func seconds(text string) (s float64, ok bool) {
	text = strings.TrimSpace(text)
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		for v > 1e11 && !math.IsInf(v, 0) { // the year 5138
			v /= 1000
		}
		return v, v > 1e8 && !math.IsInf(v, 0) // 1973: anything below counts rows
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return float64(t.UnixMicro()) / 1e6, true
		}
	}
	return 0, false
}

// timed fills in the seconds where the times are some.
func timed(at []string) []float64 {
	out, known := make([]float64, len(at)), 0
	for i, text := range at {
		s, ok := seconds(text)
		if !ok {
			s = math.NaN()
		} else {
			known++
		}
		out[i] = s
	}
	if known == 0 || 2*known < len(at) {
		return nil
	}
	return out
}
