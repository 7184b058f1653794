package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// SaveLedger stores the counts of steps as they now stand, together with the
// position in the span log up to which they count.
func (d *DB) SaveLedger(ctx context.Context, steps []pitwall.LedgerStep, position uint64) error {
	return d.change(ctx, "saving ledger", func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, `INSERT INTO ledger (slo, start, good, bad) VALUES (?,?,?,?)
			ON CONFLICT (slo, start) DO UPDATE SET good = excluded.good, bad = excluded.bad`)
		if err != nil {
			return err
		}
		defer put.Close()
		for _, s := range steps {
			if _, err := put.ExecContext(ctx, s.SLO, s.Start, int64(s.Counts.Good), int64(s.Counts.Bad)); err != nil {
				return fmt.Errorf("step %d of %s: %w", s.Start, s.SLO, err)
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO ledger_position (id, position) VALUES (1, ?)
			ON CONFLICT (id) DO UPDATE SET position = excluded.position`, int64(position))
		return err
	})
}

// LoadLedger gives the steps that start at since or later, and the position up
// to which all of them count.
func (d *DB) LoadLedger(ctx context.Context, since time.Time) ([]pitwall.LedgerStep, uint64, error) {
	const op = "loading ledger"
	// One transaction: steps and position belong together.
	tx, err := d.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, 0, wrap(op, err)
	}
	steps, position, err := loadLedger(ctx, tx, since)
	return steps, position, wrap(op, errors.Join(err, rolledBack(tx)))
}

func loadLedger(ctx context.Context, tx *sql.Tx, since time.Time) ([]pitwall.LedgerStep, uint64, error) {
	var position int64
	err := tx.QueryRowContext(ctx, "SELECT position FROM ledger_position").Scan(&position)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, 0, fmt.Errorf("reading position: %w", err)
	}
	steps, err := query(ctx, tx, scanStep, "SELECT slo, start, good, bad FROM ledger WHERE start >= ? ORDER BY start, slo", since.Unix())
	return steps, uint64(position), err
}

func scanStep(rows *sql.Rows) (pitwall.LedgerStep, error) {
	var s pitwall.LedgerStep
	err := rows.Scan(&s.SLO, &s.Start, &s.Counts.Good, &s.Counts.Bad)
	return s, err
}

// PruneLedger forgets steps that start before a time, which no window reaches
// any more, and says how many.
func (d *DB) PruneLedger(ctx context.Context, before time.Time) (int64, error) {
	return d.prune(ctx, "pruning ledger", "DELETE FROM ledger WHERE start < ?", before.Unix())
}

func (d *DB) prune(ctx context.Context, op, text string, before int64) (n int64, err error) {
	err = d.change(ctx, op, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, text, before)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}
