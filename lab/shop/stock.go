package shop

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/pitwall/pitwall/lab/telemetry"
)

// stockStore keeps reservations in a database of inventory's own.
type stockStore struct {
	db    *sql.DB
	tel   *telemetry.Telemetry
	flags *flagSet
	way   way
}

const (
	stockPool    = "stock"
	reservations = 90_000 // on file when the shop opens, unless the flags say otherwise
	insertAtOnce = 500    // rows per statement when filling a table
)

// openStock opens the database, fills it the first time, and brings its schema
// to the version's.
func openStock(ctx context.Context, d deps) (*stockStore, error) {
	db, err := sql.Open("sqlite", sqliteDSN(filepath.Join(d.Dir, "stock.db")))
	if err != nil {
		return nil, fmt.Errorf("opening stock database: %w", err)
	}
	s := &stockStore{db: db, tel: d.tel, flags: d.flags, way: wayToDatabase(d.flags)}
	db.SetMaxOpenConns(max(1, int(d.flags.number("db_max_open_conns", 4))))
	db.SetMaxIdleConns(8)
	if err := s.prepare(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("preparing stock tables: %w", err)
	}
	return s, d.tel.ObserveDB(stockPool, db)
}

func (s *stockStore) prepare(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS reservations
		(id INTEGER PRIMARY KEY, sku TEXT NOT NULL, warehouse TEXT NOT NULL, qty INT NOT NULL)`)
	if err != nil {
		return err
	}
	var n int
	if err := s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM reservations`).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return s.migrate(ctx)
	}
	if err := s.fill(ctx); err != nil {
		return err
	}
	if _, err = s.db.ExecContext(ctx, `CREATE INDEX reservations_sku ON reservations (sku, warehouse, qty)`); err != nil {
		return err
	}
	return s.migrate(ctx)
}

// migrate brings the schema to the version's.
func (s *stockStore) migrate(ctx context.Context) error {
	if s.flags.get("stock_schema") != "2" {
		return nil
	}
	if _, err := s.db.ExecContext(ctx, `DROP INDEX IF EXISTS reservations_sku`); err != nil {
		return fmt.Errorf("migrating stock to schema 2: %w", err)
	}
	return nil
}

// fill spreads reservations evenly over goods and warehouses.
func (s *stockStore) fill(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // a no-op after commit
	houses := warehouses()
	for i := 0; i < int(s.flags.number("reservations", reservations)); i += insertAtOnce {
		args := make([]any, 0, 3*insertAtOnce)
		for j := i; j < i+insertAtOnce; j++ {
			args = append(args, SKU(j%SKUs), houses[(j/SKUs)%len(houses)], 1+j%3)
		}
		stmt := `INSERT INTO reservations (sku, warehouse, qty) VALUES ` + tuples(insertAtOnce, 3)
		if _, err := tx.ExecContext(ctx, stmt, args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// reserve subtracts what is reserved from each item's stock, all goods in one
// query or, in one version, warehouse by warehouse.
func (s *stockStore) reserve(ctx context.Context, items []Item) error {
	if s.flags.get("stock_query") != "warehouse" {
		skus := make([]any, len(items))
		for i, it := range items {
			skus[i] = it.SKU
		}
		sums, err := s.sums(ctx, `SELECT sku, warehouse, SUM(qty) FROM reservations WHERE sku IN `+tuples(1, len(items))+` GROUP BY sku, warehouse`, skus)
		return subtract(items, sums, err)
	}
	for i := range items {
		for _, house := range warehouses() {
			sums, err := s.sums(ctx, `SELECT sku, warehouse, SUM(qty) FROM reservations WHERE sku = ? AND warehouse = ? GROUP BY sku, warehouse`,
				[]any{items[i].SKU, house})
			if err := subtract(items[i:i+1], sums, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// stockPlace is a good in a warehouse.
type stockPlace struct{ sku, warehouse string }

func (s *stockStore) sums(ctx context.Context, stmt string, args []any) (map[stockPlace]int, error) {
	text := stmt
	if i := strings.Index(text, "(?, "); i > 0 {
		text = text[:i] + "(?, …)" + text[strings.LastIndex(text, ")"):][1:] // one text for any number of goods
	}
	out := map[stockPlace]int{}
	conn, err := s.tel.Conn(ctx, stockPool, s.db)
	if err != nil {
		return nil, fmt.Errorf("waiting for a connection: %w", err)
	}
	defer func() { _ = conn.Close() }() // back to the pool
	q := telemetry.Query{System: "sqlite", Operation: "SELECT", Text: text, Table: "reservations", Peer: "stock-db"}
	err = s.tel.Database(ctx, q, func(ctx context.Context) error {
		if err := s.way.cross(ctx, len(stmt)); err != nil {
			return err
		}
		rows, err := conn.QueryContext(ctx, stmt, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var at stockPlace
			var n int
			if err := rows.Scan(&at.sku, &at.warehouse, &n); err != nil {
				return err
			}
			out[at] = n
		}
		return rows.Err()
	})
	return out, err
}

// subtract writes the sums into copies of the items' stock.
func subtract(items []Item, sums map[stockPlace]int, err error) error {
	if err != nil {
		return fmt.Errorf("reading reservations: %w", err)
	}
	for i := range items {
		stock := make([]Stock, len(items[i].Stock))
		for j, s := range items[i].Stock {
			s.Reserved += sums[stockPlace{items[i].SKU, s.Warehouse}] % 8
			stock[j] = s
		}
		items[i].Stock = stock
	}
	return nil
}

// forecastDays is how far ahead stock is simulated, forecastRuns how often unless
// the flags say otherwise.
const (
	forecastDays = 90
	forecastRuns = 900
)

// forecast simulates the sale of the stock and says in how many days it ends.
func forecast(it Item, runs int) string {
	x := uint64(it.PriceCents)<<16 | uint64(it.WeightG) | 1
	total := 0
	for range runs {
		left := 0
		for _, s := range it.Stock {
			left += s.OnHand - s.Reserved
		}
		for day := range forecastDays {
			x ^= x << 13 // xorshift64, as in taxTable
			x ^= x >> 7
			x ^= x << 17
			if left -= int(x % 64); left <= 0 {
				total += day
				break
			}
		}
	}
	return fmt.Sprintf("back in %d days", total/max(1, runs))
}
