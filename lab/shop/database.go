package shop

import (
	"context"
	"database/sql"
	"io"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "modernc.org/sqlite"             // driver "sqlite"

	"github.com/pitwall/pitwall/lab/link"
)

// sqliteDSN opens a file for one writer at a time and many readers.
func sqliteDSN(file string) string {
	return "file:" + file + "?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=busy_timeout(5000)&_txlock=immediate"
}

// tuples is "(?, ?), (?, ?)" for rows times columns.
func tuples(rows, columns int) string {
	one := "(" + strings.TrimSuffix(strings.Repeat("?, ", columns), ", ") + "), "
	return strings.TrimSuffix(strings.Repeat(one, rows), ", ")
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

// way is the way to a database: none where it lives in this process, as it does
// by default, or over the zone's network.
type way struct{ l link.Link }

// databaseDelay is one way over a zone's network.
const databaseDelay = 250 * time.Microsecond

func wayToDatabase(f *flagSet) way {
	if f.get("database") != "remote" {
		return way{}
	}
	return way{link.Link{Path: link.Path{Delay: databaseDelay}}}
}

// cross carries a statement of n bytes there and its answer back.
func (w way) cross(ctx context.Context, n int) error {
	if w.l.Path.Delay == 0 {
		return nil
	}
	there := w.l
	there.Path.Delay *= 2 // one wait for both ways: timers are coarser than the way
	_, err := there.Copy(ctx, io.Discard, io.LimitReader(zeros{}, int64(n)))
	return err
}

// zeros is an endless stream.
type zeros struct{}

// Read fills p with what it held.
func (zeros) Read(p []byte) (int, error) { return len(p), nil }
