package otlp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // senders may compress
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// graceful is how long calls in flight may take to end after shutdown begins.
const graceful = 5 * time.Second

// ServeGRPC serves the three export services on lis until ctx ends, then lets
// calls in flight end and returns nil. It closes lis.
func (r *Receiver) ServeGRPC(ctx context.Context, lis net.Listener) error {
	srv := grpc.NewServer(
		grpc.MaxRecvMsgSize(int(r.cfg.MaxBody)), // after decompression
		grpc.MaxConcurrentStreams(uint32(r.cfg.MaxInFlight)),
	)
	ptraceotlp.RegisterGRPCServer(srv, &traceService{r: r})
	pmetricotlp.RegisterGRPCServer(srv, &metricService{r: r})
	plogotlp.RegisterGRPCServer(srv, &logService{r: r})
	served := make(chan error, 1)
	go func() { served <- srv.Serve(lis) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving OTLP/gRPC on %s: %w", lis.Addr(), err)
	case <-ctx.Done():
	}
	stopped := make(chan struct{})
	go func() { srv.GracefulStop(); close(stopped) }()
	patience := time.NewTimer(graceful)
	defer patience.Stop()
	select {
	case <-stopped:
	case <-patience.C:
		srv.Stop()
		<-stopped
	}
	if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("stopping OTLP/gRPC on %s: %w", lis.Addr(), err)
	}
	return nil
}

type traceService struct {
	ptraceotlp.UnimplementedGRPCServer
	r *Receiver
}

// Export implements the OTLP trace service.
func (s *traceService) Export(ctx context.Context, req ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	leave, err := s.r.enter()
	if err != nil {
		return ptraceotlp.NewExportResponse(), asStatus(err)
	}
	defer leave()
	res, err := s.r.exportTraces(ctx, req)
	return res, asStatus(err)
}

type metricService struct {
	pmetricotlp.UnimplementedGRPCServer
	r *Receiver
}

// Export implements the OTLP metrics service.
func (s *metricService) Export(ctx context.Context, req pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	leave, err := s.r.enter()
	if err != nil {
		return pmetricotlp.NewExportResponse(), asStatus(err)
	}
	defer leave()
	res, err := s.r.exportMetrics(ctx, req, nil)
	return res, asStatus(err)
}

type logService struct {
	plogotlp.UnimplementedGRPCServer
	r *Receiver
}

// Export implements the OTLP logs service.
func (s *logService) Export(_ context.Context, req plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	leave, err := s.r.enter()
	if err != nil {
		return plogotlp.NewExportResponse(), asStatus(err)
	}
	defer leave()
	return s.r.exportLogs(req), nil
}

// asStatus says an error in gRPC's words; RetryInfo is what makes senders try
// again after a refusal that may pass.
func asStatus(err error) error {
	if err == nil {
		return nil
	}
	ref := asRefusal(err)
	st := status.New(ref.code, ref.Error())
	if !ref.again() {
		return st.Err()
	}
	detailed, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)})
	if err != nil {
		return st.Err()
	}
	return detailed.Err()
}
