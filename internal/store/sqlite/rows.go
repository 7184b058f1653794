package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"
)

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// query reads every row of a query with scan.
func query[T any](ctx context.Context, db querier, scan func(*sql.Rows) (T, error), text string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	var list []T
	err = each(rows, func(rows *sql.Rows) error {
		v, err := scan(rows)
		if err != nil {
			return fmt.Errorf("row %d: %w", len(list)+1, err)
		}
		list = append(list, v)
		return nil
	})
	return list, err
}

// each calls one for every row and closes rows.
func each(rows *sql.Rows, one func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := one(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// nanos is a time as it is kept. Times that int64 nanoseconds cannot hold
// (before 1678 or after 2261) become the ends of the range, so that an open
// period still compares rightly.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time { return time.Unix(0, n).UTC() }

// exact says whether a time is kept to the nanosecond.
func exact(t time.Time) bool { return fromNanos(nanos(t)).Equal(t) }
