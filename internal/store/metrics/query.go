package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/pitwall/pitwall"
)

// maxPoints bounds the points of one series, as Prometheus' own API does.
const maxPoints = 11_000

// QueryRange evaluates a PromQL query at p.From, p.From+step, ... before p.To.
// Points that are not a finite number are left out: 0/0 is no data, not a
// value. A query nothing matches gives no series and no error.
func (s *Store) QueryRange(ctx context.Context, query string, p pitwall.Period, step time.Duration) ([]pitwall.Series, error) {
	const op = "querying metrics over a period"
	leave, err := s.enter(ctx, op)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := checkRange(p, step); err != nil {
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: query, Err: err, Hint: "ask for a shorter period or a longer step"}
	}
	// The engine's end is inclusive, a period's is not.
	q, err := s.engine.NewRangeQuery(ctx, s.db, nil, query, p.From, p.To.Add(-time.Millisecond), step)
	if err != nil {
		return nil, queryError(op, query, err)
	}
	defer q.Close()
	return answer(op, query, q.Exec(ctx))
}

// Query evaluates a PromQL query at one instant; each series has one point.
func (s *Store) Query(ctx context.Context, query string, at time.Time) ([]pitwall.Series, error) {
	const op = "querying metrics"
	leave, err := s.enter(ctx, op)
	if err != nil {
		return nil, err
	}
	defer leave()
	q, err := s.engine.NewInstantQuery(ctx, s.db, nil, query, at)
	if err != nil {
		return nil, queryError(op, query, err)
	}
	defer q.Close()
	return answer(op, query, q.Exec(ctx))
}

func checkRange(p pitwall.Period, step time.Duration) error {
	switch {
	case step < time.Millisecond:
		return fmt.Errorf("step %v is shorter than a millisecond", step)
	case !p.From.Before(p.To):
		return fmt.Errorf("the period ends (%s) no later than it begins (%s)", stamp(p.To), stamp(p.From))
	case p.Duration()/step > maxPoints:
		return fmt.Errorf("%v in steps of %v is more than %d points", p.Duration(), step, maxPoints)
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// answer turns a result of the engine into series. The engine reuses its
// memory once the query is closed, so everything is copied.
func answer(op, query string, r *promql.Result) ([]pitwall.Series, error) {
	if r.Err != nil {
		return nil, queryError(op, query, r.Err)
	}
	switch v := r.Value.(type) {
	case promql.Matrix:
		return matrix(op, query, v)
	case promql.Vector:
		m := make(promql.Matrix, 0, len(v))
		for _, sample := range v {
			if sample.H != nil {
				return nil, histogramError(op, query)
			}
			m = append(m, promql.Series{Metric: sample.Metric, Floats: []promql.FPoint{{T: sample.T, F: sample.F}}})
		}
		return matrix(op, query, m)
	case promql.Scalar:
		return matrix(op, query, promql.Matrix{{Floats: []promql.FPoint{{T: v.T, F: v.V}}}})
	default:
		e := pitwall.Errorf(pitwall.Invalid, op, "the query gives a %s, not numbers", r.Value.Type())
		e.ID = query
		return nil, e
	}
}

func matrix(op, query string, m promql.Matrix) ([]pitwall.Series, error) {
	var out []pitwall.Series
	for _, series := range m {
		if len(series.Histograms) > 0 {
			return nil, histogramError(op, query)
		}
		s := pitwall.Series{Labels: series.Metric.Map()}
		for _, p := range series.Floats {
			if math.IsNaN(p.F) || math.IsInf(p.F, 0) {
				continue
			}
			s.T = append(s.T, p.T)
			s.V = append(s.V, p.F)
		}
		if len(s.T) > 0 {
			out = append(out, s)
		}
	}
	return out, nil
}

func histogramError(op, query string) error {
	e := pitwall.Errorf(pitwall.Invalid, op, "the query gives native histograms, not numbers")
	e.ID, e.Hint = query, "wrap it in histogram_quantile, histogram_count, histogram_sum or histogram_avg"
	return e
}

// queryError says whose fault it was: the query's, the clock's or ours.
func queryError(op, query string, err error) error {
	e := &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: query, Err: err}
	var (
		syntax   parser.ParseErrors
		timeout  promql.ErrQueryTimeout
		canceled promql.ErrQueryCanceled
		tooMany  promql.ErrTooManySamples
		broken   promql.ErrStorage
	)
	switch {
	case errors.As(err, &syntax) && len(syntax) > 0:
		e.Err = position(query, syntax[0])
		e.Hint = "mend the query; https://prometheus.io/docs/prometheus/latest/querying/basics/ has the grammar"
	case errors.As(err, &timeout), errors.As(err, &canceled):
		e.Kind, e.Hint = pitwall.Unavailable, "ask for a shorter period or a longer step"
	case errors.As(err, &tooMany):
		e.Hint = "the query reads too many samples; narrow its selector or its period"
	case errors.As(err, &broken):
		e.Kind = pitwall.Internal
	}
	return e
}

// position names line and column, both from 1.
func position(query string, p parser.ParseErr) error {
	line, col := 1, 1
	for i, r := range query {
		if i >= int(p.PositionRange.Start) {
			break
		}
		col++
		if r == '\n' {
			line, col = line+1, 1
		}
	}
	return fmt.Errorf("line %d, column %d: %w", line, col, p.Err)
}
