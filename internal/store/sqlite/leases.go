package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// Acquire takes a lease that is free or expired, with a fencing token larger
// than any before, or renews one that owner holds, with the token it has. While
// somebody else holds it, a Conflict names them.
func (d *DB) Acquire(ctx context.Context, name, owner string, ttl time.Duration, now time.Time) (uint64, error) {
	const op = "acquiring lease"
	if name == "" || owner == "" || ttl <= 0 {
		return 0, pitwall.Errorf(pitwall.Invalid, op, "lease %q for owner %q and %v: all three are needed", name, owner, ttl)
	}
	var fencing int64
	err := d.change(ctx, op, func(tx *sql.Tx) error {
		var holder string
		var expires int64
		err := tx.QueryRowContext(ctx, "SELECT owner, fencing, expires FROM leases WHERE name = ?", name).Scan(&holder, &fencing, &expires)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("reading lease %s: %w", name, err)
		}
		held := holder != "" && expires > nanos(now)
		if held && holder != owner {
			return &pitwall.Error{Op: op, Kind: pitwall.Conflict, ID: name,
				Err: fmt.Errorf("%s holds it until %s", holder, fromNanos(expires).Format(time.RFC3339)), Hint: "wait until it expires"}
		}
		if !held {
			fencing++
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO leases (name, owner, fencing, expires) VALUES (?,?,?,?)
			ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, fencing = excluded.fencing, expires = excluded.expires`,
			name, owner, fencing, nanos(now.Add(ttl)))
		return err
	})
	if err != nil {
		return 0, err
	}
	return uint64(fencing), nil
}

// Release gives a lease back; one that somebody else holds stays theirs. The
// row stays, so that fencing tokens never start again.
func (d *DB) Release(ctx context.Context, name, owner string) error {
	return d.change(ctx, "releasing lease", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE leases SET owner = '', expires = 0 WHERE name = ? AND owner = ?", name, owner)
		return err
	})
}
