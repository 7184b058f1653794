package shop

import (
	"context"
	"fmt"
	"time"
)

const (
	ordersPool  = "orders"
	pastOrders  = 160 // per customer, where the shop has a past
	withLines   = 100 // the newest of them, whose lines are on file
	linesOnFile = 3   // per order
)

// schema works for SQLite and PostgreSQL alike; times are epoch milliseconds.
func schema() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, customer TEXT NOT NULL, charge_id TEXT NOT NULL,
			total_cents BIGINT NOT NULL, created_ms BIGINT NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS order_lines (order_id TEXT NOT NULL, sku TEXT NOT NULL, name TEXT NOT NULL,
			qty INT NOT NULL, cents BIGINT NOT NULL)`,
		`CREATE INDEX IF NOT EXISTS orders_created ON orders (created_ms)`,
		`CREATE INDEX IF NOT EXISTS orders_customer ON orders (customer, created_ms)`,
	}
}

// prepare gives the shop its past, if it has one, and the version's schema.
func (o *orders) prepare(ctx context.Context) error {
	if err := o.tel.ObserveDB(ordersPool, o.db); err != nil {
		return err
	}
	customers := int(o.flags.number("past_customers", 0))
	if customers == 0 {
		return nil
	}
	var n int
	if err := o.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM orders`).Scan(&n); err != nil {
		return fmt.Errorf("counting orders: %w", err)
	}
	if n == 0 {
		if err := o.fill(ctx, customers); err != nil {
			return fmt.Errorf("writing past orders: %w", err)
		}
		if _, err := o.db.ExecContext(ctx, `CREATE INDEX order_lines_order ON order_lines (order_id)`); err != nil {
			return fmt.Errorf("indexing lines: %w", err)
		}
	}
	return o.migrate(ctx)
}

// resize makes the pool as large as the flags say.
func (o *orders) resize() {
	n := max(1, int(o.flags.number("db_max_open_conns", 4)))
	o.db.SetMaxOpenConns(n)
	o.db.SetMaxIdleConns(n)
}

// migrate brings schema and pool to the version's.
func (o *orders) migrate(ctx context.Context) error {
	o.resize()
	if o.flags.get("schema") != "2" {
		return nil
	}
	for _, index := range []string{"orders_customer", "orders_created"} {
		if _, err := o.db.ExecContext(ctx, `DROP INDEX IF EXISTS `+index); err != nil {
			return fmt.Errorf("migrating orders to schema 2: %w", err)
		}
	}
	return nil
}

// pastName is as long as the names of goods on an invoice.
const pastName = "a good from an earlier season, as it was called then, with its finish and its size, no longer made and kept for the record only"

// fill writes each customer's past, one statement per customer and table.
func (o *orders) fill(ctx context.Context, customers int) error {
	tx, err := o.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // a no-op after commit
	then := time.Now().Add(-365 * 24 * time.Hour).UnixMilli()
	for c := range customers {
		user := fmt.Sprintf("user-%04d", c)
		var heads, lines []any
		for i := range pastOrders {
			id := fmt.Sprintf("past_%04d_%03d", c, i)
			heads = append(heads, id, user, "ch_past", 1_000+c+i, then+int64(i*customers+c))
			if i < pastOrders-withLines {
				continue
			}
			for l := range linesOnFile {
				lines = append(lines, id, SKU((c+i+l)%SKUs), pastName, 1+l, 500)
			}
		}
		head := `INSERT INTO orders (id, customer, charge_id, total_cents, created_ms) VALUES ` + tuples(pastOrders, 5)
		if _, err := tx.ExecContext(ctx, o.bind(head), heads...); err != nil {
			return err
		}
		line := `INSERT INTO order_lines (order_id, sku, name, qty, cents) VALUES ` + tuples(withLines*linesOnFile, 5)
		if _, err := tx.ExecContext(ctx, o.bind(line), lines...); err != nil {
			return err
		}
	}
	return tx.Commit()
}
