package metrics

import (
	"fmt"
	"sync/atomic"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// bound refuses new series once there are too many. Those that exist go on.
type bound struct {
	most uint64
	// head is set when the log has been read: what was stored once stays.
	head atomic.Pointer[tsdb.Head]
}

var _ tsdb.SeriesLifecycleCallback = (*bound)(nil)

// PreCreation implements tsdb.SeriesLifecycleCallback.
func (b *bound) PreCreation(labels.Labels) error {
	if head := b.head.Load(); head == nil || head.NumSeries() < b.most {
		return nil
	}
	// The samples are refused for their own sake: sending them again does not help.
	return fmt.Errorf("%w: more than %d series at a time; take out a label with many values", storage.ErrOutOfBounds, b.most)
}

// PostCreation implements tsdb.SeriesLifecycleCallback.
func (*bound) PostCreation(labels.Labels) {}

// PostDeletion implements tsdb.SeriesLifecycleCallback.
func (*bound) PostDeletion(map[chunks.HeadSeriesRef]labels.Labels) {}
