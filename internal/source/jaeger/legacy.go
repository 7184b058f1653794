package jaeger

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/jaegerrows"
	"github.com/pitwall/pitwall/internal/source/remote"
)

// legacy is the API of Jaeger's own pages: its own JSON, in microseconds.
type legacy struct{ c *Client }

func (l *legacy) name() string { return "the older /api/traces" }

func (l *legacy) services(ctx context.Context) ([]pitwall.ServiceName, bool, error) {
	a, err := l.c.get(ctx, "/api/services", nil, nil)
	if err != nil {
		return nil, false, err
	}
	var said map[string]json.RawMessage
	if a.StatusCode != http.StatusOK || json.Unmarshal(a.Bytes, &said) != nil || said["data"] == nil {
		return nil, false, nil
	}
	var names []pitwall.ServiceName
	if err := json.Unmarshal(said["data"], &names); err != nil {
		return nil, false, nil
	}
	return names, true, nil
}

func (l *legacy) find(ctx context.Context, p remote.Part, operation string, limit int, size *atomic.Int64) (*pitwall.SpanBatch, int, error) {
	q := url.Values{
		"service": {string(p.Service)},
		"start":   {strconv.FormatInt(p.Period.From.UnixMicro(), 10)},
		"end":     {strconv.FormatInt(p.Period.To.UnixMicro(), 10)},
		"limit":   {strconv.Itoa(limit)},
		"raw":     {"true"}, // no times moved
	}
	if operation != "" {
		q.Set("operation", operation)
	}
	if p.AtLeast > 0 {
		q.Set("minDuration", p.AtLeast.Truncate(time.Microsecond).String())
	}
	a, err := l.c.get(ctx, "/api/traces", q, size)
	if err != nil {
		return nil, 0, err
	}
	return l.read(a)
}

func (l *legacy) trace(ctx context.Context, id pitwall.TraceID) (*pitwall.SpanBatch, error) {
	a, err := l.c.get(ctx, "/api/traces/"+hexOf(id), url.Values{"raw": {"true"}}, nil)
	if err != nil {
		return nil, err
	}
	b, _, err := l.read(a)
	return b, err
}

func (l *legacy) read(a remote.Answer) (*pitwall.SpanBatch, int, error) {
	if a.StatusCode == http.StatusNotFound && strings.Contains(l.c.c.Says(a), "trace not found") {
		return &pitwall.SpanBatch{}, 0, nil
	}
	if a.StatusCode != http.StatusOK {
		return nil, 0, l.c.wrong(a)
	}
	b, unfit, why, err := decodeLegacy(a.Bytes)
	if err != nil {
		return nil, 0, l.c.c.Unreadable(a, err)
	}
	l.c.unfit(unfit, why)
	return b, tracesOf(b), nil
}

// decodeLegacy reads {"data":[traces],"errors":[…]}.
func decodeLegacy(body []byte) (b *pitwall.SpanBatch, unfit int, why string, err error) {
	b = &pitwall.SpanBatch{}
	unfit, why, err = jaegerrows.Add(b, body, jaegerrows.Reading{})
	if err != nil {
		return nil, 0, "", err
	}
	return b, unfit, why, nil
}
