package logs

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitwall/pitwall"
)

// twoBlocks makes a directory with blocks of a thousand records in some chunks
// each, and gives the first block's file and bytes.
func twoBlocks(t *testing.T) (dir, file string, data []byte) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir, Options{MemoryBytes: 1 << 20}) // chunks of 128 records
	for from := range 2 {
		for n := range 10 {
			add(t, s, records(from*1000+n*100, 100)...)
		}
		sealed(t, s)
	}
	shut(t, s)
	file = files(t, dir, extension)[0]
	data, err := os.ReadFile(file)
	if err != nil || len(files(t, dir, extension)) != 2 {
		t.Fatal(err, files(t, dir, extension))
	}
	return dir, file, data
}

// damagedAt opens a copy with one byte of the first block changed.
func damagedAt(t *testing.T, offset func(b *block, data []byte) int) *Store {
	t.Helper()
	dir, file, data := twoBlocks(t)
	b, err := openBlock(file)
	if err != nil {
		t.Fatal(err)
	}
	data[offset(&b, data)] ^= 0x55
	if err := os.WriteFile(file, data, 0o640); err != nil {
		t.Fatal(err)
	}
	return open(t, dir, Options{MemoryBytes: 1 << 20})
}

var everything = pitwall.LogQuery{Limit: 10_000}

func TestADamagedChunkIsSkippedAndTold(t *testing.T) {
	s := damagedAt(t, func(*block, []byte) int { return 500 })
	got := ask(t, s, everything)
	if len(got) < 1800 || len(got) >= 2000 {
		t.Errorf("%d records, want those of all chunks but one", len(got))
	}
	if m := s.Health()[0]; !m.Up || !strings.Contains(m.Message, "records of chunk 0: a frame is damaged") {
		t.Errorf("health: %+v", m)
	}
	if p := patterns(t, s, everything); p[0].Count != 2000 {
		t.Errorf("%d records counted; the index is sound", p[0].Count)
	}
}

func TestADamagedIndexIsMadeAgain(t *testing.T) {
	for name, offset := range map[string]func(b *block, data []byte) int{
		"index":   func(b *block, _ []byte) int { return int(b.indexAt) + 40 },
		"trailer": func(_ *block, data []byte) int { return len(data) - 30 },
		"magic":   func(_ *block, data []byte) int { return len(data) - trailerBytes },
	} {
		s := damagedAt(t, offset)
		if got := ask(t, s, everything); len(got) != 2000 {
			t.Errorf("%s: %d records, want all", name, len(got))
		}
		if p := patterns(t, s, everything); len(p) != 1 || p[0].Count != 2000 {
			t.Errorf("%s: patterns %+v", name, p)
		}
		if got := ask(t, s, pitwall.LogQuery{Trace: traceOf(7)}); len(got) != 1 {
			t.Errorf("%s: a trace has %d records", name, len(got))
		}
		if m := s.Health()[0].Message; !strings.Contains(m, "1000 records were found in it") {
			t.Errorf("%s: health says %q", name, m)
		}
		dir := s.dir
		shut(t, s)
		if s = open(t, dir, Options{}); s.Health()[0].Message != "" || len(ask(t, s, everything)) != 2000 {
			t.Errorf("%s: opened once more, health says %q", name, s.Health()[0].Message)
		}
	}
}

func TestADamagedFilterHidesNothing(t *testing.T) {
	s := damagedAt(t, func(b *block, _ []byte) int {
		h := hashOf(traceOf(7))
		row := filterRowBytes(b.chunks)
		return int(b.filterAt) + rowOf(h, b.filterRows)*row + 1
	})
	if got := ask(t, s, pitwall.LogQuery{Trace: traceOf(7)}); len(got) != 1 {
		t.Errorf("the trace has %d records", len(got))
	}
	if m := s.Health()[0].Message; !strings.Contains(m, "filter of traces: a row is damaged") {
		t.Errorf("health says %q", m)
	}
}

// TestCutAndForeignFiles: a block cut anywhere gives what is whole in it, and
// what is no block at all stops nothing.
func TestCutAndForeignFiles(t *testing.T) {
	dir, file, data := twoBlocks(t)
	for _, size := range []int{0, 3, 100, len(data) / 2, len(data) - 1} {
		if err := os.WriteFile(file, data[:size], 0o640); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, Options{})
		got := len(ask(t, s, everything))
		if want := 1000 * size / len(data); got < 1000 || got > 2000 || got < 1000+want-400 {
			t.Errorf("cut to %d of %d bytes: %d records", size, len(data), got)
		}
		if s.Health()[0].Message == "" {
			t.Errorf("cut to %d bytes: health tells nothing", size)
		}
		add(t, s, records(5000, 1)...)
		if ask(t, s, everything)[0].Text != "order 5000 took 53 ms" {
			t.Error("a new record is not there")
		}
		shut(t, s)
		if err := os.RemoveAll(filepath.Join(dir, "wal")); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"notes.txt", "x.logs", "00000000000000000009.logs.new"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("hello"), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir, Options{})
	if len(ask(t, s, everything)) < 1000 || len(files(t, dir, unfinished)) != 0 {
		t.Error("foreign files are in the way, or an unfinished block is left")
	}
}

// TestALostLogDoesNotHideNewRecords: blocks remember how far they reach, so
// that a log that begins again is not taken for one already in them.
func TestALostLogDoesNotHideNewRecords(t *testing.T) {
	dir, _, _ := twoBlocks(t)
	if err := os.RemoveAll(filepath.Join(dir, "wal")); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, Options{})
	add(t, s, records(3000, 1)...)
	shut(t, s)
	if s = open(t, dir, Options{}); len(ask(t, s, everything)) != 2001 {
		t.Errorf("%d records, want 2001", len(ask(t, s, everything)))
	}
}

// TestABlockIsNotReadTwice: killed between a block's rename and the log's
// forgetting, both have the records.
func TestABlockIsNotReadTwice(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for n := range 10 {
		add(t, s, records(n*100, 100)...)
	}
	s.mu.Lock()
	chunks := s.head.oldest(1)
	s.mu.Unlock()
	if len(chunks) != 1 || chunks[0].rows() != 1000 {
		t.Fatalf("%d chunks", len(chunks))
	}
	if _, err := writeBlock(dir, chunks[0].position, chunks); err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	if s = open(t, dir, Options{}); len(ask(t, s, everything)) != 1000 || len(s.view().chunks) != 0 {
		t.Errorf("%d records, %d chunks in memory", len(ask(t, s, everything)), len(s.view().chunks))
	}
}

func TestFilterSaysNoOnlyWhenSo(t *testing.T) {
	var chunks []*chunk
	for n := range 8 {
		chunks = append(chunks, ofRecords(records(n*500, 500-60*n), 0))
	}
	data, rows := filterOf(chunks)
	width, wrong, asked := filterRowBytes(len(chunks)), 0, 0
	for k := range 20_000 {
		h := hashOf(traceOf(k))
		row := data[rowOf(h, rows)*width:][:width]
		if !soundRow(row) {
			t.Fatal("a row is not sound")
		}
		for i, c := range chunks {
			has := k >= i*500 && k < i*500+c.rows()
			may := mayHold(row, i, h)
			if has && !may {
				t.Fatalf("trace %d is in chunk %d, which the filter denies", k, i)
			}
			if !has {
				asked++
				if may {
					wrong++
				}
			}
		}
	}
	if share := float64(wrong) / float64(asked); share > 0.001 {
		t.Errorf("%.2f %% false hits, at most 0.1 %% are wanted", 100*share)
	}
	if data, rows := filterOf([]*chunk{ofRecords([]pitwall.LogRecord{{Text: "no trace"}}, 0)}); rows != 0 || len(data) != 0 {
		t.Errorf("a filter of %d rows for no trace", rows)
	}
}

// varied are records with everything a codec may stumble over.
func varied() []pitwall.LogRecord {
	r := records(0, 5)
	r[1].Trace, r[1].Span = pitwall.TraceID{}, 0
	r[2].Trace = r[0].Trace
	r[3] = pitwall.LogRecord{At: at(-time.Hour), Severity: 24, Text: ""}
	r[4].Attrs = nil
	return r
}

func FuzzDecodeFrame(f *testing.F) {
	f.Add(encodeFrame(nil, 7, ofRecords(varied(), 0))[28:])
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, chunkVersion})
	f.Fuzz(func(t *testing.T, data []byte) {
		number, c, err := decodeFrame(data)
		if err != nil {
			return
		}
		for i := range c.rows() {
			c.record(i)
		}
		again, err := decodeChunk(encodeFrame(nil, number, c)[36:])
		if err != nil {
			t.Fatal(err)
		}
		again.name()
		if diff := cmp.Diff(c, again, cmp.AllowUnexported(chunk{}, series{}, seriesKey{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("decoding what was encoded (-first +second):\n%s", diff)
		}
		if c.rows() > 0 {
			indexOf([]*chunk{c})
			filterOf([]*chunk{c})
		}
	})
}

func FuzzDecodeIndex(f *testing.F) {
	ix := indexOf([]*chunk{ofRecords(varied(), 0), ofRecords(records(50, 3), 0)})
	ix.deliveries = []delivery{{7, epoch.UnixNano()}}
	f.Add(encodeIndex(nil, ix))
	f.Add([]byte{indexVersion, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		ix, err := decodeIndex(data)
		if err != nil {
			return
		}
		again, err := decodeIndex(encodeIndex(nil, ix))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ix, again, cmp.AllowUnexported(index{}, series{}, seriesKey{}, chunkInfo{}, cell{}, delivery{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("decoding what was encoded (-first +second):\n%s", diff)
		}
	})
}

// FuzzOpenBlock gives a whole file to what reads blocks: it is refused, or
// repaired, or answers.
func FuzzOpenBlock(f *testing.F) {
	dir := f.TempDir()
	b, err := writeBlock(dir, 5, []*chunk{ofRecords(varied(), 0), ofRecords(records(50, 3), 0)})
	if err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(b.path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, uint16(0))
	f.Add(data[:len(data)-1], uint16(9))
	f.Fuzz(func(t *testing.T, data []byte, cut uint16) {
		if n := int(cut); n < len(data) && n > 0 {
			data = slices.Clone(data)
			data[n] ^= 0xff
			if len(data) > trailerBytes { // a checksum that fits, so that what is behind it is reached
				tail := data[len(data)-trailerBytes:]
				binary.LittleEndian.PutUint32(tail[4:], sumOf(tail[8:]))
			}
		}
		dir := t.TempDir()
		if err := os.WriteFile(blockPath(dir, 5), data, 0o640); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir, Options{})
		ask(t, s, everything)
		ask(t, s, pitwall.LogQuery{Trace: traceOf(3)})
		patterns(t, s, everything)
		add(t, s, records(0, 1)...)
		if got := ask(t, s, pitwall.LogQuery{Contains: "order 0 took", Limit: 10_000}); len(got) == 0 {
			t.Fatal("a new record is not there")
		}
	})
}

func TestExamplesAreCutAtARune(t *testing.T) {
	if got := exampleOf([]byte(strings.Repeat("é", maxExample))); len(got) != maxExample || !strings.HasSuffix(got, "é") {
		t.Errorf("%d bytes, ends %q", len(got), got[len(got)-2:])
	}
	if got := exampleOf([]byte("x" + strings.Repeat("é", maxExample))); len(got) != maxExample-1 {
		t.Errorf("%d bytes", len(got))
	}
	if got := fmt.Sprint(exampleOf(nil)); got != "" {
		t.Error(got)
	}
}

func sumOf(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }
