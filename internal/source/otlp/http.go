package otlp

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const (
	typeProto = "application/x-protobuf"
	typeJSON  = "application/json"
)

// request and response are what the three signals' messages have in common.
type request interface {
	UnmarshalProto([]byte) error
	UnmarshalJSON([]byte) error
}

type response interface {
	MarshalProto() ([]byte, error)
	MarshalJSON() ([]byte, error)
}

// Handler serves POST /v1/traces, /v1/metrics and /v1/logs.
func (r *Receiver) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", r.serve(&r.traces, func(ctx context.Context, body []byte, kind string) (response, error) {
		req := ptraceotlp.NewExportRequest()
		if err := unmarshal(req, body, kind); err != nil {
			return nil, err
		}
		return r.exportTraces(ctx, req)
	}))
	mux.HandleFunc("POST /v1/metrics", r.serve(&r.metrics, func(ctx context.Context, body []byte, kind string) (response, error) {
		req := pmetricotlp.NewExportRequest()
		if err := unmarshal(req, body, kind); err != nil {
			return nil, err
		}
		if kind == typeJSON {
			body = nil
		}
		return r.exportMetrics(ctx, req, body)
	}))
	mux.HandleFunc("POST /v1/logs", r.serve(&r.logs, func(_ context.Context, body []byte, kind string) (response, error) {
		req := plogotlp.NewExportRequest()
		if err := unmarshal(req, body, kind); err != nil {
			return nil, err
		}
		return r.exportLogs(req), nil
	}))
	return mux
}

type exporter func(ctx context.Context, body []byte, kind string) (response, error)

func (r *Receiver) serve(s *signal, export exporter) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
		body, err := r.answer(w, req, kind, export)
		if err != nil {
			ref := asRefusal(err)
			if ref.again() {
				w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
			} else {
				_ = s.refuse(0, err) // the sender gets it; how many items it had is not known
			}
			body = statusBody(ref, kind)
			kind = errorType(kind)
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(ref.status)
		} else {
			w.Header().Set("Content-Type", kind)
		}
		_, _ = w.Write(body) // a sender that hung up will send again
	}
}

// answer reads, exports and encodes; the slot is held all the while.
func (r *Receiver) answer(w http.ResponseWriter, req *http.Request, kind string, export exporter) ([]byte, error) {
	if kind != typeProto && kind != typeJSON {
		return nil, &refusal{http.StatusUnsupportedMediaType, codes.InvalidArgument,
			fmt.Errorf("content type %q; send %s or %s", req.Header.Get("Content-Type"), typeProto, typeJSON)}
	}
	leave, err := r.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	body, err := r.read(w, req)
	if err != nil {
		return nil, err
	}
	res, err := export(req.Context(), body, kind)
	if err != nil {
		return nil, err
	}
	if kind == typeJSON {
		return res.MarshalJSON()
	}
	return res.MarshalProto()
}

// read gives the decompressed body, bounded before and after decompression.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	var body io.Reader = http.MaxBytesReader(w, req.Body, r.cfg.MaxBody)
	switch encoding := strings.ToLower(req.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip":
		unzip, err := gzip.NewReader(body)
		if err != nil {
			return nil, r.unreadable(err)
		}
		body = io.LimitReader(unzip, r.cfg.MaxBody+1)
	default:
		return nil, &refusal{http.StatusUnsupportedMediaType, codes.InvalidArgument,
			fmt.Errorf("content encoding %q; send gzip or none", encoding)}
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, r.unreadable(err)
	}
	if int64(len(data)) > r.cfg.MaxBody {
		return nil, tooLarge(r.cfg.MaxBody)
	}
	return data, nil
}

func (r *Receiver) unreadable(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return tooLarge(r.cfg.MaxBody)
	}
	return malformed("reading the body: %w", err)
}

func unmarshal(req request, body []byte, kind string) error {
	decode := req.UnmarshalProto
	if kind == typeJSON {
		decode = req.UnmarshalJSON
	}
	if err := decode(body); err != nil {
		return malformed("decoding %s: %w", kind, err)
	}
	return nil
}

// errorType is the type errors are told in: the request's, or JSON.
func errorType(kind string) string {
	if kind == typeProto {
		return typeProto
	}
	return typeJSON
}

// statusBody is the refusal as google.rpc.Status, as OTLP/HTTP asks for.
func statusBody(ref *refusal, kind string) []byte {
	message := status.New(ref.code, strings.ToValidUTF8(ref.Error(), "?")).Proto()
	marshal := protojson.Marshal
	if kind == typeProto {
		marshal = proto.Marshal
	}
	body, err := marshal(message)
	if err != nil {
		return nil // the HTTP status says enough
	}
	return body
}
