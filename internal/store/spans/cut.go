package spans

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/spans/block"
	"github.com/pitwall/pitwall/internal/store/spans/rollup"
)

// cutter makes blocks of the oldest chunks. What it holds is used by one cut at
// a time.
type cutter struct {
	mu    sync.Mutex
	batch pitwall.SpanBatch // scratch: the spans of a cut
	used  time.Time         // when it last was
	// early is what was computed of spans that are still in memory when the
	// first of their trace were cut.
	early map[*chunk]map[int32]early
	// chosen are traces that sampling kept although spans of them are still in
	// memory: those of the last cut.
	chosen map[pitwall.TraceID]struct{}
}

type early struct{ self, critical int64 }

// cutAsNeeded makes blocks for as long as the store is open, and tidies up. It
// works at most half of the time, unless memory gets short.
func (s *Store) cutAsNeeded(ctx context.Context) {
	defer s.done.Done()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		wake := s.wake
		if s.troubled() {
			wake = nil // a disk that refuses is asked once a second
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-tick.C:
			s.tidy(ctx)
		}
		for begin := time.Now(); s.cutOnce(ctx) && !s.troubled() && ctx.Err() == nil; begin = time.Now() {
			s.rest(ctx, time.Since(begin))
		}
	}
}

func (s *Store) troubled() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.health.cutting != ""
}

// rest waits as long as the work took, if there is time for it.
func (s *Store) rest(ctx context.Context, d time.Duration) {
	s.mu.RLock()
	hurry := s.head.spans > s.opt.HeadSpans+s.opt.HeadSpans/2
	s.mu.RUnlock()
	if hurry {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(min(d, time.Second)):
	}
}

// isFull says whether enough spans wait for a cut; the lock is held.
func (s *Store) isFull() bool {
	spans, bytes := s.waiting()
	return spans > s.opt.HeadSpans || bytes > s.opt.HeadBytes
}

// waiting is what a cut has still to add up, or to put into a block; the lock is
// held.
func (s *Store) waiting() (spans int, bytes int64) {
	if !s.opt.NoBlocks {
		return s.head.spans, s.head.bytes()
	}
	for _, c := range s.head.chunks {
		if !c.addedUp {
			spans += c.b.Len()
			bytes += c.bytes()
		}
	}
	return spans, bytes
}

// cutOnce makes one block, if one is due; did says whether it tried.
func (s *Store) cutOnce(ctx context.Context) (did bool) {
	s.cutter.mu.Lock()
	defer s.cutter.mu.Unlock()
	now := s.opt.Now()
	cut, rest := s.choose(now)
	if len(cut) == 0 {
		return false
	}
	err := s.cut(ctx, now, cut, rest)
	s.cutter.used = now
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range cut {
		c.cutting = false
	}
	for c := range s.cutter.early {
		if !slices.Contains(s.head.chunks, c) {
			delete(s.cutter.early, c) // forgotten for want of room
		}
	}
	if ctx.Err() == nil { // else the store is closing; the log has it all
		s.health.cut(err)
		s.bound(now.UnixNano())
	}
	close(s.room)
	s.room = make(chan struct{})
	return true
}

// choose finds chunks that should be in a block, and those that stay. Chunks go
// when nothing came in for a while that could belong to their traces, or, when
// memory is full, until a quarter of what makes it full is left.
func (s *Store) choose(now time.Time) (cut []*chunk, rest []staying) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []*chunk
	spans, bytes := 0, int64(0)
	for _, c := range s.head.chunks {
		if s.opt.NoBlocks && c.addedUp {
			continue
		}
		due = append(due, c)
		spans += c.b.Len()
		bytes += c.bytes()
	}
	full := spans > s.opt.HeadSpans || bytes > s.opt.HeadBytes
	if !full && (len(due) == 0 || due[0].oldest >= now.Add(-s.opt.HeadAge).UnixNano()) {
		return nil, nil
	}
	idle := now.Add(-s.opt.TraceIdle).UnixNano()
	n := 0
	for i, c := range due {
		crowded := full && (spans > s.opt.HeadSpans/4 || bytes > s.opt.HeadBytes/4)
		if c.arrival >= idle && !crowded || i > 0 && (c.addedUp != due[0].addedUp || n+c.b.Len() > s.opt.HeadSpans) {
			break
		}
		c.cutting = true
		cut = append(cut, c)
		n += c.b.Len()
		spans -= c.b.Len()
		bytes -= c.bytes()
	}
	for _, c := range due[len(cut):] {
		rest = append(rest, staying{c, c.b, c.arrival})
	}
	return cut, rest
}

// cut writes the rollup, then the block, and only then lets the chunks go. The
// block is what makes it final: without it the next start undoes the rollup and
// reads the log again.
func (s *Store) cut(ctx context.Context, now time.Time, cut []*chunk, rest []staying) error {
	p := s.gather(now, cut, rest)
	number := max(s.rollups.Last(), s.shelf.last()) + 1
	covers := rollup.Cover{First: cut[0].first, Last: cut[len(cut)-1].last, Block: !s.opt.NoBlocks}
	rows := block.Rows{Batch: p.batch, Self: p.times.Self, Critical: p.times.Critical}
	if covers.Block {
		rows = s.sampled(p)
	}
	written := covers.Block && rows.Batch.Len() > 0
	if err := s.opt.step("rollup"); err != nil {
		return err
	}
	file, err := s.rollups.Write(rollup.Cut{
		Number: number, Covers: []rollup.Cover{covers}, Arrival: cut[len(cut)-1].arrival, Table: p.table, Settled: !written,
	})
	if err != nil {
		return err
	}
	var meta block.Meta
	if written {
		if err = s.opt.step("block"); err == nil {
			meta, err = block.Write(ctx, s.shelf.path(number), rows,
				block.WriteOptions{First: covers.First, Last: covers.Last, Arrival: cut[len(cut)-1].arrival})
		}
		if err != nil {
			return fmt.Errorf("writing block: %w", errors.Join(err, s.rollups.Discard(file)))
		}
	}
	if err := s.opt.step("swap"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range cut {
		if c.addedUp = true; covers.Block {
			s.head.remove(c)
		}
		delete(s.cutter.early, c)
	}
	s.rollups.Add(file)
	if written {
		s.shelf.add(number, meta)
	}
	s.health.made(p.table, rows.Batch.Len(), p.batch.Len())
	return nil
}

// tidy deletes what is too old and merges rollups, a little at a time.
func (s *Store) tidy(ctx context.Context) {
	s.cutter.mu.Lock()
	defer s.cutter.mu.Unlock()
	if s.opt.Now().Sub(s.cutter.used) > time.Minute {
		s.cutter.batch = pitwall.SpanBatch{} // a quiet store does not need the memory
	}
	err := s.deleteOldBlocks(ctx)
	for did, steps := true, 0; did && err == nil && steps < 2; steps++ {
		did, err = s.rollups.Tidy(ctx, s.opt.Now())
	}
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(err, rollup.ErrDamaged) {
		s.health.tell(err.Error())
		err = nil
	}
	s.health.tidied(err)
}

func (s *Store) deleteOldBlocks(ctx context.Context) error {
	now := s.opt.Now()
	for {
		v, newest := s.shelf.tooOld(now.Add(-s.opt.Retention).UnixNano(), s.opt.DiskBytes)
		if v == nil {
			return nil
		}
		if newest { // without it the last cut must not seem unfinished
			if err := s.rollups.Settle(ctx, now); err != nil {
				return err
			}
		}
		if err := s.opt.step("forget"); err != nil {
			return err
		}
		if err := s.shelf.discard(v); err != nil {
			return err
		}
	}
}
