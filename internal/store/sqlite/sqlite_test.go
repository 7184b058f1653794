package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/record"
	"github.com/pitwall/pitwall/internal/store/sqlite"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

func open(t testing.TB, dir string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, t.TempDir()) })
}

func TestEverythingSurvivesReopening(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd name %20 #?x")
	db := open(t, dir)
	ctx := t.Context()
	now := func() time.Time { return time.Unix(1e9, 7).UTC() }
	if _, err := record.New(db, now).Append(ctx, pitwall.Event{Type: pitwall.EventNote, Data: json.RawMessage(`{"a": "<&>"}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Acquire(ctx, "l", "a", time.Minute, now()); err != nil {
		t.Fatal(err)
	}
	save := pitwall.LedgerSave{Chunk: time.Minute, Steps: []pitwall.LedgerStep{{SLO: "s", Start: 10, Counts: pitwall.Counts{Good: 3, Bad: 1 << 63}}}, Position: 1<<63 + 5}
	if err := db.SaveLedger(ctx, save); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir)
	r := record.New(db, now)
	if _, err := r.Append(ctx, pitwall.Event{Type: pitwall.EventNote}); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Verify(ctx); n != 2 || err != nil {
		t.Errorf("record: %d, %v", n, err)
	}
	if f, err := db.Acquire(ctx, "l", "b", time.Minute, now().Add(time.Hour)); f != 2 || err != nil {
		t.Errorf("fencing token %d, %v", f, err)
	}
	var steps []pitwall.LedgerStep
	saved, err := db.LoadLedger(ctx, time.Unix(0, 0), pitwall.LedgerVisit{Step: func(s pitwall.LedgerStep) error { steps = append(steps, s); return nil }})
	if len(steps) != 1 || steps[0] != save.Steps[0] || saved.Position != 1<<63+5 || err != nil {
		t.Errorf("ledger: %v at %d, %v", steps, saved.Position, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "pitwall.db")); err != nil {
		t.Error(err)
	}
}

func TestOneProcessPerDirectory(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	_, err := sqlite.Open(dir)
	if pitwall.KindOf(err) != pitwall.Conflict || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) || pitwall.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
	db.Close()
	// A lock file that a killed process left behind is no obstacle.
	if err := os.WriteFile(filepath.Join(dir, "LOCK"), []byte("99999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(file); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("a file where the directory should be: %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pitwall.db"), []byte(strings.Repeat("this is no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(dir)
	if pitwall.KindOf(err) != pitwall.Unavailable || !strings.Contains(err.Error(), "pitwall.db") {
		t.Errorf("garbage: %v", err)
	}
	if _, err := sqlite.Open(dir); pitwall.KindOf(err) == pitwall.Conflict {
		t.Errorf("a failed opening must give the lock back: %v", err)
	}
}

// raw opens the same file beside Pitwall, as an outsider would.
func raw(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "pitwall.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestTheRecordIsAppendOnlyForOutsidersToo(t *testing.T) {
	dir := t.TempDir()
	r := record.New(open(t, dir), time.Now)
	for range 3 {
		if _, err := r.Append(t.Context(), pitwall.Event{Type: pitwall.EventNote, Actor: "ada"}); err != nil {
			t.Fatal(err)
		}
	}
	db := raw(t, dir)
	for _, text := range []string{"UPDATE events SET actor = 'eve' WHERE seq = 2", "DELETE FROM events"} {
		if _, err := db.Exec(text); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", text, err)
		}
	}
	// Whoever removes the guard is still seen by the chain.
	if _, err := db.Exec("DROP TRIGGER events_never_change; UPDATE events SET actor = 'eve' WHERE seq = 2"); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Verify(t.Context()); n != 1 || err == nil || !strings.Contains(err.Error(), "event 2: edited") {
		t.Errorf("verify: %d, %v", n, err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir).Close()
	if _, err := raw(t, dir).Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)"); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(dir)
	if pitwall.KindOf(err) != pitwall.Conflict || !strings.Contains(err.Error(), "99") || !strings.Contains(pitwall.HintOf(err), "newer") {
		t.Errorf("got %v, hint %q", err, pitwall.HintOf(err))
	}
}

func TestPruning(t *testing.T) {
	db := open(t, t.TempDir())
	ctx := context.Background()
	loads := []pitwall.PageLoad{{At: time.Unix(10, 0)}, {At: time.Unix(20, 0)}, {At: time.Unix(30, 0)}}
	if err := db.AppendPageLoads(ctx, loads); err != nil {
		t.Fatal(err)
	}
	if n, err := db.PrunePageLoads(ctx, time.Unix(20, 0)); n != 1 || err != nil {
		t.Errorf("pruned %d page loads, %v", n, err)
	}
	for _, a := range []pitwall.Alert{{ID: "over", From: time.Unix(5, 0), To: time.Unix(10, 0)}, {ID: "firing", Firing: true, From: time.Unix(5, 0)}} {
		if _, err := db.AppendAlert(ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := db.PruneAlerts(ctx, time.Unix(20, 0)); n != 1 || err != nil {
		t.Errorf("pruned %d alerts, %v", n, err)
	}
}

func TestHealthTellsOfTheDisk(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	if err := db.SaveLedger(t.Context(), pitwall.LedgerSave{Chunk: time.Minute}); err != nil || !db.Health()[0].Up {
		t.Fatalf("%v, %+v", err, db.Health())
	}
	if _, err := raw(t, dir).Exec("DROP TABLE ledger_position"); err != nil {
		t.Fatal(err)
	}
	if err := db.SaveLedger(t.Context(), pitwall.LedgerSave{Chunk: time.Minute}); pitwall.KindOf(err) != pitwall.Unavailable || db.Health()[0].Up || db.Health()[0].Message == "" {
		t.Fatalf("%v, %+v", err, db.Health())
	}
}

// BenchmarkAppend measures one acknowledged event, flushed to the disk.
func BenchmarkAppend(b *testing.B) {
	r := record.New(open(b, b.TempDir()), time.Now)
	for b.Loop() {
		if _, err := r.Append(b.Context(), pitwall.Event{Type: pitwall.EventNote, Data: json.RawMessage(`{"reason":"bench"}`)}); err != nil {
			b.Fatal(err)
		}
	}
}
