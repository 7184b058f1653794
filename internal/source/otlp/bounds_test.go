package otlp

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/pitwall/pitwall"
)

// TestASenderThatStalls: its slot is free again after the deadline, and the
// answer asks it to try again.
func TestASenderThatStalls(t *testing.T) {
	s := &sink{}
	r := New(Config{Spans: s, MaxInFlight: 1, ReadTimeout: 50 * time.Millisecond})
	srv := httptest.NewServer(r.Handler())
	defer srv.Close()
	for name, send := range map[string]func(c net.Conn) error{
		"nothing after the header": func(net.Conn) error { return nil },
		"a byte now and then": func(c net.Conn) error {
			for range 20 {
				if _, err := c.Write([]byte{10}); err != nil {
					return nil // it was told
				}
				time.Sleep(5 * time.Millisecond)
			}
			return nil
		},
	} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		head := "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 100000\r\n\r\n"
		if _, err := conn.Write([]byte(head)); err != nil {
			t.Fatal(err)
		}
		if err := send(conn); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(conn)
		if text := string(answer); !strings.HasPrefix(text, "HTTP/1.1 503 ") || !strings.Contains(text, "Retry-After: 1") || !strings.Contains(text, "within 50ms") {
			t.Errorf("%s: answer %q", name, text)
		}
	}
	if res := post(t, r, "/v1/traces", typeProto, "", asProto(t)); res.Code != http.StatusOK {
		t.Errorf("the next sender: %d %s", res.Code, res.Body)
	}
	if h := r.Health()[0]; !strings.Contains(h.Message, "2 requests were asked to come again") || h.Accepted != 1 {
		t.Errorf("health %+v", h)
	}
}

// TestARefusalDoesNotWait for a body that is not coming.
func TestARefusalDoesNotWait(t *testing.T) {
	srv := httptest.NewServer(New(Config{Spans: &sink{}, ReadTimeout: 50 * time.Millisecond}).Handler())
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 415 ") {
		t.Errorf("answer %q: %v", answer, err)
	}
}

// TestConnectionsOutliveTheDeadline: it is one of bodies, not of connections.
func TestConnectionsOutliveTheDeadline(t *testing.T) {
	s := &sink{block: make(chan struct{}), entered: make(chan struct{})}
	srv := httptest.NewServer(New(Config{Spans: s, ReadTimeout: 30 * time.Millisecond}).Handler())
	defer srv.Close()
	client := srv.Client()
	for range 2 {
		go func() {
			<-s.entered
			time.Sleep(60 * time.Millisecond) // the store takes longer than a body may
			s.block <- struct{}{}
		}()
		res, err := client.Post(srv.URL+"/v1/traces", typeProto, bytes.NewReader(asProto(t)))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("status %d", res.StatusCode)
		}
	}
}

// TestBytesInFlight: slots are free, but the bodies together are too large.
func TestBytesInFlight(t *testing.T) {
	s := &sink{}
	r := New(Config{Spans: s, Metrics: s, MaxInFlightBytes: 300 << 10})
	body := bytes.Repeat([]byte{0xf8, 0x7f, 1}, 70<<10) // 210 KiB of unknown fields
	hold := &visit{r: r}
	if err := hold.hold(200 << 10); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		encoding string
		body     []byte
	}{{"", body}, {"gzip", zip(t, body)}} {
		res := post(t, r, "/v1/traces", typeProto, c.encoding, c.body)
		if res.Code != http.StatusTooManyRequests || res.Header().Get("Retry-After") == "" {
			t.Errorf("%q: status %d %s", c.encoding, res.Code, res.Body)
		}
	}
	if err := exportGRPC(t, grpcServer(t, r), body); status.Code(err) != codes.Unavailable || !asksAgain(err) {
		t.Errorf("gRPC: %v", err)
	}
	if h := r.Health()[0]; !strings.Contains(h.Message, "3 requests were asked to come again, the last because 307200 bytes") {
		t.Errorf("health %+v", h)
	}
	hold.leave()
	if res := post(t, r, "/v1/traces", typeProto, "gzip", zip(t, body)); res.Code != http.StatusOK {
		t.Errorf("with room again: status %d %s", res.Code, res.Body)
	}
	if err := exportGRPC(t, grpcServer(t, r), body); err != nil {
		t.Errorf("gRPC with room again: %v", err)
	}
	if n := r.held.used.Load(); n != 0 {
		t.Errorf("%d bytes are still counted", n)
	}
}

// TestAnnouncedIsNotArrived: a length that is only announced takes no memory.
func TestAnnouncedIsNotArrived(t *testing.T) {
	r := New(Config{Spans: &sink{}, ReadTimeout: 20 * time.Second})
	srv := httptest.NewServer(r.Handler())
	defer srv.Close()
	for range 10 {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		head := "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 16000000\r\n\r\nabc"
		if _, err := conn.Write([]byte(head)); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(5 * time.Second); r.held.used.Load() < 10*mostTrusted && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if n := r.held.used.Load(); n != 10*mostTrusted {
		t.Errorf("%d bytes are held for 10 announcements, want %d", n, 10*mostTrusted)
	}
	if res := post(t, r, "/v1/traces", typeProto, "", make([]byte, 17<<20)); res.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("an announcement beyond the bound: status %d", res.Code)
	}
}

// TestBombsStayBounded inflates a bomb and looks at what it cost.
func TestBombsStayBounded(t *testing.T) {
	bomb := zip(t, make([]byte, 64<<20))
	r := New(Config{Spans: &sink{}, MaxBody: 1 << 20})
	if res := post(t, r, "/v1/traces", typeProto, "gzip", bomb); res.Code != http.StatusRequestEntityTooLarge {
		t.Fatalf("status %d", res.Code)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		if res := post(t, r, "/v1/traces", typeProto, "gzip", bomb); res.Code != http.StatusRequestEntityTooLarge {
			t.Fatalf("status %d", res.Code)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / 10; each > 4<<20 {
		t.Errorf("a bomb of 64 MiB allocates %d bytes against a bound of 1 MiB", each)
	}
	err := exportGRPC(t, grpcServer(t, r), make([]byte, 2<<20), grpc.UseCompressor(gzip.Name))
	if status.Code(err) != codes.ResourceExhausted || asksAgain(err) {
		t.Errorf("gRPC: %v", err)
	}
}

// asSent is a client's codec that sends bytes as they are.
type asSent struct{ asBytes }

func (asSent) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// exportGRPC calls the trace service with arbitrary bytes.
func exportGRPC(t *testing.T, address string, body []byte, options ...grpc.CallOption) error {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var answer []byte
	return conn.Invoke(ctx, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", body, &answer, append(options, grpc.ForceCodecV2(asSent{}))...)
}

// asksAgain says whether an error carries RetryInfo.
func asksAgain(err error) bool {
	for _, d := range status.Convert(err).Details() {
		if _, ok := d.(*errdetails.RetryInfo); ok {
			return true
		}
	}
	return false
}

func TestRefusalsOverGRPC(t *testing.T) {
	full := pitwall.Errorf(pitwall.Unavailable, "writing span log", "no space left on device")
	s := &sink{fail: []error{full, nil}}
	address := grpcServer(t, New(Config{Spans: s, MaxBody: 1 << 16}))
	if err := exportGRPC(t, address, asProto(t)); status.Code(err) != codes.Unavailable || !asksAgain(err) {
		t.Errorf("a full disk: %v", err)
	}
	if err := exportGRPC(t, address, asProto(t), grpc.UseCompressor(gzip.Name)); err != nil || len(s.spans) != 1 {
		t.Errorf("%d spans: %v", len(s.spans), err)
	}
	if err := exportGRPC(t, address, asProto(t)[:50]); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "byte 0, in resource_spans[0]") {
		t.Errorf("half a request: %v", err)
	}
	if err := exportGRPC(t, address, make([]byte, 1<<17)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a large request: %v", err)
	}
}

// TestACallThatStalls begins a call and never sends the request.
func TestACallThatStalls(t *testing.T) {
	r := New(Config{Spans: &sink{}, MaxInFlight: 1, ReadTimeout: 50 * time.Millisecond})
	address := grpcServer(t, r)
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(asSent{})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, "/opentelemetry.proto.collector.trace.v1.TraceService/Export")
	if err != nil {
		t.Fatal(err)
	}
	var answer []byte
	if err := stream.RecvMsg(&answer); status.Code(err) != codes.Unavailable || !asksAgain(err) {
		t.Errorf("the stalled call: %v", err)
	}
	if err := exportGRPC(t, address, asProto(t)); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

// TestStalledSendersHoldNobodysPlace: more of them than there are places, over
// HTTP and over gRPC, and the next sender of HTTP is served at once.
func TestStalledSendersHoldNobodysPlace(t *testing.T) {
	s := &sink{}
	r := New(Config{Spans: s, MaxInFlight: 2, ReadTimeout: 20 * time.Second})
	srv := httptest.NewServer(r.Handler())
	defer srv.Close()
	for range 10 {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\nab")); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(5 * time.Second); r.held.used.Load() < 10*1001 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	for range 2 {
		if err := (&visit{r: r}).enter(r.streams); err != nil { // as gRPC senders that stall do
			t.Fatal(err)
		}
	}
	began := time.Now()
	res := post(t, r, "/v1/traces", typeProto, "", asProto(t))
	if res.Code != http.StatusOK || time.Since(began) > time.Second {
		t.Errorf("status %d after %s", res.Code, time.Since(began))
	}
}
