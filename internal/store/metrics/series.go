package metrics

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/pitwall/pitwall"
)

const seriesOp = "storing series"

// AppendSeries stores samples that Pitwall measured itself. When it returns nil
// they survive a crash of the process. A sample a series has already at its time
// changes nothing and is no error. When it returns an Invalid error, the rest
// was stored.
func (s *Store) AppendSeries(ctx context.Context, series []pitwall.Series) error {
	leave, err := s.enterWrite(ctx, seriesOp)
	if err != nil {
		return err
	}
	defer leave()
	b := batch{app: s.db.AppenderV2(ctx), newest: s.now().Add(maxAhead).UnixMilli()}
	for _, one := range series {
		b.add(one)
	}
	if err := s.commit(b.app); err != nil {
		e := &pitwall.Error{Op: seriesOp, Kind: pitwall.Unavailable, ID: s.dir,
			Err: fmt.Errorf("committing %d samples: %w", b.accepted, err), Hint: diskHint}
		s.note(counted{rejected: b.accepted}, e)
		return e
	}
	var e *pitwall.Error
	if b.rejected > 0 {
		e = pitwall.Errorf(pitwall.Invalid, seriesOp, "%d samples stored, but %d refused, the first because of %w", b.accepted, b.rejected, b.first)
	}
	s.note(b.counted, e)
	if e == nil {
		return nil
	}
	return e
}

// batch is one call of AppendSeries on its way in.
type batch struct {
	counted
	app    storage.AppenderV2
	newest int64 // unix milliseconds
	first  error
}

func (b *batch) add(s pitwall.Series) {
	ls := labels.FromMap(s.Labels)
	if err := fit(s, ls); err != nil {
		b.refuse(max(1, len(s.T)), ls, err)
		return
	}
	var ref storage.SeriesRef
	for i, t := range s.T {
		if t > b.newest {
			b.refuse(1, ls, errFuture)
			continue
		}
		got, err := b.app.Append(ref, ls, 0, t, s.V[i], nil, nil, storage.AppendV2Options{})
		switch {
		case errors.Is(err, storage.ErrDuplicateSampleForTimestamp):
			b.duplicates++
		case err != nil:
			b.refuse(1, ls, err)
		default:
			b.accepted++
			ref = got
		}
	}
}

func (b *batch) refuse(n int, ls labels.Labels, why error) {
	b.rejected += uint64(n)
	if b.first == nil {
		b.first = fmt.Errorf("%w of %s", why, ls)
	}
}

// fit says why a series as a whole cannot be stored.
func fit(s pitwall.Series, ls labels.Labels) error {
	switch {
	case len(s.T) != len(s.V):
		return fmt.Errorf("%d times for %d values", len(s.T), len(s.V))
	case !ls.Has(labels.MetricName):
		return errors.New("the missing label __name__")
	case !ls.IsValid(model.UTF8Validation):
		return errors.New("a name that is not valid UTF-8")
	}
	return nil
}
