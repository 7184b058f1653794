package block

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pitwall/pitwall"
)

// memory is a file that is not one.
type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

func openBytes(data []byte) (*Block, error) {
	b := &Block{file: memory{bytes.NewReader(data)}, size: int64(len(data)), attrs: map[string]int{}}
	if err := b.open("memory"); err != nil {
		return nil, wrap("opening span block", "memory", err)
	}
	return b, nil
}

// answers is what a block says to a few questions that touch all of it.
type answers struct {
	rows, matches, traces []string
	scanned               int64
}

func askAll(b *Block, service pitwall.ServiceName, id pitwall.TraceID) (a answers, err error) {
	ctx := context.Background()
	all, err := b.Spans(ctx, pitwall.SpanQuery{})
	if err != nil {
		return a, err
	}
	a.rows = rowsOf(all)
	if err := b.Matches(ctx, pitwall.SpanQuery{Service: service}, func(id pitwall.TraceID) { a.matches = append(a.matches, string(id[:])) }); err != nil {
		return a, err
	}
	whole, err := b.Traces(ctx, map[pitwall.TraceID]struct{}{id: {}})
	if err != nil {
		return a, err
	}
	a.traces = rowsOf(whole)
	err = b.Scan(ctx, pitwall.SpanQuery{}, Columns{Self: true, Critical: true}, func(c *Chunk) error {
		for i := range c.Rows {
			a.scanned += c.Self[i]*3 + c.Critical[i]
		}
		return nil
	})
	return a, err
}

func (a answers) equal(o answers) bool {
	return slices.Equal(a.rows, o.rows) && slices.Equal(a.matches, o.matches) && slices.Equal(a.traces, o.traces) && a.scanned == o.scanned
}

// smallFile gives the bytes of a block with several row groups and pages, and
// what it says.
func smallFile(t *testing.T) (data []byte, ask func(*Block) (answers, error), want answers) {
	t.Helper()
	r := oddRows(rand.New(rand.NewPCG(5, 5)), 150)
	b := wrote(t, r, 64, 32)
	data, err := os.ReadFile(b.Meta().Path)
	if err != nil {
		t.Fatal(err)
	}
	ask = func(b *Block) (answers, error) {
		return askAll(b, pitwall.ServiceName(r.Batch.Strings[r.Batch.Service[3]]), r.Batch.TraceID[70])
	}
	if want, err = ask(b); err != nil || len(want.rows) != 150 || len(want.matches) == 0 || len(want.traces) == 0 {
		t.Fatalf("the whole file: %+v, %v", want, err)
	}
	return data, ask, want
}

// damagedAnswer says what is wrong with the way a damaged file was met.
func damagedAnswer(data []byte, ask func(*Block) (answers, error), want answers) string {
	b, err := openBytes(data)
	var got answers
	if err == nil {
		got, err = ask(b)
	}
	var e *pitwall.Error
	switch {
	case err == nil && !got.equal(want):
		return "a wrong answer without an error"
	case err != nil && (!errors.As(err, &e) || e.Kind != pitwall.Invalid || e.Hint == "" || e.ID == ""):
		return "the error is " + err.Error()
	}
	return ""
}

// TestFlippedBytes damages one byte after the other: an error, or the right
// answer.
func TestFlippedBytes(t *testing.T) {
	data, ask, want := smallFile(t)
	step := 61
	if os.Getenv("PITWALL_EVERY_BYTE") != "" {
		step = 1
	}
	rng := rand.New(rand.NewPCG(1, 2))
	missed := 0
	for at := 0; at < len(data); at += 1 + rng.IntN(2*step-1) {
		old := data[at]
		data[at] ^= 1 << rng.IntN(8)
		if trouble := damagedAnswer(data, ask, want); trouble != "" {
			t.Errorf("byte %d of %d, %#x instead of %#x: %s", at, len(data), data[at], old, trouble)
			missed++
		}
		data[at] = old
		if missed > 10 {
			return
		}
	}
}

// TestTruncated cuts the file at many places.
func TestTruncated(t *testing.T) {
	data, ask, want := smallFile(t)
	for n := 0; n < len(data); n += 1 + n/50 {
		for _, cut := range [][]byte{data[:n], data[len(data)-n:], slices.Concat(data[:n], make([]byte, len(data)-n))} {
			if trouble := damagedAnswer(cut, ask, want); trouble != "" {
				t.Fatalf("cut at %d of %d: %s", n, len(data), trouble)
			}
			if b, err := openBytes(cut); err == nil {
				if _, err := ask(b); err == nil {
					t.Fatalf("cut at %d of %d: no error", n, len(data))
				}
			}
		}
	}
}

func TestForeignFiles(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"empty": "", "text": strings.Repeat("no block at all ", 50), "magic": "PAR1PAR1", "long": "PAR1" + strings.Repeat("\xff", 500) + "PAR1"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := Open(path)
		if pitwall.KindOf(err) != pitwall.Invalid || pitwall.HintOf(err) == "" || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, %v", name, b, err)
		}
	}
	if _, err := Open(filepath.Join(dir, "nowhere")); pitwall.KindOf(err) != pitwall.NotFound {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestFullDisk writes in a process whose files may not grow beyond 100 kB: there
// is an error and nothing is left, and a block that was there before is whole.
func TestFullDisk(t *testing.T) {
	const limited = "PITWALL_TEST_LIMITED"
	r := traffic(shape{spans: 20_000, start: epoch, gap: 1_000_000})
	if dir := os.Getenv(limited); dir != "" {
		limit := syscall.Rlimit{Cur: 100_000, Max: 100_000}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"new", "old"} {
			if m, err := Write(t.Context(), filepath.Join(dir, name), r, WriteOptions{}); pitwall.KindOf(err) != pitwall.Unavailable || pitwall.HintOf(err) == "" {
				t.Errorf("%+v, %v", m, err)
			}
		}
		return
	}
	dir := t.TempDir()
	old, err := Write(t.Context(), filepath.Join(dir, "old"), r, WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^TestFullDisk$")
	c.Env = append(os.Environ(), limited+"="+dir)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("%v left, %v", files, err)
	}
	reopened(t, old.Path, old)
}

// TestRefusedRows: what does not fit together is Invalid, and nothing is written.
func TestRefusedRows(t *testing.T) {
	for name, spoil := range map[string]func(r *Rows){
		"no spans":             func(r *Rows) { r.Batch = &pitwall.SpanBatch{} },
		"nil":                  func(r *Rows) { r.Batch = nil },
		"short column":         func(r *Rows) { r.Batch.Kind = r.Batch.Kind[1:] },
		"short self":           func(r *Rows) { r.Self = r.Self[1:] },
		"number out of range":  func(r *Rows) { r.Batch.Peer[3] = 1 << 30 },
		"attributes backwards": func(r *Rows) { r.Batch.AttrEnd[0] = 1 << 20 },
		"no empty string":      func(r *Rows) { r.Batch.Strings[0] = "x" },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := oddRows(rand.New(rand.NewPCG(1, 1)), 10)
			spoil(&r)
			_, err := Write(t.Context(), filepath.Join(dir, "b"), r, WriteOptions{})
			if pitwall.KindOf(err) != pitwall.Invalid {
				t.Errorf("%v", err)
			}
			if files, _ := os.ReadDir(dir); len(files) != 0 {
				t.Errorf("%v left", files)
			}
		})
	}
	if _, err := Write(t.Context(), filepath.Join(t.TempDir(), "no", "dir"), oddRows(rand.New(rand.NewPCG(1, 1)), 10), WriteOptions{}); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("a directory that is not there: %v", err)
	}
}
