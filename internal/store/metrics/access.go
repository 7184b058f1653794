package metrics

import (
	"context"
	"fmt"
	"sync"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"

	"github.com/pitwall/pitwall"
)

// The methods of this file hand Prometheus' own types to the rooms below this
// one. Whoever wires them together passes them on without looking inside.

// Queryable reads the stored samples. Each querier keeps the store open until
// it is closed, so Close waits for it; a closed store gives none.
func (s *Store) Queryable() storage.Queryable { return storage.QueryableFunc(s.querier) }

// Engine evaluates PromQL over Queryable with the store's own limits.
func (s *Store) Engine() promql.QueryEngine { return s.engine }

func (s *Store) querier(mint, maxt int64) (storage.Querier, error) {
	leave, err := s.enter(context.Background(), "reading metrics")
	if err != nil {
		return nil, err
	}
	q, err := s.db.Querier(mint, maxt)
	if err != nil {
		leave()
		return nil, &pitwall.Error{Op: "reading metrics", Kind: pitwall.Internal, Err: err}
	}
	return &held{Querier: q, leave: leave}, nil
}

// held is a querier that holds the store open.
type held struct {
	storage.Querier
	once  sync.Once
	leave func()
}

// Close gives the store free; closing twice is harmless.
func (h *held) Close() (err error) {
	h.once.Do(func() {
		err = h.Querier.Close()
		h.leave()
	})
	return err
}

// HeadStats counts the series of the head, which are those of the last two to
// three hours, by metric name, label and label value: the limit largest of
// each. chunks is how many pieces of compressed samples they have. It walks
// over every series of the head.
func (s *Store) HeadStats(ctx context.Context, limit int) (stats *tsdb.Stats, chunks int64, err error) {
	const op = "counting series"
	leave, err := s.enter(ctx, op)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	head := s.db.Head()
	chunks, err = countChunks(ctx, head)
	if err != nil {
		return nil, 0, &pitwall.Error{Op: op, Kind: pitwall.Unavailable, Err: err}
	}
	return head.Stats(labels.MetricName, limit), chunks, nil
}

// checkEvery is after how many series a walk looks whether it is still wanted.
const checkEvery = 1000

func countChunks(ctx context.Context, head *tsdb.Head) (n int64, err error) {
	ir, err := head.Index()
	if err != nil {
		return 0, fmt.Errorf("reading the head's index: %w", err)
	}
	defer ir.Close()
	name, value := index.AllPostingsKey()
	all, err := ir.Postings(ctx, name, value)
	if err != nil {
		return 0, fmt.Errorf("reading the head's series: %w", err)
	}
	var (
		ls    labels.ScratchBuilder
		metas []chunks.Meta
	)
	for i := 0; all.Next(); i++ {
		if i%checkEvery == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
		// A series may go away between the list and the look.
		if err := ir.Series(all.At(), &ls, &metas); err == nil {
			n += int64(len(metas))
		}
	}
	return n, all.Err()
}
