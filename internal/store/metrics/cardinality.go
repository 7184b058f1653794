package metrics

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/index"

	"github.com/pitwall/pitwall"
)

// Cardinality is how many series there are of late, and what makes them many.
type Cardinality struct {
	Series uint64    `json:"series"` // with a sample in the last two to three hours
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
	// Metrics are the metric names with the most series, Labels the label names
	// with the most distinct values; the greatest first.
	Metrics []Share `json:"metrics"`
	Labels  []Share `json:"labels"`
}

// Share is one name and how many it counts for.
type Share struct {
	Name  string `json:"name"`
	Count uint64 `json:"count"`
}

// Cardinality counts the series of the head. It looks at every label of every
// series: some 100 ms for 100,000 of them.
func (s *Store) Cardinality(ctx context.Context, limit int) (Cardinality, error) {
	const op = "counting series"
	leave, err := s.enter(ctx, op)
	if err != nil {
		return Cardinality{}, err
	}
	defer leave()
	if limit < 1 {
		return Cardinality{}, pitwall.Errorf(pitwall.Invalid, op, "a limit of %d names", limit)
	}
	stats := s.db.Head().Stats(labels.MetricName, limit)
	c := Cardinality{
		Series:  stats.NumSeries,
		Metrics: shares(stats.IndexPostingStats.CardinalityMetricsStats),
		Labels:  shares(stats.IndexPostingStats.CardinalityLabelStats),
	}
	if stats.MinTime <= stats.MaxTime { // an empty head has them the other way round
		c.From, c.To = time.UnixMilli(stats.MinTime).UTC(), time.UnixMilli(stats.MaxTime).UTC()
	}
	return c, nil
}

func shares(stats []index.Stat) []Share {
	out := make([]Share, 0, len(stats))
	for _, s := range stats {
		out = append(out, Share{s.Name, s.Count})
	}
	return out
}
