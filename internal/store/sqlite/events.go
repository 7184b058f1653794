package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pitwall/pitwall"
)

const eventColumns = "seq, time, plan, type, actor, source, target, data, prev, hash"

// Append stores sealed events behind the event with number after; a Conflict
// when that is not the last one any more.
func (d *DB) Append(ctx context.Context, after uint64, events []pitwall.Event) error {
	const op = "appending events"
	for i, e := range events {
		if e.Seq != after+uint64(i)+1 {
			return pitwall.Errorf(pitwall.Invalid, op, "event %d stands where %d belongs", e.Seq, after+uint64(i)+1)
		}
		if !exact(e.Time) {
			return pitwall.Errorf(pitwall.Invalid, op, "event %d: the time %s cannot be kept", e.Seq, e.Time)
		}
	}
	return d.change(ctx, op, func(tx *sql.Tx) error {
		var last uint64
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM events").Scan(&last); err != nil {
			return fmt.Errorf("reading the last event: %w", err)
		}
		if last != after {
			return &pitwall.Error{Op: op, Kind: pitwall.Conflict, Err: fmt.Errorf("the last event is %d, not %d", last, after), Hint: "read the record again"}
		}
		for _, e := range events {
			if err := insertEvent(ctx, tx, e); err != nil {
				return fmt.Errorf("event %d: %w", e.Seq, err)
			}
		}
		return nil
	})
}

func insertEvent(ctx context.Context, tx *sql.Tx, e pitwall.Event) error {
	data := sql.NullString{String: string(e.Data), Valid: len(e.Data) > 0}
	_, err := tx.ExecContext(ctx, "INSERT INTO events ("+eventColumns+") VALUES (?,?,?,?,?,?,?,?,?,?)",
		int64(e.Seq), nanos(e.Time), e.Plan, e.Type, e.Actor, e.From, e.To, data, e.Prev, e.Hash)
	return err
}

// Events gives at most limit events after a sequence number, oldest first.
func (d *DB) Events(ctx context.Context, after uint64, limit int) ([]pitwall.Event, error) {
	list, err := query(ctx, d.read, scanEvent,
		"SELECT "+eventColumns+" FROM events WHERE seq > ? ORDER BY seq LIMIT ?", int64(after), limit)
	return list, wrap("reading events", err)
}

// Last gives the newest event, a zero Event when there is none.
func (d *DB) Last(ctx context.Context) (pitwall.Event, error) {
	list, err := query(ctx, d.read, scanEvent, "SELECT "+eventColumns+" FROM events ORDER BY seq DESC LIMIT 1")
	if err != nil || len(list) == 0 {
		return pitwall.Event{}, wrap("reading the last event", err)
	}
	return list[0], nil
}

func scanEvent(rows *sql.Rows) (pitwall.Event, error) {
	var e pitwall.Event
	var at int64
	var data sql.NullString
	err := rows.Scan(&e.Seq, &at, &e.Plan, &e.Type, &e.Actor, &e.From, &e.To, &data, &e.Prev, &e.Hash)
	e.Time = fromNanos(at)
	if data.Valid {
		e.Data = []byte(data.String)
	}
	return e, err
}
