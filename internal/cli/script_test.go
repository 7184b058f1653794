package cli

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/record"
)

var update = flag.Bool("update", false, "rewrite what is compared with")

// TestScripts runs every command line of testdata/script as a process, and
// holds output and exit code against what the script says.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update, RequireUniqueNames: true, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error { return writeRecord(filepath.Join(e.WorkDir, "record.jsonl")) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code,
		},
	})
}

// code runs "code N pitwall …" and wants that very exit code; exec alone only
// knows good and bad.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = ""
		const exit = "exit status "
		if text := err.Error(); len(text) > len(exit) && text[:len(exit)] == exit {
			got = text[len(exit):]
		}
	}
	if got != args[0] {
		ts.Fatalf("exit code %q (%v), want %s", got, err, args[0])
	}
}

// writeRecord writes a small sealed record, as record export does.
func writeRecord(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = record.Export(f, func(yield func(pitwall.Event, error) bool) {
		var prev pitwall.Event
		for i, actor := range []string{"ann", "bob", "pitwall"} {
			prev = record.Seal(prev, pitwall.Event{Time: time.Date(2026, 3, 1, 12, i, 0, 0, time.UTC), Plan: "PIP-1", Type: pitwall.EventNote, Actor: actor, Data: []byte(`{"reason":"seen"}`)})
			if !yield(prev, nil) {
				return
			}
		}
	})
	return err
}
