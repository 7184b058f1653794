package pyroscope

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"

	"google.golang.org/protobuf/encoding/protowire"
)

// PushPath is where Connect's clients push.
const PushPath = "/push.v1.PusherService/Push"

// Bounds on what one request may hold besides its bytes: a few bytes on the wire
// become a struct in memory.
const (
	maxSeries  = 4096
	maxSamples = 4096
	maxBraces  = 100_000 // objects of a JSON body
)

// pushRequest is push.v1.PushRequest.
type pushRequest struct {
	Series []pushSeries `json:"series"`
}

type pushSeries struct {
	Labels  []labelPair  `json:"labels"`
	Samples []pushSample `json:"samples"`
}

type labelPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// pushSample has its profile under the name of JSON's mapping, or of the
// message.
type pushSample struct {
	RawProfile  flexible `json:"rawProfile"`
	RawProfile2 flexible `json:"raw_profile"`
}

func (s pushSample) data() []byte {
	if len(s.RawProfile) > 0 {
		return s.RawProfile
	}
	return s.RawProfile2
}

// flexible is bytes in JSON, in any of base64's spellings, which protobuf's
// mapping allows.
type flexible []byte

// UnmarshalJSON reads a string.
func (f *flexible) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if data, err := e.DecodeString(s); err == nil {
			*f = data
			return nil
		}
	}
	return errors.New("a profile is not base64")
}

// Push is Connect's unary push.v1.PusherService/Push, in JSON and protobuf. Good
// profiles of a request are stored even when others are not; the answer then
// says how many were not taken.
func (r *Receiver) Push() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mediaType, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
		why := r.push(w, req, mediaType)
		switch {
		case why != nil:
			r.refused(why)
			reply(w, why.status, "application/json", connectError{connectCode(why.status), why.say()})
		case mediaType == "application/json":
			reply(w, http.StatusOK, mediaType, struct{}{})
		default:
			w.Header().Set("Content-Type", mediaType)
			w.WriteHeader(http.StatusOK) // the empty message is no bytes
		}
	})
}

// connectError is the body of a refusal in Connect's protocol.
type connectError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func connectCode(status int) string {
	switch status {
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge:
		return "resource_exhausted"
	case http.StatusServiceUnavailable:
		return "unavailable"
	case http.StatusUnsupportedMediaType, http.StatusMethodNotAllowed:
		return "unimplemented"
	case http.StatusInternalServerError:
		return "internal"
	}
	return "invalid_argument"
}

func (r *Receiver) push(w http.ResponseWriter, req *http.Request, mediaType string) *refusal {
	decode := decodeProto
	switch mediaType {
	case "application/proto", "application/x-protobuf":
	case "application/json":
		decode = decodeJSON
	default:
		return refuse(http.StatusUnsupportedMediaType, "content type %.60q: application/proto and application/json are taken", mediaType)
	}
	leave, why := r.enter()
	if why != nil {
		return why
	}
	defer leave()
	body, why := r.receive(w, req)
	if why != nil {
		return why
	}
	pushed, err := decode(body)
	if err != nil {
		return refuse(http.StatusBadRequest, "reading the request: %w", err)
	}
	total, bad := 0, 0
	var last *refusal
	for _, s := range pushed.Series {
		labels := map[string]string{}
		for _, l := range s.Labels {
			labels[l.Name] = l.Value
		}
		for _, sample := range s.Samples {
			total++
			p := profile{labels: labels, kind: kinds[labels["__name__"]], data: sample.data(), sinceStart: labels["__delta__"] != "false"}
			why := r.store(req.Context(), p)
			if why != nil && why.status >= http.StatusInternalServerError {
				return why // the sender tries all again; what is stored is stored once
			}
			if why != nil {
				bad++
				last = why
			}
		}
	}
	if last != nil {
		return &refusal{last.status, fmt.Errorf("%d of %d profiles not taken; the last: %w", bad, total, last.err), last.hint}
	}
	return nil
}

func decodeJSON(body []byte) (q pushRequest, err error) {
	if bytes.Count(body, []byte("{")) > maxBraces {
		return q, fmt.Errorf("more than %d objects", maxBraces)
	}
	err = json.Unmarshal(body, &q)
	return q, err
}

// decodeProto reads the message by hand: it has six fields.
func decodeProto(body []byte) (q pushRequest, err error) {
	err = messages(body, 1, func(series []byte) error {
		if len(q.Series) == maxSeries {
			return fmt.Errorf("more than %d series", maxSeries)
		}
		s, err := decodeSeries(series)
		q.Series = append(q.Series, s)
		return err
	})
	return q, err
}

func decodeSeries(body []byte) (s pushSeries, err error) {
	err = messages(body, 1, func(pair []byte) error {
		if len(s.Labels) == maxLabels {
			return fmt.Errorf("more than %d labels", maxLabels)
		}
		var l labelPair
		err := errors.Join(
			messages(pair, 1, func(v []byte) error { l.Name = string(v); return nil }),
			messages(pair, 2, func(v []byte) error { l.Value = string(v); return nil }))
		s.Labels = append(s.Labels, l)
		return err
	})
	if err != nil {
		return s, err
	}
	err = messages(body, 2, func(sample []byte) error {
		if len(s.Samples) == maxSamples {
			return fmt.Errorf("more than %d profiles of one series", maxSamples)
		}
		var one pushSample
		err := messages(sample, 1, func(v []byte) error { one.RawProfile = v; return nil })
		s.Samples = append(s.Samples, one)
		return err
	})
	return s, err
}

// messages calls f for each value of a field that has a length, and skips all
// other fields.
func messages(body []byte, field protowire.Number, f func([]byte) error) error {
	for len(body) > 0 {
		number, typ, n := protowire.ConsumeTag(body)
		if n < 0 {
			return protowire.ParseError(n)
		}
		body = body[n:]
		if n = protowire.ConsumeFieldValue(number, typ, body); n < 0 {
			return protowire.ParseError(n)
		}
		if number == field && typ == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(body)
			if err := f(value); err != nil {
				return err
			}
		}
		body = body[n:]
	}
	return nil
}
