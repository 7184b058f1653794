package record

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// mostBody bounds one request, unpacked.
const mostBody = 32 << 20

// receivers are the open ears of one recording.
type receivers struct {
	OTLP, GRPC, Changes, RUM string // where to send what

	web  *http.Server
	grpc *grpc.Server
	wg   sync.WaitGroup
}

// listen opens both receivers on free ports of the loopback address.
func listen(t *tape) (*receivers, error) {
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for OTLP/HTTP: %w", err)
	}
	wire, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listening for OTLP/gRPC: %w", err), web.Close())
	}
	base := "http://" + web.Addr().String()
	r := &receivers{
		OTLP: base, GRPC: wire.Addr().String(), Changes: base + "/changes", RUM: base + "/rum",
		web:  &http.Server{Handler: t.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second},
		grpc: grpc.NewServer(grpc.MaxRecvMsgSize(mostBody)),
	}
	ptraceotlp.RegisterGRPCServer(r.grpc, &grpcTraces{t: t})
	pmetricotlp.RegisterGRPCServer(r.grpc, &grpcMetrics{t: t})
	plogotlp.RegisterGRPCServer(r.grpc, &grpcLogs{t: t})
	r.wg.Go(func() { _ = r.web.Serve(web) })   // ends with close
	r.wg.Go(func() { _ = r.grpc.Serve(wire) }) // likewise
	return r, nil
}

// close stops listening and waits for both servers.
func (r *receivers) close() {
	_ = r.web.Close()
	r.grpc.Stop()
	r.wg.Wait()
}

// handler takes OTLP as protobuf and JSON, changes and beacons.
func (t *tape) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", t.take("spans", func(b body) error {
		in := ptraceotlp.NewExportRequest()
		if err := b.decode(in.UnmarshalProto, in.UnmarshalJSON); err != nil {
			return err
		}
		return t.keep("spans", len(b.raw), func() { t.traces = append(t.traces, in.Traces()) })
	}))
	mux.HandleFunc("POST /v1/metrics", t.take("metrics", func(b body) error {
		in := pmetricotlp.NewExportRequest()
		if err := b.decode(in.UnmarshalProto, in.UnmarshalJSON); err != nil {
			return err
		}
		return t.keep("metrics", len(b.raw), func() { t.metrics = append(t.metrics, in.Metrics()) })
	}))
	mux.HandleFunc("POST /v1/logs", t.take("logs", func(b body) error {
		in := plogotlp.NewExportRequest()
		if err := b.decode(in.UnmarshalProto, in.UnmarshalJSON); err != nil {
			return err
		}
		return t.keep("logs", len(b.raw), func() { t.logs = append(t.logs, in.Logs()) })
	}))
	mux.HandleFunc("POST /changes", t.take("changes", func(b body) error {
		var c announced
		if err := json.Unmarshal(b.raw, &c); err != nil {
			return err
		}
		return t.keep("changes", len(b.raw), func() { t.changes = append(t.changes, c) })
	}))
	mux.HandleFunc("POST /rum", t.take("beacons", func(b body) error {
		n, err := countBeacons(b.raw)
		if err != nil {
			return err
		}
		return t.keep("beacons", 0, func() { t.beacons += n })
	}))
	return mux
}

// body is one request's content, unpacked.
type body struct {
	raw  []byte
	json bool
}

func (b body) decode(proto, asJSON func([]byte) error) error {
	if b.json {
		return asJSON(b.raw)
	}
	return proto(b.raw)
}

// take reads a request and hands it on. Full is 503, which OTLP senders repeat;
// what cannot be read is 400 and lost for good.
func (t *tape) take(what string, keep func(body) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, err := readBody(w, r)
		if err == nil {
			err = keep(b)
		}
		switch {
		case err == nil:
			w.Header().Set("Content-Type", r.Header.Get("Content-Type")) // an empty OTLP answer is right in both encodings
			if b.json {
				_, _ = io.WriteString(w, "{}")
			}
		case errors.Is(err, errFull):
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		default:
			t.lose(what + " that could not be read")
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
}

func readBody(w http.ResponseWriter, r *http.Request) (body, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var in io.Reader = http.MaxBytesReader(w, r.Body, mostBody)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return body{}, fmt.Errorf("unpacking body: %w", err)
		}
		in = z
	}
	raw, err := io.ReadAll(io.LimitReader(in, mostBody+1))
	switch {
	case err != nil:
		return body{}, fmt.Errorf("reading body: %w", err)
	case len(raw) > mostBody:
		return body{}, fmt.Errorf("the body unpacks to more than %d bytes", mostBody)
	}
	return body{raw, kind == "application/json"}, nil
}

// countBeacons counts what one post of a browser holds: one beacon or a list.
func countBeacons(raw []byte) (int, error) {
	var many []json.RawMessage
	if err := json.Unmarshal(raw, &many); err == nil {
		return len(many), nil
	}
	var one struct{}
	if err := json.Unmarshal(raw, &one); err != nil {
		return 0, fmt.Errorf("reading beacon: %w", err)
	}
	return 1, nil
}

// The three services of OTLP/gRPC. What has come this far is decoded already.
type (
	grpcTraces struct {
		ptraceotlp.UnimplementedGRPCServer
		t *tape
	}
	grpcMetrics struct {
		pmetricotlp.UnimplementedGRPCServer
		t *tape
	}
	grpcLogs struct {
		plogotlp.UnimplementedGRPCServer
		t *tape
	}
)

// Rough sizes of one item on the wire, in bytes: gRPC hands over no length.
const (
	spanBytes  = 600
	pointBytes = 150
	logBytes   = 300
)

// Export keeps spans.
func (g *grpcTraces) Export(_ context.Context, r ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	err := g.t.keep("spans", r.Traces().SpanCount()*spanBytes, func() { g.t.traces = append(g.t.traces, r.Traces()) })
	return ptraceotlp.NewExportResponse(), unavailable(err)
}

// Export keeps metrics.
func (g *grpcMetrics) Export(_ context.Context, r pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	err := g.t.keep("metrics", r.Metrics().DataPointCount()*pointBytes, func() { g.t.metrics = append(g.t.metrics, r.Metrics()) })
	return pmetricotlp.NewExportResponse(), unavailable(err)
}

// Export keeps logs.
func (g *grpcLogs) Export(_ context.Context, r plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	err := g.t.keep("logs", r.Logs().LogRecordCount()*logBytes, func() { g.t.logs = append(g.t.logs, r.Logs()) })
	return plogotlp.NewExportResponse(), unavailable(err)
}

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return status.Error(codes.Unavailable, err.Error())
}
