package metrics

import (
	"context"
	"errors"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// Appendable is the store as those of its wing see it who speak Prometheus'
// own words: remote write and scraping. What an appender refuses for a sample's
// own sake is one of Prometheus' errors; every other error is ours and may pass.
func (s *Store) Appendable() storage.AppendableV2 { return appendable{s} }

type appendable struct{ s *Store }

// AppenderV2 implements storage.AppendableV2. The store stays open until the
// appender is committed or rolled back.
func (a appendable) AppenderV2(ctx context.Context) storage.AppenderV2 {
	leave, err := a.s.enterWrite(ctx, "storing metrics")
	if err != nil {
		return refusing{err}
	}
	return &guarded{AppenderV2: a.s.db.AppenderV2(ctx), s: a.s, leave: leave, opened: a.s.opened}
}

// refShift leaves 48 bits for the database's own references.
const refShift = 48

// guarded is an appender that gives the store free at its end.
type guarded struct {
	storage.AppenderV2
	s      *Store
	leave  func()
	opened uint64
	done   bool
}

// Append implements storage.AppenderV2. A reference given before the database
// was opened again may be another series' now, so it carries which time it was.
//
//nolint:revive // the signature is Prometheus'
func (g *guarded) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, o storage.AppendV2Options) (storage.SeriesRef, error) {
	if uint64(ref)>>refShift != g.opened&0xffff {
		ref = 0
	}
	ref, err := g.AppenderV2.Append(ref&(1<<refShift-1), ls, st, t, v, h, fh, o)
	if ref != 0 {
		ref |= storage.SeriesRef(g.opened << refShift)
	}
	return ref, err
}

// Commit implements storage.AppenderV2.
func (g *guarded) Commit() error {
	return g.end(func() error { return g.s.commit(g.AppenderV2) })
}

// Rollback implements storage.AppenderV2.
func (g *guarded) Rollback() error {
	return g.end(func() error { return g.s.rollback(g.AppenderV2) })
}

func (g *guarded) end(how func() error) error {
	if g.done {
		return errors.New("the appender has ended already")
	}
	g.done = true
	defer g.leave()
	return how()
}

// refusing is the appender of a store that cannot be written.
type refusing struct{ why error }

// Append implements storage.AppenderV2.
//
//nolint:revive // the signature is Prometheus'
func (r refusing) Append(storage.SeriesRef, labels.Labels, int64, int64, float64, *histogram.Histogram, *histogram.FloatHistogram, storage.AppendV2Options) (storage.SeriesRef, error) {
	return 0, r.why
}

// Commit implements storage.AppenderV2.
func (r refusing) Commit() error { return r.why }

// Rollback implements storage.AppenderV2.
func (refusing) Rollback() error { return nil }
