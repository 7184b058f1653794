package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// Remember keeps what a part of Pitwall wants to find again after a start, in
// place of what it kept before under that name.
func (d *DB) Remember(ctx context.Context, name string, data []byte) error {
	return d.change(ctx, "keeping memory of "+name, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO memory (name, data) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET data = excluded.data", name, data)
		return err
	})
}

// Recall gives what was kept under a name; nil when nothing was.
func (d *DB) Recall(ctx context.Context, name string) ([]byte, error) {
	var data []byte
	err := d.read.QueryRowContext(ctx, "SELECT data FROM memory WHERE name = ?", name).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return data, wrap("reading memory of "+name, err)
}
