package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"github.com/pitwall/pitwall"
)

const loadColumns = "time, page, session, trace, ttfb, response, render, lcp, inp"

// AppendPageLoads stores real-user measurements, all or none. A duration that
// is no number is kept as not measured.
func (d *DB) AppendPageLoads(ctx context.Context, loads []pitwall.PageLoad) error {
	const op = "appending page loads"
	for i, l := range loads {
		if !exact(l.At) {
			return pitwall.Errorf(pitwall.Invalid, op, "load %d: the time %s cannot be kept", i+1, l.At)
		}
	}
	if len(loads) == 0 {
		return nil
	}
	return d.change(ctx, op, func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, "INSERT INTO page_loads ("+loadColumns+") VALUES (?,?,?,?,?,?,?,?,?)")
		if err != nil {
			return err
		}
		defer put.Close()
		for i, l := range loads {
			_, err := put.ExecContext(ctx, nanos(l.At), l.Page, l.Session, l.TraceID,
				measured(l.TTFB), measured(l.Response), measured(l.Render), measured(l.LCP), measured(l.INP))
			if err != nil {
				return fmt.Errorf("load %d: %w", i+1, err)
			}
		}
		return nil
	})
}

// measured turns NaN, which SQLite would take for NULL, into "not measured".
func measured(seconds float64) float64 {
	if math.IsNaN(seconds) || math.IsInf(seconds, 0) {
		return -1
	}
	return seconds
}

// PageLoads gives the measurements of a period, oldest first.
func (d *DB) PageLoads(ctx context.Context, p pitwall.Period) ([]pitwall.PageLoad, error) {
	list, err := query(ctx, d.read, scanLoad,
		"SELECT "+loadColumns+" FROM page_loads WHERE time >= ? AND time < ? ORDER BY time, rowid", nanos(p.From), nanos(p.To))
	return list, wrap("reading page loads", err)
}

func scanLoad(rows *sql.Rows) (pitwall.PageLoad, error) {
	var l pitwall.PageLoad
	var at int64
	err := rows.Scan(&at, &l.Page, &l.Session, &l.TraceID, &l.TTFB, &l.Response, &l.Render, &l.LCP, &l.INP)
	l.At = fromNanos(at)
	return l, err
}

// PrunePageLoads forgets measurements older than before and says how many.
func (d *DB) PrunePageLoads(ctx context.Context, before time.Time) (int64, error) {
	return d.prune(ctx, "pruning page loads", "DELETE FROM page_loads WHERE time < ?", nanos(before))
}
