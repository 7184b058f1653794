package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
)

// AppendChange stores a change; false: that id was known already, and what is
// stored stays as it was.
func (d *DB) AppendChange(ctx context.Context, c pitwall.Change) (bool, error) {
	const op = "appending change"
	if c.ID == "" || !exact(c.At) {
		return false, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: string(c.ID),
			Err: fmt.Errorf("an id and a time are needed, got %q at %s", c.ID, c.At), Hint: "give id and time"}
	}
	data, err := json.Marshal(c)
	if err != nil {
		return false, pitwall.Errorf(pitwall.Internal, op, "%s: %w", c.ID, err)
	}
	var added int64
	err = d.change(ctx, op, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "INSERT INTO changes (id, time, data) VALUES (?,?,?) ON CONFLICT (id) DO NOTHING",
			c.ID, nanos(c.At), string(data))
		if err != nil {
			return err
		}
		added, err = res.RowsAffected()
		return err
	})
	return added > 0, err
}

// Changes gives the changes of a period, oldest first. A deploy that was both
// announced and seen in telemetry is one change; see joinSeen.
func (d *DB) Changes(ctx context.Context, p pitwall.Period) ([]pitwall.Change, error) {
	list, err := query(ctx, d.read, scanChange, "SELECT data FROM changes WHERE time >= ? AND time < ? ORDER BY time, id",
		nanos(p.From.Add(-joinWithin)), nanos(p.To.Add(joinWithin)))
	if err != nil {
		return nil, wrap("reading changes", err)
	}
	list = joinSeen(list)
	return slices.DeleteFunc(list, func(c pitwall.Change) bool { return !p.Contains(c.At) }), nil
}

func scanChange(rows *sql.Rows) (pitwall.Change, error) {
	var c pitwall.Change
	var data string
	if err := rows.Scan(&data); err != nil {
		return c, err
	}
	return c, json.Unmarshal([]byte(data), &c)
}
