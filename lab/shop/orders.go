package shop

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/pitwall/pitwall/lab/mesh"
	"github.com/pitwall/pitwall/lab/telemetry"
)

// orders keeps orders in a real database.
type orders struct {
	db     *sql.DB
	system string // as in db.system.name
	tel    *telemetry.Telemetry
	flags  *flagSet
	way    way
	export *exporter // nil: nobody wants the books
}

// orderLine is the part of a line an order keeps; the rest is skipped.
type orderLine struct {
	SKU       string `json:"sku"`
	Name      string `json:"name"`
	Qty       int    `json:"qty"`
	LineCents int    `json:"line_cents"`
}

type orderRequest struct {
	User       string      `json:"user"`
	TotalCents int         `json:"total_cents"`
	ChargeID   string      `json:"charge_id"`
	Lines      []orderLine `json:"lines"`
}

func newOrders(ctx context.Context, d deps) (service, error) {
	o := &orders{system: "sqlite", tel: d.tel, flags: d.flags, way: wayToDatabase(d.flags)}
	driver, dsn := "sqlite", sqliteDSN(filepath.Join(d.Dir, "orders.db"))
	if d.DSN != "" {
		o.system, driver, dsn = "postgresql", "pgx", d.DSN
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return service{}, fmt.Errorf("opening database: %w", err)
	}
	o.db = db
	o.resize()
	for _, stmt := range schema() {
		if _, err := db.ExecContext(ctx, stmt); err != nil {
			_ = db.Close()
			return service{}, fmt.Errorf("preparing order tables in %s: %w", o.system, err)
		}
	}
	if err := o.prepare(ctx); err != nil {
		_ = db.Close()
		return service{}, err
	}
	if d.flags.get("books_every_ms") != "" {
		o.export = startExport(o)
	}
	return service{
		routes: []route{{"POST /orders", o.place}, {"GET /orders/recent", o.recent}},
		close:  o.close, switched: o.migrate,
	}, nil
}

// close ends the export first, which uses the database.
func (o *orders) close() error {
	if o.export != nil {
		o.export.stop()
	}
	return o.db.Close()
}

// place stores an order and its lines in one transaction and reads back what
// the customer bought lately, for the loyalty points.
func (o *orders) place(w http.ResponseWriter, r *http.Request) {
	var in orderRequest
	if err := json.NewDecoder(io.LimitReader(r.Body, 8<<20)).Decode(&in); err != nil {
		mesh.Fail(w, http.StatusBadRequest, "reading order: "+err.Error())
		return
	}
	if in.User == "" || len(in.Lines) == 0 {
		mesh.Fail(w, http.StatusUnprocessableEntity, "an order needs a user and at least one line")
		return
	}
	id, points, err := o.store(r.Context(), in)
	if err != nil {
		mesh.Fail(w, http.StatusInternalServerError, "storing order: "+err.Error())
		return
	}
	out := map[string]any{"order_id": id, "points": points}
	if o.flags.get("gifts") == "on" {
		out["gift"] = giftFor(in, points)
	}
	if o.flags.get("answer") == "history" {
		if out["history"], err = o.history(r.Context(), in.User); err != nil {
			mesh.Fail(w, http.StatusInternalServerError, "reading history: "+err.Error())
			return
		}
	}
	reply(w, out)
}

func (o *orders) store(ctx context.Context, in orderRequest) (id string, points int64, err error) {
	id = newOrderID()
	if o.flags.get("points") == "per_order" {
		if points, err = o.pointsPerOrder(ctx, in.User); err != nil {
			return "", 0, fmt.Errorf("counting points: %w", err)
		}
	}
	conn, err := o.tel.Conn(ctx, ordersPool, o.db)
	if err != nil {
		return "", 0, fmt.Errorf("waiting for a connection: %w", err)
	}
	defer func() { _ = conn.Close() }() // back to the pool
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return "", 0, fmt.Errorf("beginning: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // a no-op after commit
	const head = `INSERT INTO orders (id, customer, charge_id, total_cents, created_ms) VALUES (?, ?, ?, ?, ?)`
	now := time.Now().UnixMilli()
	if err := o.exec(ctx, tx, head, id, in.User, in.ChargeID, in.TotalCents, now); err != nil {
		return "", 0, fmt.Errorf("inserting order: %w", err)
	}
	args := make([]any, 0, 5*len(in.Lines))
	for _, l := range in.Lines {
		args = append(args, id, l.SKU, l.Name, l.Qty, l.LineCents)
	}
	lines := `INSERT INTO order_lines (order_id, sku, name, qty, cents) VALUES ` +
		strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?), ", len(in.Lines)), ", ")
	if err := o.exec(ctx, tx, lines, args...); err != nil {
		return "", 0, fmt.Errorf("inserting lines: %w", err)
	}
	if o.flags.get("points") != "per_order" {
		if points, err = o.points(ctx, tx, in.User); err != nil {
			return "", 0, fmt.Errorf("summing points: %w", err)
		}
	}
	commit := telemetry.Query{System: o.system, Operation: "COMMIT", Text: "COMMIT"}
	return id, points, o.query(ctx, commit, func(context.Context) error { return tx.Commit() })
}

// query runs one statement inside its span, over the way to the database.
func (o *orders) query(ctx context.Context, q telemetry.Query, do func(context.Context) error) error {
	return o.tel.Database(ctx, q, func(ctx context.Context) error {
		if err := o.way.cross(ctx, len(q.Text)); err != nil {
			return err
		}
		return do(ctx)
	})
}

// exec runs one INSERT inside its span.
func (o *orders) exec(ctx context.Context, tx *sql.Tx, stmt string, args ...any) error {
	text, table := stmt, strings.Fields(stmt)[2] // INSERT INTO table
	if i := strings.Index(stmt, "), ("); i > 0 {
		text = stmt[:i+1] + ", …" // one text for any number of rows
	}
	q := telemetry.Query{System: o.system, Operation: "INSERT", Text: text, Table: table}
	return o.query(ctx, q, func(ctx context.Context) error {
		_, err := tx.ExecContext(ctx, o.bind(stmt), args...)
		return err
	})
}

// bind turns ? into $1, $2, … where the database wants it.
func (o *orders) bind(stmt string) string {
	if o.system != "postgresql" {
		return stmt
	}
	var b strings.Builder
	n := 0
	for _, c := range stmt {
		if c != '?' {
			b.WriteRune(c)
			continue
		}
		n++
		fmt.Fprintf(&b, "$%d", n)
	}
	return b.String()
}

// recent lists the last twenty orders.
func (o *orders) recent(w http.ResponseWriter, r *http.Request) {
	type row struct {
		ID    string `json:"id"`
		Total int64  `json:"total_cents"`
		At    int64  `json:"created_ms"`
	}
	const list = `SELECT id, total_cents, created_ms FROM orders ORDER BY created_ms DESC LIMIT 20`
	out := []row{}
	q := telemetry.Query{System: o.system, Operation: "SELECT", Text: list, Table: "orders"}
	err := o.query(r.Context(), q, func(ctx context.Context) error {
		rows, err := o.db.QueryContext(ctx, list)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var x row
			if err := rows.Scan(&x.ID, &x.Total, &x.At); err != nil {
				return err
			}
			out = append(out, x)
		}
		return rows.Err()
	})
	if err != nil {
		mesh.Fail(w, http.StatusInternalServerError, "listing orders: "+err.Error())
		return
	}
	reply(w, map[string]any{"orders": out})
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

// newOrderID is random: two versions of this service may write side by side.
func newOrderID() string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails
	return "ord_" + hex.EncodeToString(b[:])
}
