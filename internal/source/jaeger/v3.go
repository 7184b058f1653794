package jaeger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/otelrows"
	"github.com/pitwall/pitwall/internal/source/remote"
)

// v3 is api/v3: OTLP as JSON, in one chunk or several after each other.
type v3 struct{ c *Client }

func (v *v3) name() string { return "api/v3" }

func (v *v3) services(ctx context.Context) ([]pitwall.ServiceName, bool, error) {
	a, err := v.c.get(ctx, "/api/v3/services", nil, nil)
	if err != nil {
		return nil, false, err
	}
	var said struct {
		Services []pitwall.ServiceName `json:"services"`
		Data     json.RawMessage       `json:"data"`
	}
	// A query service without api/v3 sends its start page, or 404.
	if a.StatusCode != http.StatusOK || json.Unmarshal(a.Bytes, &said) != nil || said.Data != nil {
		return nil, false, nil
	}
	return said.Services, true, nil
}

func (v *v3) find(ctx context.Context, p remote.Part, operation string, limit int, size *atomic.Int64) (*pitwall.SpanBatch, int, error) {
	n := strconv.Itoa(limit)
	q := url.Values{
		"query.service_name":   {string(p.Service)},
		"query.start_time_min": {p.Period.From.UTC().Format(time.RFC3339Nano)},
		"query.start_time_max": {p.Period.To.UTC().Format(time.RFC3339Nano)},
		"query.num_traces":     {n},
		"query.search_depth":   {n}, // what its definition calls the same
		// Otherwise times are moved so that clocks of hosts seem to agree.
		"query.raw_traces": {"true"},
	}
	if operation != "" {
		q.Set("query.operation_name", operation)
	}
	if p.AtLeast > 0 {
		q.Set("query.duration_min", strconv.FormatFloat(p.AtLeast.Seconds(), 'f', -1, 64)+"s")
	}
	a, err := v.c.get(ctx, "/api/v3/traces", q, size)
	if err != nil {
		return nil, 0, err
	}
	return v.read(a)
}

func (v *v3) trace(ctx context.Context, id pitwall.TraceID) (*pitwall.SpanBatch, error) {
	a, err := v.c.get(ctx, "/api/v3/traces/"+hexOf(id), url.Values{"raw_traces": {"true"}}, nil)
	if err != nil {
		return nil, err
	}
	b, _, err := v.read(a)
	return b, err
}

// read decodes an answer. That nothing was found is a 404 with an error in JSON.
func (v *v3) read(a remote.Answer) (*pitwall.SpanBatch, int, error) {
	if a.StatusCode == http.StatusNotFound && bytes.HasPrefix(bytes.TrimSpace(a.Bytes), []byte(`{"error"`)) {
		return &pitwall.SpanBatch{}, 0, nil
	}
	if a.StatusCode != http.StatusOK {
		return nil, 0, v.c.wrong(a)
	}
	b, unfit, why, err := decodeV3(a.Bytes)
	if err != nil {
		return nil, 0, v.c.c.Unreadable(a, err)
	}
	v.c.unfit(unfit, why)
	return b, tracesOf(b), nil
}

func tracesOf(b *pitwall.SpanBatch) int {
	ids := map[pitwall.TraceID]struct{}{}
	for _, id := range b.TraceID {
		ids[id] = struct{}{}
	}
	return len(ids)
}

// decodeV3 reads chunks: {"result":{"resourceSpans":[…]}}, or an error in the
// place of one.
func decodeV3(body []byte) (b *pitwall.SpanBatch, unfit int, why string, err error) {
	b = &pitwall.SpanBatch{}
	chunks := json.NewDecoder(bytes.NewReader(body))
	for {
		var chunk struct {
			Result json.RawMessage `json:"result"`
			Error  *struct {
				Message string `json:"message"`
			} `json:"error"`
		}
		if err := chunks.Decode(&chunk); errors.Is(err, io.EOF) {
			return b, unfit, why, nil
		} else if err != nil {
			return nil, 0, "", fmt.Errorf("decoding chunks of traces: %w", err)
		}
		if chunk.Error != nil {
			return nil, 0, "", fmt.Errorf("the server broke off: %.200s", chunk.Error.Message)
		}
		if chunk.Result == nil {
			return nil, 0, "", errors.New("a chunk has no result")
		}
		td, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces(chunk.Result)
		if err != nil {
			return nil, 0, "", fmt.Errorf("decoding OTLP: %w", err)
		}
		n, said := otelrows.Add(b, td)
		if n > 0 {
			unfit, why = unfit+n, said
		}
	}
}
