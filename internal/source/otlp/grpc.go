package otlp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // senders may compress
	"google.golang.org/grpc/mem"
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
		grpc.ForceServerCodecV2(asBytes{}),
	)
	r.register(srv, "opentelemetry.proto.collector.trace.v1.TraceService", &r.traces, r.takeTraces)
	r.register(srv, "opentelemetry.proto.collector.metrics.v1.MetricsService", &r.metrics, r.takeMetrics)
	r.register(srv, "opentelemetry.proto.collector.logs.v1.LogsService", &r.logs, r.takeLogs)
	defer r.receiving.Wait()
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

// register serves the method Export of a service. On the wire a call with one
// request and one answer is a stream like any other; as a stream, the slot can
// be taken before the request is read.
func (r *Receiver) register(srv *grpc.Server, name string, s *signal, take taker) {
	srv.RegisterService(&grpc.ServiceDesc{
		ServiceName: name,
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{
			StreamName: "Export", ServerStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error {
				err := r.call(stream, take)
				var broken *unheard
				switch {
				case err == nil:
					return nil
				case errors.As(err, &broken):
					_ = s.refuse(0, malformed("receiving a request: %w", broken.err)) // gRPC tells the sender
					return broken.err
				}
				ref := asRefusal(err)
				r.told(s, ref)
				return ref.asStatus()
			},
		}},
	}, r)
}

// call answers one export.
func (r *Receiver) call(stream grpc.ServerStream, take taker) error {
	v := &visit{r: r}
	if err := v.enter(r.streams); err != nil { // before the message, whose bytes are counted only when it is whole
		return err
	}
	defer v.leave()
	m, err := r.receive(stream)
	if err != nil {
		return err
	}
	defer m.Free()
	if err := v.hold(int64(m.Len())); err != nil {
		return err
	}
	res, err := take(stream.Context(), m.ReadOnlyData(), typeProto)
	if err != nil {
		return err
	}
	body, err := res.MarshalProto()
	if err != nil {
		return err
	}
	return stream.SendMsg(body)
}

// receive waits for the request, but not for ever. A goroutine that still waits
// then ends when the stream does, which is when the handler returns.
func (r *Receiver) receive(stream grpc.ServerStream) (mem.Buffer, error) {
	type received struct {
		m   mem.Buffer
		err error
	}
	done := make(chan received, 1)
	r.receiving.Go(func() {
		var m mem.Buffer
		err := stream.RecvMsg(&m)
		done <- received{m, err}
	})
	patience := time.NewTimer(r.cfg.ReadTimeout)
	defer patience.Stop()
	select {
	case got := <-done:
		if got.err != nil {
			return nil, &unheard{got.err}
		}
		return got.m, nil
	case <-patience.C:
		return nil, tooSlow(r.cfg.ReadTimeout)
	}
}

// asBytes hands messages through as the bytes they are.
type asBytes struct{}

// Name is the content subtype that OTLP uses.
func (asBytes) Name() string { return "proto" }

// Marshal takes encoded bytes.
func (asBytes) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("sending a %T, want bytes", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

// Unmarshal gives a buffer that its receiver has to free.
func (asBytes) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*mem.Buffer)
	if !ok {
		return fmt.Errorf("receiving into a %T, want a buffer", v)
	}
	*m = data.MaterializeToBuffer(mem.DefaultBufferPool())
	return nil
}

// unheard is a request that did not arrive whole; its error is a gRPC status.
type unheard struct{ err error }

func (u *unheard) Error() string { return u.err.Error() }
func (u *unheard) Unwrap() error { return u.err }

// asStatus says a refusal in gRPC's words; RetryInfo is what makes senders try
// again after a refusal that may pass.
func (r *refusal) asStatus() error {
	st := status.New(r.code, r.Error())
	if !r.again() {
		return st.Err()
	}
	detailed, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)})
	if err != nil {
		return st.Err()
	}
	return detailed.Err()
}
