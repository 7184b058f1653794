package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	res "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

// Severity is OpenTelemetry's severity number.
type Severity int32

// The severities the shop uses.
const (
	Info  Severity = 9
	Warn  Severity = 13
	Error Severity = 17
)

// String is the severity's text on the wire.
func (s Severity) String() string {
	return map[Severity]string{Info: "INFO", Warn: "WARN", Error: "ERROR"}[s]
}

// maxLines are kept while the receiver is down; older ones go first.
const maxLines = 8_192

// logExporter sends log lines in batches.
type logExporter struct {
	resource *res.Resource
	send     func(context.Context, *collogs.ExportLogsServiceRequest) error
	closers  func() error

	mu      sync.Mutex
	waiting []*logs.LogRecord
	stop    chan struct{}
	ended   sync.WaitGroup
}

// newLogExporter speaks the wire the other signals speak; nil without one.
func newLogExporter(c Config, about []attribute.KeyValue) (*logExporter, error) {
	e := &logExporter{resource: &res.Resource{Attributes: pairs(about)}, stop: make(chan struct{}), closers: func() error { return nil }}
	switch {
	case c.OTLPGRPC != "":
		conn, err := grpc.NewClient(c.OTLPGRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, fmt.Errorf("making OTLP/gRPC log exporter: %w", err)
		}
		client := collogs.NewLogsServiceClient(conn)
		e.closers = conn.Close
		e.send = func(ctx context.Context, r *collogs.ExportLogsServiceRequest) error {
			_, err := client.Export(ctx, r)
			return err
		}
	case c.OTLP != "":
		client := &http.Client{Timeout: 5 * time.Second}
		e.send = func(ctx context.Context, r *collogs.ExportLogsServiceRequest) error {
			return postLogs(ctx, client, c.OTLP+"/v1/logs", r)
		}
	default:
		return nil, nil
	}
	e.ended.Go(e.run)
	return e, nil
}

func postLogs(ctx context.Context, client *http.Client, url string, r *collogs.ExportLogsServiceRequest) error {
	body, err := proto.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding logs: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	if answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests {
		return fmt.Errorf("the receiver answered %s", answer.Status)
	}
	return nil // refused for good: the same lines would be refused again
}

// run sends twice a second until close.
func (e *logExporter) run() {
	tick := time.NewTicker(batchDelay)
	defer tick.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-tick.C:
			e.flush(context.Background())
		}
	}
}

// flush sends what waits; what was not taken waits for the next tick.
func (e *logExporter) flush(ctx context.Context) {
	e.mu.Lock()
	batch := e.waiting
	e.waiting = nil
	e.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := e.send(ctx, &collogs.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource: e.resource, ScopeLogs: []*logs.ScopeLogs{{Scope: &common.InstrumentationScope{Name: scope}, LogRecords: batch}},
	}}})
	if err == nil {
		return
	}
	e.mu.Lock()
	e.waiting = newest(append(batch, e.waiting...))
	e.mu.Unlock()
}

func (e *logExporter) add(r *logs.LogRecord) {
	e.mu.Lock()
	e.waiting = newest(append(e.waiting, r))
	e.mu.Unlock()
}

func newest(l []*logs.LogRecord) []*logs.LogRecord { return l[max(0, len(l)-maxLines):] }

// close sends what is left, as long as ctx allows.
func (e *logExporter) close(ctx context.Context) error {
	close(e.stop)
	e.ended.Wait()
	e.flush(ctx)
	return e.closers()
}

// Log writes one line, with the trace it belongs to.
func (t *Telemetry) Log(ctx context.Context, s Severity, text string, more ...attribute.KeyValue) {
	if t.logs == nil {
		return
	}
	now := uint64(time.Now().UnixNano())
	r := &logs.LogRecord{
		TimeUnixNano: now, ObservedTimeUnixNano: now, SeverityNumber: logs.SeverityNumber(s), SeverityText: s.String(),
		Body: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: text}}, Attributes: pairs(more),
	}
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		tid, sid := sc.TraceID(), sc.SpanID()
		r.TraceId, r.SpanId, r.Flags = tid[:], sid[:], uint32(sc.TraceFlags())
	}
	t.logs.add(r)
}

// pairs turns attributes into the wire's; the shop has texts and numbers only.
func pairs(in []attribute.KeyValue) []*common.KeyValue {
	out := make([]*common.KeyValue, 0, len(in))
	for _, kv := range in {
		v := &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: kv.Value.Emit()}}
		if kv.Value.Type() == attribute.INT64 {
			v.Value = &common.AnyValue_IntValue{IntValue: kv.Value.AsInt64()}
		}
		out = append(out, &common.KeyValue{Key: string(kv.Key), Value: v})
	}
	return out
}
