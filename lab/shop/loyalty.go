package shop

import (
	"context"
	"database/sql"
	"strings"

	"github.com/pitwall/pitwall/lab/telemetry"
)

// points are the loyalty points of a customer's last ten orders.
func (o *orders) points(ctx context.Context, tx *sql.Tx, user string) (points int64, err error) {
	const sum = `SELECT CAST(COALESCE(SUM(total_cents), 0) / 100 AS BIGINT) FROM
		(SELECT total_cents FROM orders WHERE customer = ? ORDER BY created_ms DESC LIMIT 10) AS last`
	q := telemetry.Query{System: o.system, Operation: "SELECT", Text: sum, Table: "orders"}
	err = o.query(ctx, q, func(ctx context.Context) error {
		return tx.QueryRowContext(ctx, o.bind(sum), user).Scan(&points)
	})
	return points, err
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
