package shop

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pitwall/pitwall/lab/link"
	"github.com/pitwall/pitwall/lab/telemetry"
)

const (
	booksRows = 2_000   // orders in each export
	booksRate = 250_000 // bytes per second to the accountants' archive
)

// exporter sends the last orders to the accountants every few seconds. It holds
// a connection as long as the archive takes them, as a cursor does.
type exporter struct {
	o     *orders
	every time.Duration
	end   context.CancelFunc
	done  sync.WaitGroup
}

func startExport(o *orders) *exporter {
	ctx, cancel := context.WithCancel(context.Background())
	e := &exporter{o: o, every: time.Duration(o.flags.number("books_every_ms", 3000)) * time.Millisecond, end: cancel}
	e.done.Go(func() { e.run(ctx) })
	return e
}

func (e *exporter) stop() {
	e.end()
	e.done.Wait()
}

func (e *exporter) run(ctx context.Context) {
	tick := time.NewTicker(e.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := e.send(ctx); err != nil && ctx.Err() == nil {
			e.o.tel.Log(ctx, telemetry.Warn, "exporting books: "+err.Error())
		}
	}
}

// send streams one export over the archive's link.
func (e *exporter) send(ctx context.Context) error {
	conn, err := e.o.tel.Conn(ctx, ordersPool, e.o.db)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // back to the pool
	const list = `SELECT id, customer, total_cents, created_ms FROM orders ORDER BY created_ms DESC LIMIT ?`
	rows, err := conn.QueryContext(ctx, e.o.bind(list), booksRows)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	pr, pw := io.Pipe()
	var writing sync.WaitGroup
	writing.Go(func() { _ = pw.CloseWithError(writeBooks(pw, rows)) })
	_, err = link.Link{Rate: booksRate}.Copy(ctx, io.Discard, pr)
	_ = pr.Close() // ends the writer if the link ended first
	writing.Wait()
	return err
}

// writeBooks writes rows as the accountants read them.
func writeBooks(w io.Writer, rows *sql.Rows) error {
	for rows.Next() {
		var id, customer string
		var cents, at int64
		if err := rows.Scan(&id, &customer, &cents, &at); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w, "%s;%s;%d;%s;EUR;shop.example;booked\r\n", id, customer, cents, time.UnixMilli(at).UTC().Format(time.RFC3339Nano))
		if err != nil {
			return err
		}
	}
	return rows.Err()
}
