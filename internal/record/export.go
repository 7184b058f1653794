package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/pitwall/pitwall"
)

// longestLine bounds one event in an export, in bytes; evidence is copied into
// events, so they may be large.
const longestLine = 64 << 20

// Export writes events as JSON lines and gives their number.
func Export(w io.Writer, events iter.Seq2[pitwall.Event, error]) (uint64, error) {
	var n uint64
	buf := bufio.NewWriter(w)
	enc := json.NewEncoder(buf)
	for e, err := range events {
		if err != nil {
			return n, fmt.Errorf("reading the record after %d events: %w", n, err)
		}
		if err := enc.Encode(e); err != nil {
			return n, fmt.Errorf("writing event %d: %w", e.Seq, err)
		}
		n++
	}
	if err := buf.Flush(); err != nil {
		return n, fmt.Errorf("writing the record: %w", err)
	}
	return n, nil
}

// Read gives the events of an export, in the order of its lines. It ends at the
// first line that is no event.
func Read(r io.Reader) iter.Seq2[pitwall.Event, error] {
	return func(yield func(pitwall.Event, error) bool) {
		sc := bufio.NewScanner(r)
		sc.Buffer(make([]byte, 0, 64<<10), longestLine)
		for line := 1; sc.Scan(); line++ {
			if len(bytes.TrimSpace(sc.Bytes())) == 0 {
				continue
			}
			var e pitwall.Event
			if err := json.Unmarshal(sc.Bytes(), &e); err != nil {
				yield(e, &pitwall.Error{Op: "reading record export", Kind: pitwall.Invalid, ID: fmt.Sprintf("line %d", line),
					Err: err, Hint: "pitwall record export"})
				return
			}
			if !yield(e, nil) {
				return
			}
		}
		if err := sc.Err(); err != nil {
			yield(pitwall.Event{}, fmt.Errorf("reading record export: %w", err))
		}
	}
}
