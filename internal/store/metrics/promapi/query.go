package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/prometheus/prometheus/util/stats"
)

// maxPoints bounds the points of one series: a week by the minute, or a year by
// the hour.
const maxPoints = 11_000

// asked is a query as it came, read and within bounds.
type asked struct {
	text  string
	opts  promql.QueryOpts
	limit int    // series at most; 0 means all
	stats string // not empty when figures of the evaluation are wanted
	ctx   context.Context
	stop  context.CancelFunc
}

// ask reads what instant and range queries have in common. The timeout may only
// shorten the engine's own.
func (a *API) ask(w *answer) (q asked, bad *failure) {
	if _, bad = a.expression(w.form); bad != nil {
		return q, bad
	}
	q.text, q.stats = w.form.Get("query"), w.form.Get("stats")
	if q.limit, bad = limit(w.form); bad != nil {
		return q, bad
	}
	lookback, _, bad := duration(w.form, "lookback_delta")
	if bad != nil {
		return q, bad
	}
	q.opts = promql.NewPrometheusQueryOpts(q.stats == "all", lookback)
	within, given, bad := duration(w.form, "timeout")
	if bad != nil {
		return q, bad
	}
	if q.ctx, q.stop = w.r.Context(), func() {}; given {
		q.ctx, q.stop = context.WithTimeout(q.ctx, within)
	}
	return q, nil
}

func duration(form url.Values, name string) (d time.Duration, given bool, bad *failure) {
	s := form.Get(name)
	if s == "" {
		return 0, false, nil
	}
	d, err := parseDuration(s)
	if err != nil {
		return 0, false, wrong(name, err)
	}
	return d, true, nil
}

// query evaluates at one instant.
func (a *API) query(w *answer) *failure {
	at, bad := instant(w.form, "time", a.Now())
	if bad != nil {
		return bad
	}
	q, bad := a.ask(w)
	if bad != nil {
		return bad
	}
	defer q.stop()
	return a.evaluate(w, q, func() (promql.Query, error) {
		return a.Engine.NewInstantQuery(q.ctx, sorted{a.Queryable}, q.opts, q.text, at)
	})
}

// queryRange evaluates at start, start+step, ... up to and with end.
func (a *API) queryRange(w *answer) *failure {
	r, bad := period(w.form)
	if bad != nil {
		return bad
	}
	q, bad := a.ask(w)
	if bad != nil {
		return bad
	}
	defer q.stop()
	return a.evaluate(w, q, func() (promql.Query, error) {
		return a.Engine.NewRangeQuery(q.ctx, a.Queryable, q.opts, q.text, r.start, r.end, r.step)
	})
}

type steps struct {
	start, end time.Time
	step       time.Duration
}

// period reads start, end and step, all of which a range query must give.
func period(form url.Values) (r steps, bad *failure) {
	var err error
	if r.start, err = parseTime(form.Get("start")); err != nil {
		return r, wrong("start", err)
	}
	if r.end, err = parseTime(form.Get("end")); err != nil {
		return r, wrong("end", err)
	}
	if r.step, err = parseDuration(form.Get("step")); err != nil {
		return r, wrong("step", err)
	}
	switch {
	case r.end.Before(r.start):
		return r, wrong("end", errors.New("it is before start"))
	case r.step < time.Millisecond: // samples have no finer times
		return r, wrong("step", fmt.Errorf("%v is shorter than a millisecond", r.step))
	case r.end.Sub(r.start)/r.step > maxPoints:
		return r, wrong("step", fmt.Errorf("more than %d points per series; take a longer step or a shorter period", maxPoints))
	}
	return r, nil
}

// evaluate runs a query in one of the slots and writes its result. The slot is
// held until the answer is written, because its samples are in memory so long.
func (a *API) evaluate(w *answer, q asked, make func() (promql.Query, error)) *failure {
	leave, bad := a.enter(q.ctx)
	if bad != nil {
		return bad
	}
	defer leave()
	run, err := make()
	if err != nil {
		// The engine may have a queue of its own, and time may run out in it.
		if f := failed(err); f.kind != execution {
			return f
		}
		return wrong("query", err)
	}
	defer run.Close()
	res := run.Exec(q.ctx)
	if res.Err != nil {
		return failed(res.Err)
	}
	var figures []byte
	if q.stats != "" {
		if figures, err = json.Marshal(stats.NewQueryStats(run.Stats())); err != nil {
			return &failure{internal, fmt.Errorf("encoding the query's figures: %w", err)}
		}
	}
	value, cut := shorten(res.Value, q.limit)
	if cut {
		res.Warnings = res.Warnings.Add(errCut())
	}
	return w.result(value, figures, notes{res.Warnings, q.text})
}

// notes are the annotations of a query and the text they point into.
type notes struct {
	all   annotations.Annotations
	query string
}

func errCut() error { return errors.New("results truncated due to limit") }

// shorten leaves the first limit series.
func shorten(v parser.Value, limit int) (parser.Value, bool) {
	if limit == 0 {
		return v, false
	}
	switch v := v.(type) {
	case promql.Matrix:
		if len(v) > limit {
			return v[:limit], true
		}
	case promql.Vector:
		if len(v) > limit {
			return v[:limit], true
		}
	}
	return v, false
}

// result writes {"resultType":…,"result":…}.
func (w *answer) result(v parser.Value, figures []byte, n notes) *failure {
	var write func()
	switch v := v.(type) {
	case promql.Matrix:
		write = func() { w.matrix(v) }
	case promql.Vector:
		write = func() { w.vector(v) }
	case promql.Scalar:
		write = func() { w.point(v.T, v.V) }
	case promql.String:
		write = func() {
			w.raw("[")
			w.at(v.T)
			w.raw(",")
			w.str(v.V)
			w.raw("]")
		}
	default:
		return &failure{internal, fmt.Errorf("the engine gave a %T", v)}
	}
	w.begin()
	w.raw(`{"resultType":`)
	w.str(string(v.Type()))
	w.raw(`,"result":`)
	write()
	if figures != nil {
		w.raw(`,"stats":`)
		w.buf = append(w.buf, figures...)
	}
	w.raw("}")
	w.finish(n.all, n.query)
	return nil
}

// formatQuery lays a query out over lines.
func (a *API) formatQuery(w *answer) *failure {
	e, bad := a.expression(w.form)
	if bad != nil {
		return bad
	}
	return w.success(e.Pretty(0))
}

// queryExemplars checks its parameters as Prometheus does and gives none: the
// store keeps no exemplars.
func (a *API) queryExemplars(w *answer) *failure {
	from, to, bad := span(w.form)
	if bad != nil {
		return bad
	}
	if to < from {
		return wrong("end", errors.New("it is before start"))
	}
	e, bad := a.expression(w.form)
	if bad != nil {
		return bad
	}
	if len(parser.ExtractSelectors(e)) == 0 {
		w.status = http.StatusNoContent
		return nil
	}
	return w.success([]struct{}{})
}
