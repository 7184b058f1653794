package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// LedgerKeep says how long the counts of SLOs are kept.
type LedgerKeep struct {
	SLOs   map[pitwall.SLOName]time.Duration
	Others time.Duration // of those that are not named, and of objectives that are no more
}

// PruneLedger forgets whole chunks that no window reaches any more, and says how
// many. Each call looks only at what became too old since the last.
func (d *DB) PruneLedger(ctx context.Context, now time.Time, keep LedgerKeep) (n int64, err error) {
	err = d.change(ctx, "pruning ledger", func(tx *sql.Tx) error {
		if err := writeKeep(ctx, tx, keep); err != nil {
			return err
		}
		n, err = forget(ctx, tx, now.Unix())
		return err
	})
	return n, err
}

// writeKeep notes how long each SLO is kept. One that is kept longer than before
// goes on from what is there.
func writeKeep(ctx context.Context, tx *sql.Tx, keep LedgerKeep) error {
	put, err := tx.PrepareContext(ctx, "UPDATE ledger_slos SET keep = ?1, pruned = CASE WHEN keep = 0 OR keep > ?1 THEN 0 ELSE pruned END WHERE name = ?2 AND keep <> ?1")
	if err != nil {
		return err
	}
	defer put.Close()
	names, err := query(ctx, tx, func(rows *sql.Rows) (name pitwall.SLOName, err error) {
		err = rows.Scan(&name)
		return name, err
	}, "SELECT name FROM ledger_slos")
	if err != nil {
		return err
	}
	for _, name := range names {
		age, ok := keep.SLOs[name]
		if !ok {
			age = keep.Others
		}
		if age < time.Second {
			return pitwall.Errorf(pitwall.Invalid, "pruning ledger", "%s is to be kept for %s", name, age)
		}
		if _, err := put.ExecContext(ctx, int64(age/time.Second), name); err != nil {
			return fmt.Errorf("keeping %s: %w", name, err)
		}
	}
	return nil
}

// group are SLOs of which the same chunks are too old.
type group struct{ keep, pruned int64 }

func forget(ctx context.Context, tx *sql.Tx, now int64) (n int64, err error) {
	groups, err := query(ctx, tx, func(rows *sql.Rows) (g group, err error) {
		err = rows.Scan(&g.keep, &g.pruned)
		return g, err
	}, "SELECT DISTINCT keep, pruned FROM ledger_slos")
	if err != nil {
		return 0, err
	}
	var chunk sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT max(chunk) FROM ledger_position").Scan(&chunk); err != nil {
		return 0, fmt.Errorf("reading the length of a chunk: %w", err)
	}
	row := max(1, pageChunks*chunk.Int64)
	for _, g := range groups {
		// Cells and sums go together, by whole rows of sums.
		before := (now - g.keep) / row * row
		if before <= g.pruned {
			continue
		}
		const which = " WHERE start >= ?1 AND start < ?2 AND slo IN (SELECT id FROM ledger_slos WHERE keep = ?3 AND pruned = ?1)"
		for i, table := range []string{"ledger_cells", "ledger_sums"} {
			res, err := tx.ExecContext(ctx, "DELETE FROM "+table+which, g.pruned, before, g.keep)
			if err != nil {
				return n, err
			}
			gone, err := res.RowsAffected()
			if err != nil {
				return n, err
			}
			if i == 0 {
				n += gone
			}
		}
		if _, err := tx.ExecContext(ctx, "UPDATE ledger_slos SET pruned = ? WHERE keep = ? AND pruned = ?", before, g.keep, g.pruned); err != nil {
			return n, err
		}
	}
	return n, nil
}
