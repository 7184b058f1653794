package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// LoadLedger gives the sums of chunks that begin at since or later, perhaps of
// some before, then the steps that are in no chunk yet.
func (d *DB) LoadLedger(ctx context.Context, since time.Time, visit pitwall.LedgerVisit) (pitwall.LedgerSaved, error) {
	const op = "loading ledger"
	// One transaction: chunks, steps and position belong together.
	tx, err := d.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return pitwall.LedgerSaved{}, wrap(op, err)
	}
	r := reading{ctx: ctx, tx: tx, since: max(0, since.Unix()), visit: visit, names: map[int64]pitwall.SLOName{}}
	for _, part := range []func() error{r.position, r.slos, r.chunks, r.old, r.steps} {
		if err = part(); err != nil {
			break
		}
	}
	if err == nil {
		numbers := make(map[pitwall.SLOName]int64, len(r.names))
		for id, name := range r.names {
			numbers[name] = id
		}
		d.ledgers.Lock()
		d.chunk = r.chunk
		d.know(numbers)
		d.ledgers.Unlock()
	}
	return r.saved, wrap(op, errors.Join(err, rolledBack(tx)))
}

// reading is one transaction of LoadLedger.
type reading struct {
	ctx     context.Context
	tx      *sql.Tx
	since   int64
	visit   pitwall.LedgerVisit
	saved   pitwall.LedgerSaved
	chunk   int64 // seconds
	settled int64
	names   map[int64]pitwall.SLOName
}

// rows calls one for every row of a query.
func (r *reading) rows(one func(*sql.Rows) error, text string, args ...any) error {
	rows, err := r.tx.QueryContext(r.ctx, text, args...)
	if err != nil {
		return err
	}
	return each(rows, one)
}

func (r *reading) position() error {
	var position int64
	err := r.tx.QueryRowContext(r.ctx, "SELECT position, chunk, settled FROM ledger_position").Scan(&position, &r.chunk, &r.settled)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("reading position: %w", err)
	}
	r.saved = pitwall.LedgerSaved{Chunk: time.Duration(r.chunk) * time.Second, Position: uint64(position), Through: map[pitwall.SLOName]time.Time{}}
	return nil
}

func (r *reading) slos() error {
	return r.rows(func(rows *sql.Rows) error {
		var id int64
		var name pitwall.SLOName
		var through sql.NullInt64
		if err := rows.Scan(&id, &name, &through); err != nil {
			return err
		}
		r.names[id] = name
		if through.Valid {
			r.saved.Through[name] = time.Unix(through.Int64, 0).UTC()
		}
		return nil
	}, "SELECT id, name, through FROM ledger_slos")
}

func (r *reading) chunks() error {
	if r.visit.Chunk == nil || r.chunk == 0 {
		return nil
	}
	width := pageChunks * r.chunk
	return r.rows(func(rows *sql.Rows) error {
		var start, id int64
		var data sql.RawBytes
		if err := rows.Scan(&start, &id, &data); err != nil {
			return err
		}
		page, err := readSums(data)
		if err != nil {
			return fmt.Errorf("sums from %d of %s: %w", start, r.names[id], err)
		}
		for _, s := range page {
			if at := start + s.index*r.chunk; at >= r.since {
				if err := r.visit.Chunk(pitwall.LedgerChunk{SLO: r.names[id], Start: at, Counts: s.counts, Seen: s.seen}); err != nil {
					return err
				}
			}
		}
		return nil
	}, "SELECT start, slo, sums FROM ledger_sums WHERE start > ? ORDER BY start, slo", r.since-width)
}

// old gives steps that an older Pitwall kept one row for each.
func (r *reading) old() error {
	if r.visit.Step == nil {
		return nil
	}
	return r.rows(func(rows *sql.Rows) error {
		var s pitwall.LedgerStep
		var good, bad int64
		if err := rows.Scan(&s.SLO, &s.Start, &good, &bad); err != nil {
			return err
		}
		s.Counts = pitwall.Counts{Good: uint64(good), Bad: uint64(bad)}
		return r.visit.Step(s)
	}, "SELECT slo, start, good, bad FROM ledger WHERE start >= ? ORDER BY start, slo", r.since)
}

func (r *reading) steps() error {
	if r.visit.Step == nil {
		return nil
	}
	return r.rows(func(rows *sql.Rows) error {
		var data sql.RawBytes
		if err := rows.Scan(&data); err != nil {
			return err
		}
		return eachRecent(data, func(s recent) error {
			if s.start < r.settled {
				return nil // in a chunk
			}
			return r.visit.Step(pitwall.LedgerStep{SLO: r.names[s.slo], Start: s.start, Counts: s.counts})
		})
	}, "SELECT steps FROM ledger_recent ORDER BY id")
}

// Cells gives the chunks of an SLO that begin inside a period, with their cells
// and without sums.
func (d *DB) Cells(ctx context.Context, slo pitwall.SLOName, p pitwall.Period) ([]pitwall.LedgerChunk, error) {
	if c, known, err := d.oneChunk(ctx, slo, p); known || err != nil {
		return c, wrap("reading ledger cells", err)
	}
	// The rows of one SLO lie apart: each is looked up by its time.
	list, err := query(ctx, d.read, func(rows *sql.Rows) (pitwall.LedgerChunk, error) {
		c := pitwall.LedgerChunk{SLO: slo}
		return c, rows.Scan(&c.Start, &c.Cells)
	}, `WITH RECURSIVE
		of(id, chunk) AS (SELECT s.id, p.chunk FROM ledger_slos s, ledger_position p WHERE s.name = ?1 AND p.chunk > 0),
		at(start) AS (SELECT (max(?2, (SELECT min(start) FROM ledger_cells)) + chunk - 1) / chunk * chunk FROM of
			UNION ALL SELECT start + chunk FROM at, of WHERE start + chunk < min(?3, (SELECT max(start) FROM ledger_cells) + 1))
		SELECT c.start, c.cells FROM at, of CROSS JOIN ledger_cells c ON c.start = at.start AND c.slo = of.id WHERE at.start < ?3`,
		slo, max(0, p.From.Unix()), p.To.Unix())
	return list, wrap("reading ledger cells", err)
}

// oneChunk looks up a single chunk, as the edge of a window needs it; known is
// false if the period is another one.
func (d *DB) oneChunk(ctx context.Context, slo pitwall.SLOName, p pitwall.Period) (list []pitwall.LedgerChunk, known bool, err error) {
	start := p.From.Unix()
	d.ledgers.Lock()
	id, numbered := d.slos[slo]
	known = numbered && d.chunk > 0 && start >= 0 && start%d.chunk == 0 && p.From.Nanosecond() == 0 && p.To.Equal(p.From.Add(time.Duration(d.chunk)*time.Second))
	if known && d.lookup == nil {
		d.lookup, err = d.read.Prepare("SELECT cells FROM ledger_cells WHERE start = ? AND slo = ?")
	}
	d.ledgers.Unlock()
	if !known || err != nil {
		return nil, known, err
	}
	c := pitwall.LedgerChunk{SLO: slo, Start: start}
	switch err := d.lookup.QueryRowContext(ctx, start, id).Scan(&c.Cells); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, true, nil
	case err != nil:
		return nil, true, err
	}
	return []pitwall.LedgerChunk{c}, true, nil
}
