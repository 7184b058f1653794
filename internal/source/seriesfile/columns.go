package seriesfile

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// columns are those of a table while its values are read.
type columns struct {
	sheet
	head  []string
	words []bool // it holds words, such as the name of a service
	times int    // the column of times; -1: none
	at    []string
	value [][]float64
	unit  []string
	key   []string // of each row: its words
	// guessed says that no column is named as times are, and the first is taken
	// for them as far as it can be; wordy that it holds what is no number.
	guessed, wordy bool
}

// columns reads the values of a table.
func (s sheet) columns(h held) (*columns, error) {
	n := len(h.head)
	c := &columns{sheet: s, head: h.head, words: make([]bool, n), value: make([][]float64, n), unit: make([]string, n)}
	c.times = slices.IndexFunc(h.head, func(name string) bool { return slices.Contains(timeNames, strings.ToLower(strings.TrimSpace(name))) })
	if c.times < 0 && n > 1 {
		// The first that reads as dates, else the first.
		c.times, c.guessed = max(0, slices.IndexFunc(h.column, func(c column) bool { return c.times > c.numbers && 2*c.times > c.words })), true
	}
	if err := c.tell(h); err != nil {
		return nil, err
	}
	skip := !h.rows
	return c, s.each(func(line int, row []string) error {
		if skip {
			skip = false
			return nil
		}
		return c.row(row, line)
	})
}

// tell finds the columns of words: those that hold more words than numbers,
// where another holds numbers. Any other word is a fault.
func (c *columns) tell(h held) error {
	numbers := false
	for i, about := range h.column {
		if i != c.times {
			numbers = numbers || about.numbers >= max(1, about.words)
		}
	}
	for i, about := range h.column {
		switch {
		case i == c.times || about.words == 0:
		case numbers && about.words > about.numbers:
			c.words[i] = true
		default:
			return about.fault(c.file, c.name(i))
		}
	}
	c.wordy = c.times >= 0 && h.column[c.times].words > 0
	return nil
}

func (c *columns) row(row []string, line int) error {
	var key []string
	for i, text := range row {
		if c.words[i] {
			key = append(key, strings.TrimSpace(text))
			continue
		}
		v, unit, ok := c.spelling.value(text)
		if i == c.times {
			c.at = append(c.at, strings.Clone(strings.TrimSpace(text)))
			if !c.guessed {
				continue
			}
			if !ok {
				v = math.NaN()
			}
		} else if !ok || unit != "" && c.unit[i] != "" && unit != c.unit[i] {
			return fault(fmt.Sprintf("%s:%d", c.file, line), fmt.Errorf("column %q holds %q, and %s above", short(c.name(i)), short(text), short(c.unit[i])), wantsNumbers)
		}
		if unit != "" {
			c.unit[i] = strings.Clone(unit)
		}
		c.value[i] = append(c.value[i], v)
	}
	if len(key) > 0 {
		c.key = append(c.key, strings.Clone(strings.Join(key, " ")))
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
	if c.guessed && clock == nil && !c.wordy && !rising(c.value[c.times]) {
		c.times, c.at = -1, nil // values like the others
	}
	var left []string
	for i, words := range c.words {
		if words {
			left = append(left, c.name(i))
		}
	}
	groups := c.groups()
	if groups != nil {
		left = nil
	}
	for i, v := range c.value {
		if i != c.times && !c.words[i] {
			all = append(all, Series{File: c.file, Column: c.name(i), Value: v, At: c.at, Seconds: clock, LeftOut: left})
		}
	}
	if len(all) == 0 {
		return nil, fault(c.file, errors.New("it has no column of values"), wantsHeader)
	}
	if groups != nil {
		return parted(all, groups), nil
	}
	return all, nil
}

// group are the rows of one series of a table that holds several one below the
// other, as its words name them.
type group struct {
	name string
	rows []int
}

// groups parts the rows by their words where times return and those of one
// group do not; nil: they are one series.
func (c *columns) groups() []group {
	if c.key == nil || c.times < 0 {
		return nil
	}
	var all []group
	index, seen := map[string]int{}, map[[2]string]bool{}
	times := map[string]bool{}
	for row, key := range c.key {
		cell := [2]string{key, c.at[row]}
		if seen[cell] {
			return nil
		}
		seen[cell], times[c.at[row]] = true, true
		i, ok := index[key]
		if !ok {
			i = len(all)
			index[key], all = i, append(all, group{name: key})
		}
		all[i].rows = append(all[i].rows, row)
	}
	if len(times) == len(c.key) || 2*len(all) > len(c.key) || len(all) > MaxColumns {
		return nil
	}
	return all
}

// parted are the series of each group.
func parted(all []Series, groups []group) []Series {
	var out []Series
	for _, g := range groups {
		for _, s := range all {
			p := Series{File: s.File, Column: g.name}
			if len(all) > 1 {
				p.Column += " " + s.Column
			}
			for _, row := range g.rows {
				p.Value, p.At = append(p.Value, s.Value[row]), append(p.At, s.At[row])
				if s.Seconds != nil {
					p.Seconds = append(p.Seconds, s.Seconds[row])
				}
			}
			out = append(out, p)
		}
	}
	return out
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
