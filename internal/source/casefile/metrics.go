package casefile

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/pitwall/pitwall"
)

// Measured gives every series of the metric files, rows of the period only,
// by service, metric and stat. A series measured twice at one moment keeps the
// first value.
func (c *Case) Measured(ctx context.Context, p pitwall.Period) ([]pitwall.Measured, error) {
	names, err := c.files(c.metrics, "metrics.csv")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, c.absent("metrics")
	}
	t := table{byKey: map[seriesKey]*pitwall.Measured{}, period: p}
	err = c.each(ctx, names, func(_ string, in io.Reader) error { return t.add(in) })
	if err != nil {
		return nil, err
	}
	return t.series(), nil
}

// What a table may hold: a hundred series of each of a thousand components,
// each with some hundred points.
const (
	mostSeries = 100_000
	mostPoints = 10_000_000
)

type seriesKey struct{ service, metric, stat string }

// table gathers rows into series.
type table struct {
	byKey  map[seriesKey]*pitwall.Measured
	period pitwall.Period
	points int
}

// columns are the places of the fields in a row; source is -1 when there is none.
type columns struct{ time, service, metric, stat, value, source int }

func (t *table) add(in io.Reader) error {
	row := &rows{in: in}
	r := csv.NewReader(row)
	r.ReuseRecord, r.FieldsPerRecord = true, -1
	head, err := r.Read()
	if row.err != nil && !errors.Is(row.err, io.EOF) {
		return row.err
	}
	if err != nil {
		return errors.New("it has no header; want time,service,metric,stat,value[,source]")
	}
	at, err := header(head)
	if err != nil {
		return err
	}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := t.row(fields, at); err != nil {
			line, _ := r.FieldPos(0)
			return atLine{line, err}
		}
		row.done = r.InputOffset()
	}
}

// longestRow is what a row may take: the reader of tables holds one in memory,
// and a quotation mark that is never closed makes a row of the whole file.
const longestRow = 1 << 20

// rows are the bytes of a table, up to the end of one row too long.
type rows struct {
	in          io.Reader
	given, done int64 // bytes handed out; of rows that were read
	err         error // of the last Read
}

func (r *rows) Read(p []byte) (int, error) {
	if r.given-r.done > longestRow {
		r.err = fmt.Errorf("a row is longer than %d bytes: is a quotation mark not closed?", longestRow)
		return 0, r.err
	}
	var n int
	n, r.err = r.in.Read(p)
	r.given += int64(n)
	return n, r.err
}

// atLine is a fault with its line.
type atLine struct {
	line int
	err  error
}

func (e atLine) Error() string { return "line " + strconv.Itoa(e.line) + ": " + e.err.Error() }

func (e atLine) Unwrap() error { return e.err }

func header(head []string) (columns, error) {
	find := func(name string) int { return slices.Index(head, name) }
	at := columns{find("time"), find("service"), find("metric"), find("stat"), find("value"), find("source")}
	if min(at.time, at.service, at.metric, at.stat, at.value) < 0 {
		return at, errors.New("its header lacks a column; want time,service,metric,stat,value[,source]")
	}
	return at, nil
}

func (t *table) row(row []string, at columns) error {
	if len(row) <= max(at.time, at.service, at.metric, at.stat, at.value) {
		return errors.New("the row is too short")
	}
	sec, err := strconv.ParseFloat(row[at.time], 64)
	if err != nil || math.IsNaN(sec) || math.Abs(sec) > 1e12 {
		return errors.New("time " + strconv.Quote(row[at.time]) + " is no number of unix seconds")
	}
	v, err := strconv.ParseFloat(row[at.value], 64)
	if err != nil {
		return errors.New("value " + strconv.Quote(row[at.value]) + " is no number")
	}
	ms := int64(math.Round(sec * 1000))
	if math.IsNaN(v) || math.IsInf(v, 0) || ms < t.period.From.UnixMilli() || ms >= t.period.To.UnixMilli() {
		return nil // a measurement that is none, or of another time
	}
	key := seriesKey{row[at.service], row[at.metric], row[at.stat]}
	s := t.byKey[key]
	if s == nil {
		key = seriesKey{string([]byte(key.service)), string([]byte(key.metric)), string([]byte(key.stat))}
		s = &pitwall.Measured{Service: pitwall.ServiceName(key.service), Metric: key.metric, Stat: key.stat}
		if at.source >= 0 && at.source < len(row) {
			s.Source = string([]byte(row[at.source]))
		}
		t.byKey[key] = s
	}
	if t.points++; t.points > mostPoints || len(t.byKey) > mostSeries {
		return fmt.Errorf("the tables hold more than %d series or %d points of the two periods", mostSeries, mostPoints)
	}
	s.T, s.V = append(s.T, ms), append(s.V, v)
	return nil
}

// series puts everything in order.
func (t *table) series() []pitwall.Measured {
	list := make([]pitwall.Measured, 0, len(t.byKey))
	for _, s := range t.byKey {
		if !slices.IsSorted(s.T) {
			sortByTime(s)
		}
		once(s)
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b pitwall.Measured) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Stat, b.Stat))
	})
	return list
}

func sortByTime(s *pitwall.Measured) {
	order := make([]int, len(s.T))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(s.T[i], s.T[j]) })
	t, v := make([]int64, len(order)), make([]float64, len(order))
	for to, from := range order {
		t[to], v[to] = s.T[from], s.V[from]
	}
	s.T, s.V = t, v
}

// once drops later values of a moment that has one.
func once(s *pitwall.Measured) {
	n := 0
	for i := range s.T {
		if n > 0 && s.T[i] == s.T[n-1] {
			continue
		}
		s.T[n], s.V[n] = s.T[i], s.V[i]
		n++
	}
	s.T, s.V = s.T[:n], s.V[:n]
}
