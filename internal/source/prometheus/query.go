package prometheus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	api "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/pitwall/pitwall"
)

const (
	// pointsPerRequest is how many points of a series a server gives at once.
	pointsPerRequest = 11_000
	// maxRequests bounds what one question may grow into.
	maxRequests = 16
)

// Query evaluates a PromQL query at one instant; each series has one point. A
// zero time means the server's present.
func (c *Client) Query(ctx context.Context, query string, at time.Time) ([]pitwall.Series, error) {
	const op = "querying prometheus"
	v, warnings, err := c.api.Query(ctx, query, at)
	if err != nil {
		return nil, c.wrong(op, query, err)
	}
	c.warned(warnings)
	return answer(op, query, v)
}

// QueryRange evaluates a PromQL query at p.From, p.From+step, ... before p.To.
// Points that are not a finite number are left out: 0/0 is no data, not a
// value. A query nothing matches gives no series and no error. What is more
// than a server gives at once is asked for in pieces.
func (c *Client) QueryRange(ctx context.Context, query string, p pitwall.Period, step time.Duration) ([]pitwall.Series, error) {
	const op = "querying prometheus over a period"
	if err := checkRange(p, step); err != nil {
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: query, Err: err, Hint: "ask for a shorter period or a longer step"}
	}
	// The API's end is inclusive and in milliseconds, a period's is not.
	end := p.To.Add(-time.Millisecond)
	all := merging{index: map[string]int{}}
	for from := p.From; !from.After(end); from = from.Add(pointsPerRequest * step) {
		to := from.Add((pointsPerRequest - 1) * step)
		if to.After(end) {
			to = end
		}
		v, warnings, err := c.api.QueryRange(ctx, query, api.Range{Start: from, End: to, Step: step})
		if err != nil {
			return nil, c.wrong(op, query, err)
		}
		c.warned(warnings)
		series, err := answer(op, query, v)
		if err != nil {
			return nil, err
		}
		all.add(series)
	}
	return all.series, nil
}

func checkRange(p pitwall.Period, step time.Duration) error {
	switch {
	case step < time.Millisecond:
		return fmt.Errorf("step %v is shorter than a millisecond", step)
	case !p.From.Before(p.To):
		return fmt.Errorf("the period ends (%s) no later than it begins (%s)", stamp(p.To), stamp(p.From))
	case p.Duration()/step >= maxRequests*pointsPerRequest:
		return fmt.Errorf("%v in steps of %v is more than %d points", p.Duration(), step, maxRequests*pointsPerRequest)
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// merging joins the pieces of a series.
type merging struct {
	series []pitwall.Series
	index  map[string]int // by labels
}

func (m *merging) add(piece []pitwall.Series) {
	for _, s := range piece {
		labels := make(model.Metric, len(s.Labels))
		for k, v := range s.Labels {
			labels[model.LabelName(k)] = model.LabelValue(v)
		}
		key := labels.String()
		i, old := m.index[key]
		if !old {
			m.index[key] = len(m.series)
			m.series = append(m.series, s)
			continue
		}
		m.series[i].T = append(m.series[i].T, s.T...)
		m.series[i].V = append(m.series[i].V, s.V...)
	}
}

// answer turns a result into series.
func answer(op, query string, v model.Value) ([]pitwall.Series, error) {
	var out []pitwall.Series
	add := func(labels model.Metric, points ...model.SamplePair) {
		s := pitwall.Series{Labels: make(map[string]string, len(labels))}
		for k, v := range labels {
			s.Labels[string(k)] = string(v)
		}
		for _, p := range points {
			if f := float64(p.Value); !math.IsNaN(f) && !math.IsInf(f, 0) {
				s.T = append(s.T, int64(p.Timestamp))
				s.V = append(s.V, f)
			}
		}
		if len(s.T) > 0 {
			out = append(out, s)
		}
	}
	switch v := v.(type) {
	case model.Matrix:
		for _, s := range v {
			if s == nil {
				return nil, emptyError(op, query)
			}
			if len(s.Histograms) > 0 {
				return nil, histogramError(op, query)
			}
			add(s.Metric, s.Values...)
		}
	case model.Vector:
		for _, s := range v {
			if s == nil {
				return nil, emptyError(op, query)
			}
			if s.Histogram != nil {
				return nil, histogramError(op, query)
			}
			add(s.Metric, model.SamplePair{Timestamp: s.Timestamp, Value: s.Value})
		}
	case *model.Scalar:
		if v == nil {
			return nil, emptyError(op, query)
		}
		add(nil, model.SamplePair{Timestamp: v.Timestamp, Value: v.Value})
	case nil:
		return nil, emptyError(op, query)
	default:
		e := pitwall.Errorf(pitwall.Invalid, op, "the query gives a %s, not numbers", v.Type())
		e.ID = query
		return nil, e
	}
	return out, nil
}

func emptyError(op, query string) error {
	e := pitwall.Errorf(pitwall.Unavailable, op, "the answer lacks a result")
	e.ID, e.Hint = query, "check the url of the source: something else may be listening there"
	return e
}

func histogramError(op, query string) error {
	e := pitwall.Errorf(pitwall.Invalid, op, "the query gives native histograms, not numbers")
	e.ID, e.Hint = query, "wrap it in histogram_quantile, histogram_count, histogram_sum or histogram_avg"
	return e
}

// wrong says whose fault it was: the query's, the server's or the address'.
// Errors of the way there are worded already.
func (c *Client) wrong(op, query string, err error) error {
	var ours *pitwall.Error
	if errors.As(err, &ours) {
		return &pitwall.Error{Op: op, Kind: ours.Kind, ID: query, Err: ours, Hint: ours.Hint}
	}
	e := &pitwall.Error{Op: op, Kind: pitwall.Unavailable, ID: query}
	var said *api.Error
	if !errors.As(err, &said) && strings.Contains(err.Error(), `unexpected value type "string"`) { // the library has no value for it
		e.Kind, e.Err = pitwall.Invalid, errors.New("the query gives a string, not numbers")
		return e
	}
	if said == nil {
		// Something answered 200 with what is no result of a query.
		e.Err, e.Hint = fmt.Errorf("the answer cannot be read: %s", c.c.Clean(err.Error())), "check the url of the source: something else may be listening there"
		return c.c.Trouble(e)
	}
	text := c.c.Clean(said.Msg)
	switch said.Type {
	case api.ErrBadData:
		e.Kind, e.Hint = pitwall.Invalid, "mend the query; https://prometheus.io/docs/prometheus/latest/querying/basics/ has the grammar"
	case api.ErrExec:
		e.Kind, e.Hint = pitwall.Invalid, "the server could not evaluate the query; narrow its selector or its period"
	case api.ErrTimeout, api.ErrCanceled:
		e.Hint = "ask for a shorter period or a longer step"
	case api.ErrClient:
		e.Kind, e.Hint = pitwall.Invalid, "check the url of the source, with the path the API is served under"
		if detail := c.c.Clean(said.Detail); detail != "" && !strings.HasPrefix(detail, "<") {
			text += ": " + detail
		}
	case api.ErrBadResponse:
		e.Hint = "check the url of the source: something else may be listening there"
		e.Err = errors.New("the answer cannot be read: " + text)
		return c.c.Trouble(e)
	}
	e.Err = errors.New(text)
	return e
}
