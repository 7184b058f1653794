package promapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// sorted gives series in the order of their labels, whatever the store's own
// order is, so that the same question has the same answer before and after a
// restart. The engine sorts the series of a range query by itself.
type sorted struct{ storage.Queryable }

// Querier implements storage.Queryable.
func (s sorted) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := s.Queryable.Querier(mint, maxt)
	if err != nil {
		return nil, err
	}
	return sortedQuerier{q}, nil
}

type sortedQuerier struct{ storage.Querier }

// Select implements storage.Querier.
func (q sortedQuerier) Select(ctx context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	return q.Querier.Select(ctx, true, hints, matchers...)
}

// wanted is what a list of labels or series is to be made of.
type wanted struct {
	sets     [][]*labels.Matcher // none means everything
	from, to int64               // unix milliseconds
	limit    int                 // what was asked for, or the API's own bound
}

func (a *API) wanted(w *answer) (q wanted, bad *failure) {
	if q.limit, bad = limit(w.form); bad != nil {
		return q, bad
	}
	if q.limit == 0 || q.limit > a.MaxList {
		q.limit = a.MaxList
	}
	if q.from, q.to, bad = span(w.form); bad != nil {
		return q, bad
	}
	q.sets, bad = a.selectors(w.form)
	return q, bad
}

// hint asks the store for one more than the limit, to see that there are more.
func (q wanted) hint() int {
	if q.limit == math.MaxInt {
		return q.limit
	}
	return q.limit + 1
}

// read asks the store within one of the slots. What ask keeps must be a copy:
// the store is free again when read returns, so that a client that reads its
// answer slowly holds up nobody.
func (a *API) read(w *answer, q wanted, ask func(storage.Querier) error) *failure {
	leave, bad := a.enter(w.r.Context())
	if bad != nil {
		return bad
	}
	defer leave()
	s, err := sorted{a.Queryable}.Querier(q.from, q.to)
	if err != nil {
		return failed(err)
	}
	defer s.Close() // nothing was written
	if err := ask(s); err != nil {
		return failed(err)
	}
	return nil
}

// labelNames lists the names of labels.
func (a *API) labelNames(w *answer) *failure {
	q, bad := a.wanted(w)
	if bad != nil {
		return bad
	}
	return a.strings(w, q, func(s storage.Querier, set []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return s.LabelNames(w.r.Context(), &storage.LabelHints{Limit: q.hint()}, set...)
	})
}

// labelValues lists the values of one label. A name that is no plain word may
// be written with the prefix U__ and its other characters as _hex_.
func (a *API) labelValues(w *answer) *failure {
	name := w.r.PathValue("name")
	if strings.HasPrefix(name, "U__") {
		name = model.UnescapeName(name, model.ValueEncodingEscaping)
	}
	if !model.UTF8Validation.IsValidLabelName(name) {
		return &failure{badData, fmt.Errorf("invalid label name: %q", name)}
	}
	q, bad := a.wanted(w)
	if bad != nil {
		return bad
	}
	return a.strings(w, q, func(s storage.Querier, set []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return s.LabelValues(w.r.Context(), name, &storage.LabelHints{Limit: q.hint()}, set...)
	})
}

// lookup is a question for names or values of the series of one set of matchers.
type lookup func(storage.Querier, []*labels.Matcher) ([]string, annotations.Annotations, error)

// strings answers the union, over all sets of matchers, of what a lookup gives.
func (a *API) strings(w *answer, q wanted, f lookup) *failure {
	if len(q.sets) == 0 {
		q.sets = [][]*labels.Matcher{nil}
	}
	seen := map[string]struct{}{}
	var notes annotations.Annotations
	bad := a.read(w, q, func(s storage.Querier) error {
		for _, set := range q.sets {
			some, more, err := f(s, set)
			if err != nil {
				return err
			}
			notes.Merge(more)
			for _, v := range some {
				if _, ok := seen[v]; !ok {
					seen[strings.Clone(v)] = struct{}{}
				}
			}
			if len(seen) > q.limit {
				return nil
			}
		}
		return nil
	})
	if bad != nil {
		return bad
	}
	all := slices.Sorted(maps.Keys(seen))
	if len(all) > q.limit {
		all = all[:q.limit]
		notes.Add(errCut())
	}
	w.begin()
	w.list(all)
	w.finish(notes, "")
	return nil
}

// series lists the labels of the series that match, sorted by them.
func (a *API) series(w *answer) *failure {
	if len(w.form["match[]"]) == 0 {
		return &failure{badData, errors.New("no match[] parameter provided")}
	}
	q, bad := a.wanted(w)
	if bad != nil {
		return bad
	}
	var found []labels.Labels
	var notes annotations.Annotations
	bad = a.read(w, q, func(s storage.Querier) (err error) {
		found, notes, err = collect(w.r.Context(), q, s)
		return err
	})
	if bad != nil {
		return bad
	}
	w.begin()
	w.raw("[")
	for i, ls := range found {
		w.raw(opening(i, ""))
		w.labels(ls)
		w.full()
	}
	w.raw("]")
	w.finish(notes, "")
	return nil
}

// checkEvery is after how many series a walk looks whether it is still wanted.
const checkEvery = 128

func collect(ctx context.Context, q wanted, s storage.Querier) (found []labels.Labels, notes annotations.Annotations, err error) {
	// "series" is Prometheus' word for a lookup that needs no samples.
	hints := &storage.SelectHints{Start: q.from, End: q.to, Func: "series", Limit: q.hint()}
	var sets []storage.SeriesSet
	for _, matchers := range q.sets {
		sets = append(sets, s.Select(ctx, true, hints, matchers...))
	}
	set := sets[0]
	if len(sets) > 1 {
		set = storage.NewMergeSeriesSet(sets, 0, storage.ChainedSeriesMerge)
	}
	for set.Next() {
		if len(found)%checkEvery == 0 && ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if len(found) == q.limit {
			notes = set.Warnings()
			return found, notes.Add(errCut()), nil
		}
		found = append(found, set.At().Labels().Copy())
	}
	return found, set.Warnings(), set.Err()
}
