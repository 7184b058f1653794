package metrics

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	stale "github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/pitwall/pitwall"
)

var _ pitwall.SampleReader = (*Store)(nil)

const samplesOp = "reading samples"

// Samples gives every sample of the series that a vector selector matches, in
// p.From < time ≤ p.To, as they were stored; stale markers are left out. It
// waits for its turn and is bounded as queries are.
func (s *Store) Samples(ctx context.Context, selector string, p pitwall.Period) ([]pitwall.Series, error) {
	leave, err := s.enter(ctx, samplesOp)
	if err != nil {
		return nil, err
	}
	defer leave()
	if !p.From.Before(p.To) {
		return nil, &pitwall.Error{Op: samplesOp, Kind: pitwall.Invalid, ID: selector, Hint: "ask for a period that ends later",
			Err: fmt.Errorf("the period ends (%s) no later than it begins (%s)", stamp(p.To), stamp(p.From))}
	}
	matchers, err := matchersOf(selector)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, s.o.QueryTimeout+s.slots.wait)
	defer cancel()
	if _, err := s.slots.Insert(within, ""); err != nil {
		return nil, queryError(samplesOp, selector, err)
	}
	defer s.slots.Delete(0)
	list, err := s.read(within, matchers, p)
	switch {
	case err == nil:
		return list, nil
	case ctx.Err() != nil || within.Err() != nil:
		return nil, &pitwall.Error{Op: samplesOp, Kind: pitwall.Unavailable, ID: selector, Err: err, Hint: "ask for a shorter period"}
	case errors.Is(err, errManySamples):
		return nil, &pitwall.Error{Op: samplesOp, Kind: pitwall.Invalid, ID: selector, Hint: "ask for a shorter period or narrow the selector",
			Err: fmt.Errorf("%w: more than %d", err, s.o.QuerySamples)}
	case errors.Is(err, errHistogram):
		return nil, histogramError(samplesOp, selector)
	}
	return nil, &pitwall.Error{Op: samplesOp, Kind: pitwall.Internal, ID: selector, Err: err}
}

var (
	errManySamples = errors.New("too many samples")
	errHistogram   = errors.New("a native histogram")
)

// matchersOf reads a vector selector and nothing but.
func matchersOf(selector string) ([]*labels.Matcher, error) {
	e, err := parser.NewParser(parser.Options{}).ParseExpr(selector)
	if err != nil {
		return nil, queryError(samplesOp, selector, err)
	}
	v, ok := e.(*parser.VectorSelector)
	if !ok || v.OriginalOffset != 0 || v.Timestamp != nil || v.StartOrEnd != 0 {
		w := pitwall.Errorf(pitwall.Invalid, samplesOp, "it is no plain selector of series")
		w.ID, w.Hint = selector, `write one such as http_requests_total{job="shop"}`
		return nil, w
	}
	return v.LabelMatchers, nil
}

func (s *Store) read(ctx context.Context, matchers []*labels.Matcher, p pitwall.Period) (list []pitwall.Series, err error) {
	from, to := p.From.UnixMilli()+1, p.To.UnixMilli()
	q, err := s.db.Querier(from, to)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	// The order of the labels tells whoever asks twice the same story twice.
	set := q.Select(ctx, true, &storage.SelectHints{Start: from, End: to, DisableTrimming: true}, matchers...)
	var (
		it    chunkenc.Iterator
		total int
	)
	for set.Next() {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		one := pitwall.Series{}
		it = set.At().Iterator(it)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			if kind != chunkenc.ValFloat {
				return nil, errHistogram
			}
			t, v := it.At()
			if t < from || t > to || stale.IsStaleNaN(v) {
				continue
			}
			if total++; total > s.o.QuerySamples {
				return nil, errManySamples
			}
			one.T, one.V = append(one.T, t), append(one.V, v)
		}
		if err := it.Err(); err != nil {
			return nil, err
		}
		if len(one.T) > 0 {
			one.Labels = set.At().Labels().Map()
			list = append(list, one)
		}
	}
	return list, set.Err()
}
