package otlp

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const (
	typeProto = "application/x-protobuf"
	typeJSON  = "application/json"
)

func (r *Receiver) serve(s *signal, take taker) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		v := &visit{r: r, more: expectBody(w, r.cfg.ReadTimeout)} // a sender that stops in the middle must not keep its buffer
		kind := contentType(req)
		body, err := v.answer(w, req, kind, take)
		if err != nil {
			ref := asRefusal(err)
			if ref.again() {
				w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
			}
			r.told(s, ref)
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

// told notes a refusal in the health of a signal, unless the sink's refusal was
// noted already, with how many items it was.
func (r *Receiver) told(s *signal, ref *refusal) {
	switch {
	case ref.unread:
		s.turnAway(ref, r.cfg.Now())
	case !ref.again():
		_ = s.refuse(0, ref) // the sender gets it; how many items it had is not known
	}
}

func contentType(req *http.Request) string {
	kind := req.Header.Get("Content-Type")
	if kind == typeProto {
		return kind
	}
	kind, _, _ = mime.ParseMediaType(kind)
	return kind
}

// answer reads, takes and encodes. The slot is taken once the body is there:
// senders that dribble hold the bytes they sent, which are bounded, and nobody
// else's place.
func (v *visit) answer(w http.ResponseWriter, req *http.Request, kind string, take taker) ([]byte, error) {
	if kind != typeProto && kind != typeJSON {
		return nil, &refusal{status: http.StatusUnsupportedMediaType, code: codes.InvalidArgument,
			err: fmt.Errorf("content type %q; send %s or %s", req.Header.Get("Content-Type"), typeProto, typeJSON)}
	}
	defer v.leave()
	body, err := v.read(w, req)
	if err != nil {
		return nil, err
	}
	if err := v.enter(v.r.slots); err != nil {
		return nil, err
	}
	res, err := take(req.Context(), body, kind)
	if err != nil {
		return nil, err
	}
	if kind == typeJSON {
		return res.MarshalJSON()
	}
	return res.MarshalProto()
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
