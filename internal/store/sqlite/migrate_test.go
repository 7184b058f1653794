package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// TestMigrationFromOlderSchema writes a database as the first schema had it and
// opens it with today's code.
func TestMigrationFromOlderSchema(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	old, err := connect(filepath.Join(dir, fileName), "", 1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := provider(old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Exec(`INSERT INTO events VALUES (1, 1000, 'PIP-1', 'note.added', 'ada', 'opened', 'opened', '{"reason":"old"}', '', 'h1');
		INSERT INTO leases VALUES ('l', 'a', 7, 0)`); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if e, err := db.Last(ctx); err != nil || e.Seq != 1 || string(e.Data) != `{"reason":"old"}` || e.Plan != "PIP-1" {
		t.Errorf("the old event reads %+v, %v", e, err)
	}
	if f, err := db.Acquire(ctx, "l", "b", time.Minute, time.Unix(1, 0)); f != 8 || err != nil {
		t.Errorf("fencing token %d, %v; it must go on from 7", f, err)
	}
	if err := db.AppendPageLoads(ctx, []pitwall.PageLoad{{At: time.Unix(1, 0)}}); err != nil {
		t.Errorf("the new table: %v", err)
	}
}

// TestWritesReachTheDisk holds the promise of the package comment.
func TestWritesReachTheDisk(t *testing.T) {
	db, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var mode string
	var sync int
	if err := db.write.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil {
		t.Fatal(err)
	}
	if err := db.write.QueryRow("PRAGMA synchronous").Scan(&sync); err != nil {
		t.Fatal(err)
	}
	if mode != "wal" || sync != 2 {
		t.Errorf("journal %q, synchronous %d; want wal, 2 (FULL)", mode, sync)
	}
	if _, err := db.read.Exec("INSERT INTO leases VALUES ('x', 'y', 1, 1)"); err == nil {
		t.Error("a reader wrote")
	}
}
