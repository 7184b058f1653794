package shop

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/pitwall/pitwall/lab/telemetry"
)

const (
	ordersPool  = "orders"
	pastOrders  = 160 // per customer, where the shop has a past
	withLines   = 100 // the newest of them, whose lines are on file
	linesOnFile = 3   // per order
)

// resize makes the pool as large as the flags say.
func (o *orders) resize() {
	n := max(1, int(o.flags.number("db_max_open_conns", 4)))
	o.db.SetMaxOpenConns(n)
	o.db.SetMaxIdleConns(n)
}

// close ends the export first, which uses the database.
func (o *orders) close() error {
	if o.export != nil {
		o.export.stop()
	}
	return o.db.Close()
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

// pointsPerOrder gives a point per piece, more for dear ones.
func (o *orders) pointsPerOrder(ctx context.Context, user string) (points int64, err error) {
	const which = `SELECT id FROM orders WHERE customer = ? ORDER BY created_ms DESC LIMIT 60`
	q := telemetry.Query{System: o.system, Operation: "SELECT", Text: which, Table: "orders"}
	var ids []string
	err = o.query(ctx, q, func(ctx context.Context) error {
		ids, err = column(o.db.QueryContext(ctx, o.bind(which), user))
		return err
	})
	if err != nil {
		return 0, err
	}
	const pieces = `SELECT COALESCE(SUM(qty * (1 + cents / 10000)), 0) FROM order_lines WHERE order_id = ?`
	q = telemetry.Query{System: o.system, Operation: "SELECT", Text: pieces, Table: "order_lines"}
	for _, id := range ids {
		var n int64
		err := o.query(ctx, q, func(ctx context.Context) error {
			return o.db.QueryRowContext(ctx, o.bind(pieces), id).Scan(&n)
		})
		if err != nil {
			return 0, err
		}
		points += n
	}
	return points, nil
}

// column reads the one column of a result.
func column(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// history lists everything a customer ever bought.
func (o *orders) history(ctx context.Context, user string) ([]string, error) {
	const list = `SELECT o.id || ' ' || o.charge_id || ' ' || o.total_cents || ' ' || o.created_ms || ' ' || l.sku || ' ' || l.name || ' ' || l.qty || ' ' || l.cents
		FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.customer = ? ORDER BY o.created_ms DESC LIMIT 1000`
	q := telemetry.Query{System: o.system, Operation: "SELECT", Text: list, Table: "orders"}
	var out []string
	err := o.query(ctx, q, func(ctx context.Context) (err error) {
		out, err = column(o.db.QueryContext(ctx, o.bind(list), user))
		return err
	})
	return out, err
}

// gift goes with an order.
type gift struct{ SKU, Text string }

// giftFor chooses a gift by what the order is worth in points; some levels have
// none yet.
func giftFor(in orderRequest, points int64) string {
	gifts := map[int64]*gift{}
	for level := range int64(9) {
		gifts[level] = &gift{in.Lines[0].SKU, "a sample of " + in.Lines[0].Name}
	}
	g := gifts[points%10]
	return strings.ToUpper(g.Text)
}
