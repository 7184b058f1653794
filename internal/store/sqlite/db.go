package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/pitwall/pitwall"
)

//go:embed migrations/*.sql
var migrations embed.FS

// fileName is the database inside a data directory.
const fileName = "pitwall.db"

// readers is how many queries may run beside the one writer.
const readers = 4

// openTimeout bounds the opening and the migration of a database.
const openTimeout = 60 * time.Second

// DB is the state of one Pitwall. It is safe for use by several goroutines.
type DB struct {
	file  string
	write *sql.DB // one connection: SQLite has one writer, so waiting happens here
	read  *sql.DB
	lock  *os.File

	ledgers sync.Mutex // guards what is known of the ledger
	slos    map[pitwall.SLOName]int64
	chunk   int64 // seconds; 0: not known yet
	lookup  *sql.Stmt

	mu     sync.Mutex // guards health
	health pitwall.SourceHealth
}

var (
	_ pitwall.EventStore  = (*DB)(nil)
	_ pitwall.LedgerStore = (*DB)(nil)
	_ pitwall.Leases      = (*DB)(nil)
	_ pitwall.ChangeLog   = (*DB)(nil)
	_ pitwall.PageLoads   = (*DB)(nil)
	_ pitwall.AlertLog    = (*DB)(nil)
	_ pitwall.Memory      = (*DB)(nil)
	_ pitwall.Health      = (*DB)(nil)
)

// Open takes a data directory (made if it is not there), locks it for this
// process, and opens the database pitwall.db in it, brought to today's schema.
// A directory in use is a Conflict that names the process.
func Open(dir string) (*DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, trouble("making data directory", err)
	}
	held, err := lock(dir)
	if err != nil {
		return nil, err
	}
	db, err := open(filepath.Join(dir, fileName))
	if err != nil {
		held.Close()
		return nil, err
	}
	db.lock = held
	return db, nil
}

func open(file string) (*DB, error) {
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	db := &DB{file: file, health: pitwall.SourceHealth{Name: "store/state", Up: true, Blind: "nothing can be recorded, so nothing is changed"}}
	var err error
	if db.write, err = connect(file, "&_txlock=immediate", 1); err != nil {
		return nil, err
	}
	if err := migrate(ctx, db.write); err != nil {
		db.write.Close()
		return nil, &pitwall.Error{Op: "opening database", Kind: pitwall.KindOf(err), ID: file, Err: err, Hint: pitwall.HintOf(err)}
	}
	if db.read, err = connect(file, "&_pragma=query_only(1)", readers); err != nil {
		db.write.Close()
		return nil, err
	}
	return db, nil
}

// connect opens a pool. synchronous(2) is FULL: in WAL mode every commit is
// flushed to the disk before it is acknowledged.
func connect(file, more string, most int) (*sql.DB, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, trouble("opening database", err)
	}
	dsn := (&url.URL{Scheme: "file", Path: abs}).String() +
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(2)&_pragma=foreign_keys(1)" + more
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, trouble("opening database", err)
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return db, nil
}

// migrate brings an older schema up to date and refuses a newer one, which a
// newer Pitwall has made.
func migrate(ctx context.Context, db *sql.DB) error {
	p, err := provider(db)
	if err != nil {
		return err
	}
	has, knows, err := p.GetVersions(ctx)
	if err != nil {
		return pitwall.Errorf(pitwall.Unavailable, "reading schema version", "%w", err)
	}
	if has > knows {
		return &pitwall.Error{Op: "reading schema version", Kind: pitwall.Conflict,
			Err: fmt.Errorf("it is %d, this Pitwall knows up to %d", has, knows), Hint: "use the newer Pitwall that wrote it, or another data directory"}
	}
	if _, err := p.Up(ctx); err != nil {
		return pitwall.Errorf(pitwall.Unavailable, "migrating schema", "%w", err)
	}
	return nil
}

func provider(db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("reading migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("reading migrations: %w", err)
	}
	return p, nil
}

// Close gives the directory back.
func (d *DB) Close() error {
	var err error
	if d.lookup != nil {
		err = d.lookup.Close()
	}
	err = errors.Join(err, d.read.Close(), d.write.Close())
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	if err != nil {
		return trouble("closing database", err)
	}
	return nil
}

// Health says whether the last write succeeded.
func (d *DB) Health() []pitwall.SourceHealth {
	d.mu.Lock()
	defer d.mu.Unlock()
	return []pitwall.SourceHealth{d.health}
}

// change runs f in the one writing transaction: all of it or nothing.
func (d *DB) change(ctx context.Context, op string, f func(*sql.Tx) error) error {
	err := d.transact(ctx, f)
	// A refusal or a caller that went away says nothing about the disk.
	var said *pitwall.Error
	if errors.As(err, &said) || ctx.Err() != nil {
		return wrap(op, err)
	}
	d.mu.Lock()
	d.health.Up, d.health.Message = err == nil, ""
	if err == nil {
		d.health.Accepted++
		d.health.LastSeen = time.Now()
	} else {
		d.health.Rejected++
		d.health.Message = err.Error()
	}
	d.mu.Unlock()
	return wrap(op, err)
}

func (d *DB) transact(ctx context.Context, f func(*sql.Tx) error) (err error) {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rolledBack(tx)) }() // of a panic, too: there is one writer
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// rolledBack undoes a transaction; one that is over already is no trouble.
func rolledBack(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("rolling back: %w", err)
	}
	return nil
}

// wrap makes an error of the database one of ours; ours stay as they are.
func wrap(op string, err error) error {
	var said *pitwall.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", op, err)
	default:
		return trouble(op, err)
	}
}

func trouble(op string, err error) *pitwall.Error {
	return &pitwall.Error{Op: op, Kind: pitwall.Unavailable, Err: err, Hint: "check the disk under the data directory: full, read-only, or gone?"}
}
