package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/pitwall/pitwall"
)

// AppendAlert stores an alert, or ends one that was stored firing; false: nothing
// was new. What is over stays over: a firing told late does not begin again.
func (d *DB) AppendAlert(ctx context.Context, a pitwall.Alert) (bool, error) {
	const op = "appending alert"
	if a.Firing {
		a.To = time.Time{}
	}
	if a.ID == "" || !exact(a.From) || !a.Firing && (!exact(a.To) || a.To.Before(a.From)) {
		return false, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: a.ID,
			Err: fmt.Errorf("an id and a time are needed, and an end when it is over; got %q from %s to %s", a.ID, a.From, a.To), Hint: "give id, from and to"}
	}
	var added bool
	err := d.change(ctx, op, func(tx *sql.Tx) (err error) {
		added, err = putAlert(ctx, tx, a)
		return err
	})
	return added, err
}

func putAlert(ctx context.Context, tx *sql.Tx, a pitwall.Alert) (bool, error) {
	var text string
	switch err := tx.QueryRowContext(ctx, "SELECT data FROM alerts WHERE id = ?", a.ID).Scan(&text); {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return false, fmt.Errorf("reading alert %s: %w", a.ID, err)
	default:
		var old pitwall.Alert
		if err := json.Unmarshal([]byte(text), &old); err != nil {
			return false, fmt.Errorf("reading alert %s: %w", a.ID, err)
		}
		if a.Firing || !old.Firing {
			return false, nil
		}
	}
	data, err := json.Marshal(a)
	if err != nil {
		return false, fmt.Errorf("writing alert %s: %w", a.ID, err)
	}
	ends := int64(math.MaxInt64) // not over
	if !a.Firing {
		ends = nanos(a.To)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO alerts (id, starts, ends, data) VALUES (?,?,?,?)
		ON CONFLICT (id) DO UPDATE SET starts = excluded.starts, ends = excluded.ends, data = excluded.data`, a.ID, nanos(a.From), ends, string(data))
	return err == nil, err
}

// Alerts gives those that fired at any time of the period, newest first.
func (d *DB) Alerts(ctx context.Context, p pitwall.Period) ([]pitwall.Alert, error) {
	list, err := query(ctx, d.read, scanAlert,
		"SELECT data FROM alerts WHERE starts < ? AND ends > ? ORDER BY starts DESC, id", nanos(p.To), nanos(p.From))
	return list, wrap("reading alerts", err)
}

func scanAlert(rows *sql.Rows) (pitwall.Alert, error) {
	var a pitwall.Alert
	var data string
	if err := rows.Scan(&data); err != nil {
		return a, err
	}
	return a, json.Unmarshal([]byte(data), &a)
}

// PruneAlerts forgets alerts that were over before a time and says how many.
func (d *DB) PruneAlerts(ctx context.Context, before time.Time) (int64, error) {
	return d.prune(ctx, "pruning alerts", "DELETE FROM alerts WHERE ends < ?", nanos(before))
}
