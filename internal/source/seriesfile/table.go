package seriesfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// timeNames are headers of a column of times, in lower case; read-only.
var timeNames = []string{"time", "timestamp", "ts", "date", "datetime", "t", "index", "x"}

// table reads CSV. Its columns are parted by commas, semicolons or tabs, as the
// first line tells.
func table(file string, text []byte) ([]Series, error) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	parted := comma(line)
	if n := bytes.Count(line, []byte(string(parted))); n >= MaxColumns {
		return nil, fault(file, fmt.Errorf("its first line has %d columns; at most %d are read", n+1, MaxColumns), "is a line break missing?")
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.ReuseRecord, r.TrimLeadingSpace, r.Comment = parted, true, true, '#'
	first, err := r.Read()
	if err != nil {
		return nil, fault(file, err, "")
	}
	first = slices.Clone(first)
	head, rows := header(first)
	times := slices.IndexFunc(head, func(name string) bool { return slices.Contains(timeNames, strings.ToLower(strings.TrimSpace(name))) })
	c := columns{file: file, head: head, times: times}
	if times < 0 && len(head) > 1 {
		c.times, c.guessed = 0, true
	}
	if rows {
		if err := c.row(first, 1); err != nil {
			return nil, err
		}
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fault(file, err, "every row needs as many columns as the header")
		}
		line, _ := r.FieldPos(0)
		if err := c.row(row, line); err != nil {
			return nil, err
		}
	}
	return c.series()
}

// MaxColumns bounds the columns of a table.
const MaxColumns = 100_000

// columns are those of a table while it is read.
type columns struct {
	file  string
	head  []string
	times int // the column of times; -1: none
	at    []string
	value [][]float64
	// guessed says that no column is named as times are, and the first is taken
	// for them as far as it can be; wordy that it holds what is no number.
	guessed, wordy bool
}

func (c *columns) row(row []string, line int) error {
	if c.value == nil {
		c.value = make([][]float64, len(c.head))
	}
	for i, text := range row {
		if i == c.times {
			c.at = append(c.at, strings.Clone(strings.TrimSpace(text)))
			if !c.guessed {
				continue
			}
			v, ok := number(text)
			c.value[i], c.wordy = append(c.value[i], v), c.wordy || !ok
			continue
		}
		v, ok := number(text)
		if !ok {
			return fault(fmt.Sprintf("%s:%d", c.file, line), fmt.Errorf("column %q holds %q, which is no number", short(c.name(i)), short(text)),
				"leave a missing value empty; take out columns that are no numbers")
		}
		c.value[i] = append(c.value[i], v)
	}
	return nil
}

func (c *columns) name(i int) string {
	if name := strings.TrimSpace(c.head[i]); name != "" {
		return name
	}
	return fmt.Sprint("column ", i+1)
}

func (c *columns) series() ([]Series, error) {
	var all []Series
	clock := timed(c.at)
	if c.guessed && c.value != nil && clock == nil && !c.wordy && !rising(c.value[0]) {
		c.times, c.at = -1, nil // values like the others
	}
	for i, v := range c.value {
		if i != c.times {
			all = append(all, Series{File: c.file, Column: c.name(i), Value: v, At: c.at, Seconds: clock})
		}
	}
	if len(all) == 0 {
		return nil, fault(c.file, errors.New("it has no column of values"), "a CSV file needs a header such as time,value and a row for each point")
	}
	return all, nil
}

// rising says whether values count rows: each is above the one before.
func rising(v []float64) bool {
	for i := 1; i < len(v); i++ {
		if !(v[i] > v[i-1]) {
			return false
		}
	}
	return true
}

// header gives the names of the columns; rows is true when the first line holds
// values already.
func header(first []string) (head []string, rows bool) {
	for _, text := range first {
		_, isTime := seconds(text)
		if _, isNumber := number(text); !isNumber && !isTime {
			return first, false
		}
	}
	return make([]string, len(first)), true
}

// comma tells the separator: the first of comma, semicolon and tab that the
// first line holds.
func comma(line []byte) rune {
	for _, c := range ",;\t" {
		if bytes.ContainsRune(line, c) {
			return c
		}
	}
	return ','
}
