package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// PutDeliveries stores deliveries and the router's state in one transaction. A
// receiver's message that is known by its id is not stored again.
func (d *DB) PutDeliveries(ctx context.Context, state []byte, list []pitwall.Delivery) (added int, err error) {
	const op = "storing deliveries"
	for _, v := range list {
		if v.Receiver == "" || v.Message.ID == "" || !exact(v.At) || !exact(v.Next) {
			return 0, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: v.Message.ID,
				Err: fmt.Errorf("a receiver, a message with an id and times are needed; got %q, %q, %s", v.Receiver, v.Message.ID, v.At), Hint: "give all of them"}
		}
	}
	err = d.change(ctx, op, func(tx *sql.Tx) error {
		added = 0
		for _, v := range list {
			fresh, err := putDelivery(ctx, tx, v)
			if err != nil {
				return err
			}
			if fresh {
				added++
			}
		}
		if state == nil {
			return nil
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO router_state (id, data) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data", state)
		return err
	})
	if err != nil {
		return 0, err
	}
	return added, nil
}

func putDelivery(ctx context.Context, tx *sql.Tx, v pitwall.Delivery) (bool, error) {
	data, err := json.Marshal(v.Message)
	if err != nil {
		return false, fmt.Errorf("writing message %s: %w", v.Message.ID, err)
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO deliveries (receiver, id, thread, at, next, done, failed, attempts, trouble, message)
		VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (receiver, id) DO NOTHING`,
		v.Receiver, v.Message.ID, v.Message.Thread, nanos(v.At), nanos(v.Next), doneAt(v), v.Failed, v.Attempts, v.Trouble, string(data))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// doneAt is 0 while a delivery waits.
func doneAt(v pitwall.Delivery) int64 {
	if v.Done.IsZero() {
		return 0
	}
	return nanos(v.Done)
}

// RouterState gives the state that was stored last; empty before the first.
func (d *DB) RouterState(ctx context.Context) ([]byte, error) {
	var data []byte
	err := d.read.QueryRowContext(ctx, "SELECT data FROM router_state").Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return data, wrap("reading router state", err)
}

const deliveryColumns = "SELECT receiver, at, next, done, failed, attempts, trouble, message FROM deliveries"

// DueDeliveries gives what may be sent to a receiver now, pages first, then the
// oldest: of each thread the oldest that waits, so that no message overtakes one
// before it, and nobody who is to be woken waits behind a thousand notes.
func (d *DB) DueDeliveries(ctx context.Context, receiver string, now time.Time, limit int) ([]pitwall.Delivery, error) {
	list, err := query(ctx, d.read, scanDelivery, deliveryColumns+` WHERE done = 0 AND receiver = ? AND next <= ?
		AND NOT EXISTS (SELECT 1 FROM deliveries AS before WHERE before.done = 0 AND before.receiver = deliveries.receiver
			AND before.thread = deliveries.thread AND before.seq < deliveries.seq)
		ORDER BY json_extract(message, '$.action') <> ?, seq LIMIT ?`, receiver, nanos(now), string(pitwall.ActionPage), limit)
	return list, wrap("reading due deliveries", err)
}

// Deliveries gives the latest that were written down, newest first; of every
// receiver if none is named.
func (d *DB) Deliveries(ctx context.Context, receiver string, limit int) ([]pitwall.Delivery, error) {
	list, err := query(ctx, d.read, scanDelivery, deliveryColumns+" WHERE ?1 = '' OR receiver = ?1 ORDER BY seq DESC LIMIT ?2", receiver, limit)
	return list, wrap("reading deliveries", err)
}

func scanDelivery(rows *sql.Rows) (pitwall.Delivery, error) {
	var v pitwall.Delivery
	var at, next, done int64
	var message string
	if err := rows.Scan(&v.Receiver, &at, &next, &done, &v.Failed, &v.Attempts, &v.Trouble, &message); err != nil {
		return v, err
	}
	v.At, v.Next = fromNanos(at), fromNanos(next)
	if done != 0 {
		v.Done = fromNanos(done)
	}
	return v, json.Unmarshal([]byte(message), &v.Message)
}

// MarkDelivery keeps what became of an attempt. What is done stays done.
func (d *DB) MarkDelivery(ctx context.Context, v pitwall.Delivery) error {
	const op = "marking delivery"
	return d.change(ctx, op, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE deliveries SET next = ?, done = ?, failed = ?, attempts = ?, trouble = ? WHERE receiver = ? AND id = ? AND done = 0`,
			nanos(v.Next), doneAt(v), v.Failed, v.Attempts, v.Trouble, v.Receiver, v.Message.ID)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return &pitwall.Error{Op: op, Kind: pitwall.NotFound, ID: v.Receiver + " " + v.Message.ID, Err: errors.New("no such delivery waits")}
	})
}

// WaitingDeliveries counts what is not done, by receiver.
func (d *DB) WaitingDeliveries(ctx context.Context) (map[string]int, error) {
	type count struct {
		receiver string
		n        int
	}
	scan := func(rows *sql.Rows) (count, error) {
		var c count
		err := rows.Scan(&c.receiver, &c.n)
		return c, err
	}
	list, err := query(ctx, d.read, scan,
		"SELECT receiver, count(*) FROM deliveries WHERE done = 0 GROUP BY receiver")
	if err != nil {
		return nil, wrap("counting deliveries", err)
	}
	waiting := map[string]int{}
	for _, c := range list {
		waiting[c.receiver] = c.n
	}
	return waiting, nil
}

// PruneDeliveries forgets what was done before a time, and receipts as old. What
// waits is never forgotten.
func (d *DB) PruneDeliveries(ctx context.Context, before time.Time) (int64, error) {
	if _, err := d.prune(ctx, "pruning receipts", "DELETE FROM receipts WHERE at < ?", nanos(before)); err != nil {
		return 0, err
	}
	return d.prune(ctx, "pruning deliveries", "DELETE FROM deliveries WHERE done <> 0 AND done < ?", nanos(before))
}

// Receipt is what a receiver called the first message of a thread; empty when
// none is kept.
func (d *DB) Receipt(ctx context.Context, receiver, thread string) (string, error) {
	var receipt string
	err := d.read.QueryRowContext(ctx, "SELECT receipt FROM receipts WHERE receiver = ? AND thread = ?", receiver, thread).Scan(&receipt)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return receipt, wrap("reading receipt", err)
}

// KeepReceipt stores it; at is when the thread was last spoken in.
func (d *DB) KeepReceipt(ctx context.Context, receiver, thread, receipt string, at time.Time) error {
	return d.change(ctx, "storing receipt", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO receipts (receiver, thread, receipt, at) VALUES (?,?,?,?)
			ON CONFLICT (receiver, thread) DO UPDATE SET receipt = excluded.receipt, at = excluded.at`, receiver, thread, receipt, nanos(at))
		return err
	})
}
