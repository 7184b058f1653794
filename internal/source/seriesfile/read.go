package seriesfile

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf16"

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
	// LeftOut are the columns of the file that hold words and are no series.
	LeftOut []string
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

// NewestFirst says that every row with a time is before the row above it.
func (s Series) NewestFirst() bool {
	before, n := math.Inf(1), 0
	for _, t := range s.Seconds {
		if t >= before {
			return false
		}
		if !math.IsNaN(t) {
			before, n = t, n+1
		}
	}
	return n > 1
}

// Read reads all series of a file. It may be packed with gzip, whatever its
// name; what it holds is told by how it begins.
func Read(file string, in io.Reader) ([]Series, error) {
	data, err := unpacked(in)
	if err != nil {
		return nil, fault(file, err, "")
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(utf8Of(data), []byte("\ufeff")), " \t\r\n")
	switch {
	case len(text) == 0:
		return nil, fault(file, errors.New("it is empty"), "a CSV file needs a header such as time,value and a row for each point")
	case bytes.HasPrefix(text, []byte("PK\x03\x04")):
		return nil, fault(file, errors.New("it is a workbook or an archive, not a CSV file"), "save the sheet as CSV")
	case bytes.ContainsFunc(text, unprintable):
		return nil, fault(file, errors.New("it is no text"), "it must be CSV, or JSON of a Prometheus; gzip is unpacked")
	case text[0] == '{', text[0] == '[':
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

// utf8Of turns UTF-16, which spreadsheets write, into UTF-8; its byte order mark
// tells it.
func utf8Of(data []byte) []byte {
	if len(data) < 2 {
		return data
	}
	var order binary.ByteOrder
	switch {
	case data[0] == 0xff && data[1] == 0xfe:
		order = binary.LittleEndian
	case data[0] == 0xfe && data[1] == 0xff:
		order = binary.BigEndian
	default:
		return data
	}
	units := make([]uint16, 0, len(data)/2)
	for i := 2; i+1 < len(data); i += 2 {
		units = append(units, order.Uint16(data[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}

// unprintable are the characters that no text holds.
func unprintable(r rune) bool {
	return r < ' ' && !strings.ContainsRune("\t\n\v\f\r", r)
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
