package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/pitwall/pitwall"
)

// pageChunks is how many chunks share a row of sums.
const pageChunks = 32

// SaveLedger stores what a ledger counted since it was saved last, together with
// the position in the span log up to which it counted: all of it or nothing.
func (d *DB) SaveLedger(ctx context.Context, save pitwall.LedgerSave) error {
	if save.Chunk < time.Second || save.Chunk%time.Second != 0 {
		return pitwall.Errorf(pitwall.Invalid, "saving ledger", "a chunk of %s", save.Chunk)
	}
	s := saving{save: save, fresh: map[pitwall.SLOName]int64{}}
	d.ledgers.Lock()
	defer d.ledgers.Unlock()
	err := d.change(ctx, "saving ledger", func(tx *sql.Tx) error {
		clear(s.fresh)
		s.ctx, s.tx, s.known = ctx, tx, d.slos
		for _, part := range []func() error{s.settle, s.chunks, s.steps, s.through} {
			if err := part(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.chunk = int64(save.Chunk / time.Second)
	d.know(s.fresh)
	return nil
}

// know remembers numbers that are in the database; the caller holds d.ledgers.
func (d *DB) know(numbers map[pitwall.SLOName]int64) {
	if d.slos == nil {
		d.slos = make(map[pitwall.SLOName]int64, len(numbers))
	}
	maps.Copy(d.slos, numbers)
}

// saving is one transaction of SaveLedger.
type saving struct {
	ctx   context.Context
	tx    *sql.Tx
	save  pitwall.LedgerSave
	known map[pitwall.SLOName]int64 // numbers of SLOs, committed
	fresh map[pitwall.SLOName]int64 // numbers of this transaction
}

func (s *saving) exec(text string, args ...any) error {
	_, err := s.tx.ExecContext(s.ctx, text, args...)
	return err
}

// settle writes the position and forgets steps that are in chunks.
func (s *saving) settle() error {
	var chunk, settled int64
	err := s.tx.QueryRowContext(s.ctx, "SELECT chunk, settled FROM ledger_position").Scan(&chunk, &settled)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("reading position: %w", err)
	}
	now := int64(s.save.Chunk / time.Second)
	if chunk != 0 && chunk != now {
		return &pitwall.Error{Op: "saving ledger", Kind: pitwall.Invalid, Err: fmt.Errorf("a chunk of %d s, but those stored are %d s long", now, chunk),
			Hint: "set ledger_step back, or start with an empty data_dir"}
	}
	// Everything is settled when there are no steps; a later save may bring
	// older ones, so that does not stay.
	forget, mark := s.save.Settled, s.save.Settled
	if mark == math.MaxInt64 {
		mark = settled
	}
	for _, step := range s.save.Steps {
		mark = min(mark, step.Start)
	}
	if err := s.exec(`INSERT INTO ledger_position (id, position, chunk, settled) VALUES (1, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET position = excluded.position, chunk = excluded.chunk, settled = excluded.settled`,
		int64(s.save.Position), now, mark); err != nil {
		return err
	}
	if err := s.exec("DELETE FROM ledger_recent WHERE latest < ?", forget); err != nil {
		return err
	}
	return s.exec("DELETE FROM ledger WHERE start < ?", forget)
}

// chunks writes cells, and their sums into the rows they share.
func (s *saving) chunks() error {
	if len(s.save.Chunks) == 0 {
		return nil
	}
	put, err := s.tx.PrepareContext(s.ctx, `INSERT INTO ledger_cells (start, slo, cells) VALUES (?,?,?)
		ON CONFLICT (start, slo) DO UPDATE SET cells = excluded.cells`)
	if err != nil {
		return err
	}
	defer put.Close()
	type row struct{ start, slo int64 }
	width := pageChunks * int64(s.save.Chunk/time.Second)
	rows := map[row][]pitwall.LedgerChunk{}
	var order []row
	for _, c := range s.save.Chunks {
		id, err := s.number(c.SLO)
		if err != nil {
			return err
		}
		if _, err := put.ExecContext(s.ctx, c.Start, id, nonNil(c.Cells)); err != nil {
			return fmt.Errorf("chunk %d of %s: %w", c.Start, c.SLO, err)
		}
		r := row{c.Start / width * width, id}
		if rows[r] == nil {
			order = append(order, r)
		}
		rows[r] = append(rows[r], c)
	}
	get, err := s.tx.PrepareContext(s.ctx, "SELECT sums FROM ledger_sums WHERE start = ? AND slo = ?")
	if err != nil {
		return err
	}
	defer get.Close()
	set, err := s.tx.PrepareContext(s.ctx, `INSERT INTO ledger_sums (start, slo, sums) VALUES (?,?,?)
		ON CONFLICT (start, slo) DO UPDATE SET sums = excluded.sums`)
	if err != nil {
		return err
	}
	defer set.Close()
	for _, r := range order {
		var data []byte
		if err := get.QueryRowContext(s.ctx, r.start, r.slo).Scan(&data); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("reading sums: %w", err)
		}
		page, err := readSums(data)
		if err != nil {
			return fmt.Errorf("sums from %d of SLO %d: %w", r.start, r.slo, err)
		}
		for _, c := range rows[r] {
			page = page.with(summed{(c.Start - r.start) / int64(s.save.Chunk/time.Second), c.Counts, c.Seen})
		}
		if _, err := set.ExecContext(s.ctx, r.start, r.slo, page.pack()); err != nil {
			return fmt.Errorf("writing sums: %w", err)
		}
	}
	return nil
}

// steps writes one row with all of them.
func (s *saving) steps() error {
	if len(s.save.Steps) == 0 {
		return nil
	}
	list := make([]recent, len(s.save.Steps))
	latest := s.save.Steps[0].Start
	for i, step := range s.save.Steps {
		id, err := s.number(step.SLO)
		if err != nil {
			return err
		}
		list[i] = recent{id, step.Start, step.Counts}
		latest = max(latest, step.Start)
	}
	return s.exec("INSERT INTO ledger_recent (latest, steps) VALUES (?,?)", latest, packRecent(list))
}

func (s *saving) through() error {
	if len(s.save.Through) == 0 {
		return nil
	}
	put, err := s.tx.PrepareContext(s.ctx, "UPDATE ledger_slos SET through = ? WHERE id = ?")
	if err != nil {
		return err
	}
	defer put.Close()
	for name, t := range s.save.Through {
		id, err := s.number(name)
		if err != nil {
			return err
		}
		if _, err := put.ExecContext(s.ctx, t.Unix(), id); err != nil {
			return fmt.Errorf("through of %s: %w", name, err)
		}
	}
	return nil
}

// number gives the number of an SLO, a new one if it has none.
func (s *saving) number(name pitwall.SLOName) (int64, error) {
	if id, ok := s.known[name]; ok {
		return id, nil
	}
	if id, ok := s.fresh[name]; ok {
		return id, nil
	}
	var id int64
	err := s.tx.QueryRowContext(s.ctx, `INSERT INTO ledger_slos (name) VALUES (?)
		ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id`, name).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("numbering %s: %w", name, err)
	}
	s.fresh[name] = id
	return id, nil
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
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
