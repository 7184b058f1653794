package telemetry_test

import (
	"context"
	"net"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"

	"github.com/pitwall/pitwall/lab/telemetry"
)

// spanCounter is an OTLP/gRPC receiver that says how many spans came.
type spanCounter struct {
	ptraceotlp.UnimplementedGRPCServer
	got chan int
}

func (c *spanCounter) Export(_ context.Context, r ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	c.got <- r.Traces().SpanCount()
	return ptraceotlp.NewExportResponse(), nil
}

func TestGRPCSpansReachAReceiverThatWasDown(t *testing.T) {
	addr := unused(t)
	ctx := context.Background()
	tel, err := telemetry.Start(ctx, telemetry.Config{Service: "payment", Version: "v7", OTLPGRPC: addr})
	if err != nil {
		t.Fatal(err)
	}
	q := telemetry.Query{System: "sqlite", Operation: "SELECT", Text: "SELECT 1"}
	if err := tel.Database(ctx, q, func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	time.Sleep(800 * time.Millisecond) // the first export has failed by now
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	srv := grpc.NewServer()
	c := &spanCounter{got: make(chan int, 8)}
	ptraceotlp.RegisterGRPCServer(srv, c)
	go func() { _ = srv.Serve(l) }()
	defer srv.Stop()
	select {
	case n := <-c.got:
		if n != 1 {
			t.Errorf("received %d spans, want 1", n)
		}
	case <-time.After(5 * time.Second):
		t.Error("the span was lost while the receiver was down")
	}
	closing, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = tel.Close(closing) // the receiver takes no metrics; that is not this test's matter
}
