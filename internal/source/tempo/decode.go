package tempo

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/otelrows"
)

// decodeSearch reads the answer of a search: how many traces it names, and
// those of them that may have a span that ended in the period.
func decodeSearch(body []byte, in pitwall.Period) (list []found, n int, err error) {
	type spanSet struct {
		Spans []struct {
			Start    count `json:"startTimeUnixNano"`
			Duration count `json:"durationNanos"`
		} `json:"spans"`
		Matched int `json:"matched"`
	}
	var said struct {
		Traces []struct {
			TraceID  string    `json:"traceID"`
			Start    count     `json:"startTimeUnixNano"`
			SpanSets []spanSet `json:"spanSets"`
			SpanSet  *spanSet  `json:"spanSet"` // older versions
		} `json:"traces"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, 0, fmt.Errorf("decoding a search: %w", err)
	}
	if said.Traces == nil && !strings.Contains(string(body[:min(len(body), 64<<10)]), `"metrics"`) && strings.TrimSpace(string(body)) != "{}" {
		return nil, 0, errors.New("it has no traces")
	}
	for _, t := range said.Traces {
		f := found{start: int64(t.Start)}
		if err := idOf(t.TraceID, &f.id); err != nil {
			return nil, 0, err
		}
		sets := t.SpanSets
		if len(sets) == 0 && t.SpanSet != nil {
			sets = append(sets, *t.SpanSet)
		}
		may := len(sets) == 0
		for _, set := range sets {
			may = may || set.Matched > len(set.Spans) || len(set.Spans) == 0
			for _, s := range set.Spans {
				end := int64(s.Start + s.Duration)
				may = may || s.Start == 0 || end >= in.From.UnixNano() && end < in.To.UnixNano()
			}
		}
		if may {
			list = append(list, f)
		}
	}
	return list, len(said.Traces), nil
}

// count is a 64-bit number, which protobuf's JSON writes as text.
type count int64

// UnmarshalJSON reads "12" and 12.
func (c *count) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	if err != nil || n < 0 {
		return errors.New("a time or duration is no whole number")
	}
	*c = count(n)
	return nil
}

// idOf reads a trace id whose leading zeros may be missing.
func idOf(text string, id *pitwall.TraceID) error {
	if text == "" || len(text) > 2*len(id) {
		return errors.New("a trace id is too long or empty")
	}
	if _, err := hex.Decode(id[:], []byte(strings.Repeat("0", 2*len(id)-len(text))+text)); err != nil {
		return errors.New("a trace id is not hexadecimal")
	}
	return nil
}

// rowsOf is the answer that traces in OTLP make.
func rowsOf(td ptrace.Traces) answer {
	a := answer{spans: &pitwall.SpanBatch{}}
	a.unfit, a.why = otelrows.Add(a.spans, td)
	return a
}

// answer is a decoded trace.
type answer struct {
	spans   *pitwall.SpanBatch
	partial bool
	unfit   int
	why     string
}

// decodeV1 reads a trace as protobuf. Tempo's own message has the same field
// for the same thing as OTLP's.
func decodeV1(body []byte) (answer, error) {
	if err := shallow(body, traces, 0); err != nil {
		return answer{}, fmt.Errorf("decoding a trace: %w", err)
	}
	td, err := new(ptrace.ProtoUnmarshaler).UnmarshalTraces(body)
	if err != nil {
		return answer{}, fmt.Errorf("decoding a trace: %w", err)
	}
	return rowsOf(td), nil
}

// The fields of /api/v2/traces' answer.
const (
	fieldTrace  = 1
	fieldStatus = 3 // 0: complete, 1: partial
)

// decodeV2 reads a trace in its envelope.
func decodeV2(body []byte) (answer, error) {
	var trace []byte
	partial := false
	for len(body) > 0 {
		key, n := binary.Uvarint(body)
		if n <= 0 {
			return answer{}, fmt.Errorf("decoding a trace: %w", errNoProtobuf)
		}
		body = body[n:]
		field, value, rest, err := fieldOf(key, body)
		if err != nil {
			return answer{}, fmt.Errorf("decoding a trace: %w", err)
		}
		body = rest
		switch {
		case field == fieldTrace && key&7 == 2:
			trace = append(trace, value...) // two parts of a message are one after the other
		case field == fieldStatus && key&7 == 0:
			status, _ := binary.Uvarint(value)
			partial = status == 1
		}
	}
	a, err := decodeV1(trace)
	a.partial = partial
	return a, err
}

var errNoProtobuf = errors.New("no sound protobuf") // read-only

// fieldOf cuts the value of one field off a protobuf message.
func fieldOf(key uint64, b []byte) (field uint64, value, rest []byte, err error) {
	size := uint64(0)
	switch key & 7 {
	case 0:
		_, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, nil, nil, errNoProtobuf
		}
		size = uint64(n)
	case 1:
		size = 8
	case 2:
		length, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, nil, nil, errNoProtobuf
		}
		b, size = b[n:], length
	case 5:
		size = 4
	default:
		return 0, nil, nil, errNoProtobuf
	}
	if size > uint64(len(b)) {
		return 0, nil, nil, errors.New("protobuf broken off")
	}
	return key >> 3, b[:size], b[size:], nil
}

// decodeJSON reads a trace as JSON, with or without the envelope. Tempo writes
// ids in base64, as protobuf's JSON does, where OTLP has hexadecimal digits, and
// older versions say batches for resourceSpans.
func decodeJSON(body []byte) (answer, error) {
	var said struct {
		Trace *struct {
			ResourceSpans []any `json:"resourceSpans"`
			Batches       []any `json:"batches"`
		} `json:"trace"`
		ResourceSpans []any  `json:"resourceSpans"`
		Batches       []any  `json:"batches"`
		Status        string `json:"status"`
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber() // nanoseconds do not fit a float
	if err := d.Decode(&said); err != nil {
		return answer{}, fmt.Errorf("decoding a trace: %w", err)
	}
	list := append(said.ResourceSpans, said.Batches...)
	if said.Trace != nil {
		list = append(append(list, said.Trace.ResourceSpans...), said.Trace.Batches...)
	}
	otlp, err := json.Marshal(map[string]any{"resourceSpans": mend(list)})
	if err != nil {
		return answer{}, fmt.Errorf("decoding a trace: %w", err)
	}
	td, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces(otlp)
	if err != nil {
		return answer{}, fmt.Errorf("decoding a trace: %w", err)
	}
	a := rowsOf(td)
	a.partial = said.Status == "PARTIAL"
	return a, nil
}

// mend writes ids as OTLP has them and renames what older versions call
// otherwise, wherever they are.
func mend(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = mend(v[i])
		}
	case map[string]any:
		for key, old := range map[string]string{"scopeSpans": "instrumentationLibrarySpans", "scope": "instrumentationLibrary"} {
			if x, has := v[old]; has && v[key] == nil {
				v[key] = x
				delete(v, old)
			}
		}
		for key, x := range v {
			text, isText := x.(string)
			switch {
			case isText && key == "traceId":
				v[key] = hexadecimal(text, 16)
			case isText && (key == "spanId" || key == "parentSpanId"):
				v[key] = hexadecimal(text, 8)
			case !isText && key != "attributes": // values of attributes are the sender's own
				v[key] = mend(x)
			}
		}
	}
	return v
}

// hexadecimal turns an id of size bytes in base64 into digits.
func hexadecimal(id string, size int) string {
	if len(id) == 2*size {
		return id
	}
	b, err := base64.StdEncoding.DecodeString(id)
	if err != nil || len(b) > size {
		return id // what it is, the decoder will say
	}
	return hex.EncodeToString(append(make([]byte, size-len(b)), b...))
}
