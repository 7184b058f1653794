package spans

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/spans/rollup"
	"github.com/pitwall/pitwall/internal/store/wal"
)

// Open reads the directory, makes it if it is not there, and starts the
// goroutines that force the log to the disk each second and make blocks. A torn
// tail of the log is cut off; damage in the middle is skipped and told by Health.
func Open(dir string, opt Options) (*Store, error) {
	opt = opt.withDefaults()
	s := &Store{
		dir: dir, opt: opt, head: newHead(opt), counts: counts{}, deliveries: newDeliveries(mostDeliveries),
		room: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	if err := s.recover(); err != nil {
		return nil, s.cannotOpen(errors.Join(err, s.closeFiles()))
	}
	s.position.Store(s.log.Position())
	ctx, end := context.WithCancel(context.Background())
	s.ended, s.end = ctx.Done(), end
	s.done.Add(2)
	go s.keep(ctx)
	go s.cutAsNeeded(ctx)
	return s, nil
}

func (s *Store) cannotOpen(err error) error {
	e := &pitwall.Error{Op: "opening span store", Kind: pitwall.Unavailable, ID: s.dir, Err: err,
		Hint: "make the directory readable and writable, or choose another data_dir"}
	if errors.Is(err, wal.ErrLocked) {
		e.Kind, e.Hint = pitwall.Conflict, "stop the other Pitwall, or give this one its own data_dir"
	}
	return e
}

// recover takes the log, which locks the directory, finds blocks and rollups
// once it has the lock, and rebuilds the head from what is in neither.
func (s *Store) recover() error {
	var covered coverage
	finished := func() (err error) {
		if s.rollups == nil {
			covered, err = s.finished()
		}
		return err
	}
	log, found, err := wal.Open(s.dir, wal.Options{Extension: ".spans", SegmentBytes: s.opt.SegmentBytes}, func(f wal.Frame) error {
		if err := finished(); err != nil {
			return err
		}
		s.recovered(f, covered)
		return nil
	})
	if err != nil {
		return err
	}
	s.log = log
	if err := finished(); err != nil { // an empty log
		return err
	}
	s.log.GoOnAfter(covered.last())
	for _, f := range found {
		s.health.tell(f.String())
	}
	return nil
}

// finished opens blocks and rollups and says what of the log they hold. A cut
// whose block is missing was not finished and is undone.
func (s *Store) finished() (c coverage, err error) {
	var told []string
	if s.shelf, told, err = openShelf(filepath.Join(s.dir, "blocks")); err != nil {
		return c, fmt.Errorf("opening blocks: %w", err)
	}
	for _, t := range told {
		s.health.tell(t)
	}
	if s.rollups, told, err = rollup.Open(filepath.Join(s.dir, "rollups"), rollup.Options{
		Retention: s.opt.RollupRetention, Minutes: s.opt.Retention, PerMinute: s.opt.RollupKeys,
	}); err != nil {
		return c, fmt.Errorf("opening rollups: %w", err)
	}
	for _, t := range told {
		s.health.tell(t)
	}
	if cut, ok := s.rollups.Unsettled(); ok && !s.shelf.has(cut) {
		if err := s.rollups.DiscardLast(); err != nil {
			return c, fmt.Errorf("undoing an unfinished cut: %w", err)
		}
	}
	for _, cover := range s.rollups.Covers() {
		c.addedUp = append(c.addedUp, stretch{cover.First, cover.Last})
		if cover.Block {
			c.inBlocks = append(c.inBlocks, stretch{cover.First, cover.Last})
		}
	}
	for _, m := range s.shelf.metas() {
		c.addedUp = append(c.addedUp, stretch{m.First, m.Last})
		c.inBlocks = append(c.inBlocks, stretch{m.First, m.Last})
	}
	c.addedUp, c.inBlocks = joined(c.addedUp), joined(c.inBlocks)
	return c, nil
}

// recovered takes in one frame of the log: into the head unless a block has it.
func (s *Store) recovered(f wal.Frame, c coverage) {
	s.deliveries.stored(deliveryOf(f.Payload), f.Arrival)
	s.marks.add(f.Arrival, f.Position)
	now := s.opt.Now().UnixNano()
	if f.Arrival < now-int64(s.opt.Retention) {
		return
	}
	inBlock := c.inBlocks.has(f.Position)
	if inBlock && f.Arrival < now-int64(countsKept) {
		return
	}
	b, err := decodeBatch(f.Payload)
	if err != nil {
		s.health.undecodable(f.Position, err)
		return
	}
	if b.Len() == 0 {
		return
	}
	if inBlock {
		_ = s.counts.add(b) // health tells of what came since
		return
	}
	s.take(arrived{batch: b, position: f.Position, arrival: f.Arrival, addedUp: c.addedUp.has(f.Position)})
	if s.isFull() && s.health.cutting == "" {
		s.cutOnce(context.Background()) // the log may hold more than memory should
	}
}

// coverage is which positions of the log blocks and rollups hold.
type coverage struct{ inBlocks, addedUp stretches }

func (c coverage) last() uint64 {
	if n := len(c.addedUp); n > 0 {
		return c.addedUp[n-1].last
	}
	return 0
}

// stretch is some positions of the log, both ends included.
type stretch struct{ first, last uint64 }

// stretches rise and do not overlap.
type stretches []stretch

// joined sorts stretches and makes one of those that overlap.
func joined(s stretches) stretches {
	slices.SortFunc(s, func(x, y stretch) int { return cmp.Compare(x.first, y.first) })
	out := s[:0]
	for _, x := range s {
		if n := len(out); n > 0 && x.first <= out[n-1].last+1 {
			out[n-1].last = max(out[n-1].last, x.last)
			continue
		}
		out = append(out, x)
	}
	return out
}

func (s stretches) has(position uint64) bool {
	i, _ := slices.BinarySearchFunc(s, position, func(x stretch, p uint64) int { return cmp.Compare(x.last, p) })
	return i < len(s) && s[i].first <= position
}
