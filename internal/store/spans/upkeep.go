package spans

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// countsKept is how long requests are counted by the second.
const countsKept = time.Hour

// keep forces the log to the disk and forgets what is too old, each second.
func (s *Store) keep(ctx context.Context) {
	defer s.done.Done()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.upkeep()
		}
	}
}

func (s *Store) upkeep() {
	now := s.opt.Now()
	oldest := now.Add(-s.opt.Retention).UnixNano()
	err := errors.Join(s.log.Forget(oldest, s.settled(now), s.opt.WALBytes), s.log.Sync())
	counted := min(s.opt.Retention, countsKept)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound(now.UnixNano())
	s.counts.forget(pitwall.Period{From: now.Add(-counted), To: now.Add(counted)})
	s.health.kept(err)
}

// settled is the position up to which the log may be forgotten: all of it is in
// blocks, and came in long enough ago that no tap will ask for it. 0: none.
func (s *Store) settled(now time.Time) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.marks.before(now.Add(-s.opt.TapKeep).UnixNano())
	if s.opt.NoBlocks {
		return 0 // memory is rebuilt from the log
	}
	if len(s.head.chunks) > 0 {
		p = min(p, s.head.chunks[0].first-1)
	}
	return p
}

// marks knows, to a few seconds, what position the log had at a time.
type marks struct {
	list []mark
	past uint64 // the last position before the list
}

type mark struct {
	arrival  int64
	position uint64
}

// markEvery is the least time between two marks.
const markEvery = int64(5 * time.Second)

func (m *marks) add(arrival int64, position uint64) {
	if n := len(m.list); n > 0 && arrival-m.list[n-1].arrival < markEvery {
		return
	}
	m.list = append(m.list, mark{arrival, position})
}

// before gives a position such that it and all earlier ones came before a time,
// and forgets the marks it no longer needs. Times must rise from call to call.
func (m *marks) before(t int64) uint64 {
	n := 0
	for n < len(m.list) && m.list[n].arrival < t {
		m.past = m.list[n].position
		n++
	}
	m.list = m.list[n:]
	return m.past
}

// Close forces everything to the disk and waits for the store's goroutines.
func (s *Store) Close() error {
	s.appending.Lock()
	if s.closed {
		s.appending.Unlock()
		return nil
	}
	s.closed = true
	s.appending.Unlock()
	s.end()
	s.done.Wait()
	if err := s.closeFiles(); err != nil {
		return fmt.Errorf("closing span store: %w", err)
	}
	return nil
}

func (s *Store) closeFiles() error {
	var errs []error
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	if s.shelf != nil {
		errs = append(errs, s.shelf.close())
	}
	if s.rollups != nil {
		errs = append(errs, s.rollups.Close())
	}
	return errors.Join(errs...)
}
