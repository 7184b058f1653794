package spans

import (
	"context"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/spans/rollup"
)

// Operations gives what the spans of a period add up to, the greatest total
// duration first: whole minutes that begin in the period (a zero one: all that
// is kept), and of times that are long over whole hours. Spans still in memory
// have no self time yet. Spans beyond the bound of operations are rollup.Other.
func (s *Store) Operations(ctx context.Context, q pitwall.OperationQuery) ([]pitwall.OperationTotals, error) {
	live, files := s.addends()
	defer files.Release()
	sum := rollup.NewSum(q)
	if err := files.Add(ctx, sum); err != nil {
		return nil, &pitwall.Error{Op: "adding up operations", Kind: pitwall.Unavailable, ID: s.dir, Err: err,
			Hint: "ask again; a damaged file is set aside within a second or two and Health names it"}
	}
	limits := s.limits(s.opt.Now())
	w := windowOf(q.Period).wider(1e9)
	for i := range live {
		if err := ctx.Err(); err != nil {
			return nil, &pitwall.Error{Op: "adding up operations", Kind: pitwall.Unavailable, Err: err}
		}
		v := &live[i]
		if (window{w.from, w.to + 60e9}).touches(v) {
			sum.Add(rollup.Of(&v.b, v.b.Len(), rollup.Times{}, limits))
		}
	}
	return sum.Totals(), nil
}

// addends are the chunks that no rollup has, and the rollups, at one moment.
func (s *Store) addends() ([]view, rollup.View) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var views []view
	for _, c := range s.head.chunks {
		if !c.addedUp {
			views = append(views, view{c.b, c.minEnd, c.maxEnd})
		}
	}
	return views, s.rollups.View()
}
