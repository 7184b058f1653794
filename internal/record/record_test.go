package record_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/record"
)

func chain(n int) []pitwall.Event {
	var out []pitwall.Event
	var prev pitwall.Event
	for i := range n {
		e := record.Seal(prev, pitwall.Event{
			Time: time.Date(2026, 3, 1, 12, 0, i, 5, time.FixedZone("CET", 3600)), Plan: "PIP-1",
			Type: pitwall.EventNote, Actor: "ada", From: pitwall.Opened, To: pitwall.Opened,
			Data: json.RawMessage(fmt.Sprintf(`{ "reason": "a < b & c", "n": %d }`, i)),
		})
		out, prev = append(out, e), e
	}
	return out
}

func seq(events []pitwall.Event) iter.Seq2[pitwall.Event, error] {
	return func(yield func(pitwall.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestVerifySaysWhereAndHow(t *testing.T) {
	f := func(how record.How, at, good uint64, spoil func([]pitwall.Event) []pitwall.Event) {
		t.Helper()
		n, err := record.Verify(seq(spoil(chain(9))), record.AnchorOf(chain(9)[8]))
		var b *record.Break
		if !errors.As(err, &b) {
			t.Fatalf("got %v, want a break", err)
		}
		if b.How != how || b.Seq != at || n != good {
			t.Errorf("got %s at %d after %d good events, want %s at %d after %d", b.How, b.Seq, n, how, at, good)
		}
		if pitwall.KindOf(err) != pitwall.Invalid || pitwall.HintOf(err) == "" {
			t.Errorf("kind %q, hint %q", pitwall.KindOf(err), pitwall.HintOf(err))
		}
	}
	f(record.Gap, 4, 3, func(e []pitwall.Event) []pitwall.Event { return slices.Delete(e, 3, 5) })
	f(record.Gap, 1, 0, func(e []pitwall.Event) []pitwall.Event { return e[1:] })
	f(record.Gap, 3, 2, func(e []pitwall.Event) []pitwall.Event { e[2], e[3] = e[3], e[2]; return e })
	f(record.Reordered, 3, 5, func(e []pitwall.Event) []pitwall.Event { return slices.Insert(e, 5, e[2]) })
	f(record.Truncated, 8, 7, func(e []pitwall.Event) []pitwall.Event { return e[:7] })
	f(record.Truncated, 1, 0, func([]pitwall.Event) []pitwall.Event { return nil })
	f(record.Edited, 5, 4, func(e []pitwall.Event) []pitwall.Event { e[4].Actor = "eve"; return e })
	f(record.Edited, 5, 4, func(e []pitwall.Event) []pitwall.Event { e[4].Time = e[4].Time.Add(1); return e })
	f(record.Edited, 5, 4, func(e []pitwall.Event) []pitwall.Event { e[4].To = pitwall.Closed; return e })
	f(record.Edited, 5, 4, func(e []pitwall.Event) []pitwall.Event { e[4].Data = json.RawMessage(`{"n":9}`); return e })
	f(record.Edited, 5, 4, func(e []pitwall.Event) []pitwall.Event { e[4].Data = json.RawMessage(`{broken`); return e })
	f(record.Replaced, 6, 5, func(e []pitwall.Event) []pitwall.Event { // edited and sealed again
		e[4].Actor = "eve"
		e[4].Hash = record.Hash(e[4])
		return e
	})
	f(record.Replaced, 9, 8, func(e []pitwall.Event) []pitwall.Event { // everything after the edit sealed again
		e[4].Actor = "eve"
		for i := 4; i < len(e); i++ {
			e[i] = record.Seal(e[i-1], e[i])
		}
		return e
	})
}

func TestGoodChainAndItsLimits(t *testing.T) {
	good := chain(9)
	if n, err := record.Verify(seq(good), record.AnchorOf(good[2]), record.AnchorOf(good[8])); n != 9 || err != nil {
		t.Errorf("good chain: %d, %v", n, err)
	}
	if n, err := record.Verify(seq(nil)); n != 0 || err != nil {
		t.Errorf("empty chain: %d, %v", n, err)
	}
	// The documented limit: without an anchor a cut end is not seen.
	if n, err := record.Verify(seq(good[:7])); n != 7 || err != nil {
		t.Errorf("cut chain without anchor: %d, %v", n, err)
	}
	trouble := errors.New("disk gone")
	_, err := record.Verify(func(yield func(pitwall.Event, error) bool) {
		_ = yield(good[0], nil) && yield(pitwall.Event{}, trouble)
	})
	var b *record.Break
	if !errors.Is(err, trouble) || errors.As(err, &b) {
		t.Errorf("a reading error must not look like a broken chain: %v", err)
	}
}

func TestExportReadsBackTheSame(t *testing.T) {
	want := chain(5)
	want = append(want, record.Seal(want[4], pitwall.Event{Type: pitwall.EventServerStarted, Time: time.Unix(1, 0)}))
	want = append(want, record.Seal(want[5], pitwall.Event{Type: "odd", Actor: "bad\xffutf8", Time: time.Unix(2, 0),
		Data: json.RawMessage("{\"s\":\"\xff<\u2028>\"}")}))
	var buf bytes.Buffer
	if n, err := record.Export(&buf, seq(want)); n != 7 || err != nil {
		t.Fatalf("export: %d, %v", n, err)
	}
	var got []pitwall.Event
	for e, err := range record.Read(&buf) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if n, err := record.Verify(seq(got)); n != 7 || err != nil {
		t.Errorf("verify after the round trip: %d, %v", n, err)
	}
}

func TestReadNamesTheLine(t *testing.T) {
	var last error
	for _, err := range record.Read(strings.NewReader("{\"seq\":1}\n\n{oops\n{\"seq\":2}\n")) {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "line 3") || pitwall.KindOf(last) != pitwall.Invalid {
		t.Errorf("got %v", last)
	}
}

// TestBackCompat reads a record written when the format was born. If it fails,
// records in the field can no longer be verified: change the code, not the file.
func TestBackCompat(t *testing.T) {
	f, err := os.Open("testdata/record-v1.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	anchor := record.Anchor{Seq: 8, Hash: "ae05e6f75cbf4db7c66d2d2257cddc275b4f36e49097345e3501cd8551cd4f2f"}
	if n, err := record.Verify(record.Read(f), anchor); n != 8 || err != nil {
		t.Errorf("verified %d events: %v", n, err)
	}
}
