package seriesfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// MaxColumns bounds the columns of a table.
const MaxColumns = 100_000

// timeNames are headers of a column of times, in lower case; read-only.
var timeNames = []string{"time", "timestamp", "ts", "date", "datetime", "t", "index", "x"}

const (
	wantsHeader  = "a CSV file needs a header such as time,value and a row for each point"
	wantsNumbers = "leave a missing value empty; export plain numbers, and take out columns that hold something else"
)

// table reads CSV. Its columns are parted by commas, semicolons or tabs, as the
// first line tells.
func table(file string, text []byte) ([]Series, error) {
	s := sheet{file: file}
	s.parted, s.text = separator(text)
	line, _, _ := bytes.Cut(s.text, []byte("\n"))
	if n := bytes.Count(line, []byte(string(s.parted))); n >= MaxColumns {
		return nil, fault(file, fmt.Errorf("its first line has %d columns; at most %d are read", n+1, MaxColumns), "is a line break missing?")
	}
	s.spelling.comma = s.parted != ',' && commaDecimal.Match(s.text)
	about, err := s.survey()
	if err != nil {
		return nil, err
	}
	c, err := s.columns(about)
	if err != nil {
		return nil, err
	}
	return c.series()
}

// separator tells what parts columns, and leaves out the line "sep=…" that is
// written for spreadsheets.
func separator(text []byte) (rune, []byte) {
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	if said, ok := strings.CutPrefix(strings.Trim(string(line), "\" \t\r"), "sep="); ok {
		if len(said) == 0 {
			return '\t', rest
		}
		return rune(said[0] & 0x7f), rest
	}
	return comma(line), text
}

// comma tells the separator from the first line: a semicolon or tab where there are
// more of them than commas that part something, a comma within a number being
// none of these.
func comma(line []byte) rune {
	count, quoted := map[rune]int{}, false
	digit := func(i int) bool { return i >= 0 && i < len(line) && line[i] >= '0' && line[i] <= '9' }
	for i, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted && (c != ',' || !digit(i-1) || !digit(i+1)):
			count[rune(c)]++
		}
	}
	for _, c := range ";\t" {
		if count[c] > count[','] {
			return c
		}
	}
	return ','
}

// sheet is a table that is read twice: for what its columns hold, then for that.
type sheet struct {
	file     string
	text     []byte
	parted   rune
	spelling spelling
}

// each hands on the rows with their lines; the slice is valid until the next.
func (s sheet) each(do func(line int, row []string) error) error {
	r := csv.NewReader(bytes.NewReader(s.text))
	r.Comma, r.ReuseRecord, r.TrimLeadingSpace, r.Comment = s.parted, true, s.parted != '\t', '#'
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, csv.ErrFieldCount) {
			return fault(s.file, err, "every row needs as many columns as the header")
		}
		if err != nil {
			return fault(s.file, err, "is it CSV?")
		}
		line, _ := r.FieldPos(0)
		if err := do(line, row); err != nil {
			return err
		}
	}
}

// column is what one holds.
type column struct {
	numbers, words, times int // cells
	line                  int // of the first word
	word                  string
}

func (c column) fault(file, name string) error {
	return fault(fmt.Sprintf("%s:%d", file, c.line), fmt.Errorf("column %q holds %q, which is no number", short(name), c.word), wantsNumbers)
}

// held is what the columns of a table hold.
type held struct {
	head   []string
	rows   bool // the first line holds values already
	column []column
}

func (s sheet) survey() (held, error) {
	var h held
	lines := 0
	err := s.each(func(line int, row []string) error {
		if lines++; lines == 1 {
			h.head, h.rows = header(slices.Clone(row), s.spelling)
			h.column = make([]column, len(row))
			if !h.rows {
				return nil
			}
		}
		for i, text := range row {
			h.column[i].count(s, line, text)
		}
		return nil
	})
	if err == nil && (lines == 0 || lines == 1 && !h.rows) {
		err = fault(s.file, errors.New("it has a header and no rows"), wantsHeader)
	}
	return h, err
}

func (c *column) count(s sheet, line int, text string) {
	v, _, ok := s.spelling.value(text)
	switch {
	case ok && !math.IsNaN(v):
		c.numbers++
	case !ok:
		c.words++
		if c.words == 1 {
			c.line, c.word = line, strings.Clone(short(text))
		}
		if _, ok := seconds(text); ok {
			c.times++
		}
	}
}

// header gives the names of the columns; rows is true when the first line holds
// values already.
func header(first []string, as spelling) (head []string, rows bool) {
	for _, text := range first {
		_, isTime := seconds(text)
		if _, isNumber := as.bare(text); !isNumber && !isTime {
			return first, false
		}
	}
	return make([]string, len(first)), true
}
