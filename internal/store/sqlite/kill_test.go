package sqlite_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/record"
	"github.com/pitwall/pitwall/internal/store/sqlite"
)

const childDir = "PITWALL_TEST_APPEND_IN"

// TestMain lets this binary be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, appendForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// appendForEver appends and says what was acknowledged, until it is killed.
func appendForEver(dir string) error {
	db, err := sqlite.Open(dir)
	if err != nil {
		return err
	}
	r := record.New(db, time.Now)
	data := json.RawMessage(`{"reason":"` + strings.Repeat("x", 2000) + `"}`)
	for {
		got, err := r.Append(context.Background(), pitwall.Event{Type: pitwall.EventNote, Data: data}, pitwall.Event{Type: pitwall.EventNote})
		if err != nil {
			return err
		}
		fmt.Println(got[1].Seq)
	}
}

// TestKillLosesNothing kills a writer at random moments and looks at what it left.
func TestKillLosesNothing(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	var acked uint64
	for round := range 8 {
		got := killed(t, dir, time.Duration(rng.Int64N(int64(60*time.Millisecond))))
		acked = max(acked, got)
		db, err := sqlite.Open(dir)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		n, err := record.New(db, time.Now).Verify(t.Context())
		if err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		if n < acked || n%2 != 0 { // they are appended in pairs: both or none
			t.Errorf("round %d: %d events left, %d were acknowledged", round, n, acked)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if acked < 20 {
		t.Errorf("only %d events were ever acknowledged: the test saw too little", acked)
	}
	t.Logf("%d events acknowledged over 8 kills, none lost", acked)
}

// killed runs a writer, kills it some time after its first answer, and gives
// the last number that it acknowledged.
func killed(t *testing.T, dir string, after time.Duration) (last uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var timer *time.Timer
	sc := bufio.NewScanner(out)
	for sc.Scan() {
		if timer == nil {
			timer = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		n, err := strconv.ParseUint(sc.Text(), 10, 64)
		if err != nil {
			continue // the last line may be cut
		}
		last = max(last, n)
	}
	_ = cmd.Wait() // it was killed, so this is an error
	if timer == nil {
		t.Fatal("the writer never answered")
	}
	return last
}
