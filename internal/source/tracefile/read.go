package tracefile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/jaegerrows"
	"github.com/pitwall/pitwall/internal/source/otelrows"
)

// maxSpans of one batch; each takes some 300 bytes.
const maxSpans = 4 << 20

// Said is what a file held besides the spans that went into the batch.
type Said struct {
	Spans int    // that went into the batch
	Unfit int    // that could not be kept, for want of an id or a time
	Why   string // the last of them could not
	Other int    // values of other signals: metrics, logs
}

// Read appends the spans of a file to b. The name is for errors only. A file
// without any span is an error, for nobody means to read one.
func Read(b *pitwall.SpanBatch, name string, in io.Reader) (Said, error) {
	var said Said
	at := b.Len()
	plain, err := unzipped(in)
	if err != nil {
		return said, fault(name, 0, err)
	}
	s := newSplitter(plain)
	for {
		v, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return said, fault(name, s.line, err)
		}
		if err := said.value(b, v); err != nil {
			lines, why := unsound(v.body, err)
			return said, fault(name, v.line+lines, why)
		}
		if b.Len() > maxSpans {
			return said, fault(name, v.line, fmt.Errorf("it holds more than %d spans", maxSpans))
		}
	}
	said.Spans = b.Len() - at
	if said.Spans == 0 {
		return said, fault(name, 0, said.nothing())
	}
	return said, nil
}

// unzipped reads through gzip where the file is.
func unzipped(in io.Reader) (io.Reader, error) {
	r := bufio.NewReader(in)
	if magic, err := r.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return r, nil
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("unzipping: %w", err)
	}
	return z, nil
}

func (s *Said) nothing() error {
	switch {
	case s.Unfit > 0:
		return fmt.Errorf("none of its %d spans can be kept: %s", s.Unfit, s.Why)
	case s.Other > 0:
		return errors.New("it holds metrics or logs, and no spans")
	}
	return errors.New("it holds no spans")
}

// value reads one object; the names at its top tell what it is.
func (s *Said) value(b *pitwall.SpanBatch, v value) error {
	for _, m := range members(v.body) {
		switch m.name {
		case "resourceSpans":
			return s.otlp(b, v.body, m.text, v.tokens)
		case "batches": // Tempo's older name for the same
			return s.otlp(b, wrap(m.text), m.text, v.tokens)
		case "result", "trace": // a chunk of Jaeger's api/v3, an answer of Tempo's api/v2: OTLP inside
			for _, inside := range members(m.text) {
				if inside.name == "resourceSpans" {
					return s.otlp(b, m.text, inside.text, v.tokens)
				}
			}
		case "data", "spans": // Jaeger's own
			unfit, why, err := jaegerrows.Add(b, v.body, jaegerrows.Reading{Loose: true})
			s.leave(unfit, why)
			return err
		case "resourceLogs", "resourceMetrics":
			s.Other++
			return nil
		}
	}
	return errors.New("this is neither OTLP (resourceSpans) nor Jaeger's JSON (data, spans)")
}

func wrap(list []byte) []byte { return fmt.Appendf(nil, `{"resourceSpans":%s}`, list) }

func (s *Said) leave(unfit int, why string) {
	if unfit > 0 {
		s.Unfit, s.Why = s.Unfit+unfit, why
	}
}

// Spans that are decoded at once. The decoder makes an object of some hundred
// bytes out of three, so what is larger goes in parts.
const (
	partTokens = 1 << 18
	partSpans  = 1000
)

// otlp reads a request whose resourceSpans are list.
func (s *Said) otlp(b *pitwall.SpanBatch, request, list []byte, tokens int) error {
	if tokens <= partTokens {
		return s.part(b, request)
	}
	var resources []struct {
		Resource json.RawMessage `json:"resource"`
		Scopes   []struct {
			Spans []json.RawMessage `json:"spans"`
		} `json:"scopeSpans"`
	}
	if err := json.Unmarshal(list, &resources); err != nil {
		return err
	}
	for _, r := range resources {
		if r.Resource == nil {
			r.Resource = json.RawMessage("{}")
		}
		for _, scope := range r.Scopes {
			for from := 0; from < len(scope.Spans); from += partSpans {
				spans := bytes.Join(rawBytes(scope.Spans[from:min(from+partSpans, len(scope.Spans))]), []byte{','})
				if err := s.part(b, wrap(fmt.Appendf(nil, `[{"resource":%s,"scopeSpans":[{"spans":[%s]}]}]`, r.Resource, spans))); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func rawBytes(list []json.RawMessage) [][]byte {
	out := make([][]byte, len(list))
	for i, raw := range list {
		out[i] = raw
	}
	return out
}

func (s *Said) part(b *pitwall.SpanBatch, request []byte) error {
	unfit, why, err := otelrows.AddJSON(b, request)
	s.leave(unfit, why)
	return err
}

// unsound looks again at a value that could not be decoded: where its syntax is
// at fault, that is told, with the lines before it.
func unsound(body []byte, err error) (lines int, why error) {
	var syntax *json.SyntaxError
	if bad := json.Unmarshal(body, new(json.RawMessage)); !errors.As(bad, &syntax) {
		return 0, err
	}
	return bytes.Count(body[:min(max(0, syntax.Offset), int64(len(body)))], []byte{'\n'}), syntax
}

// fault words what is wrong with a file; line 0 is the whole.
func fault(name string, line int, err error) error {
	e := &pitwall.Error{Op: "reading traces", Kind: pitwall.Invalid, ID: name, Err: err,
		Hint: "give what Jaeger's page saves (Trace JSON), or OTLP as JSON, one request a line; gzip is fine"}
	if line > 0 {
		e.ID = fmt.Sprintf("%s:%d", name, line)
	}
	if errors.Is(err, errTooLarge) {
		e.Hint = "write OTLP as JSON with one request a line, as the Collector's file exporter does"
	}
	return e
}
