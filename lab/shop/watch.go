package shop

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/pitwall/pitwall/lab/mesh"
	"github.com/pitwall/pitwall/lab/telemetry"
)

// watched runs a handler as a careful team does: a panic becomes a 500 and an
// exception on the span, and every answer from 400 on becomes a line in the
// log with its reason.
func watched(tel *telemetry.Telemetry, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		seen := &seenAnswer{ResponseWriter: w}
		if c := r.Header.Get("X-Client"); c != "" {
			telemetry.Annotate(r.Context(), "client.id", c)
		}
		defer func() {
			if p := recover(); p != nil {
				caught(tel, seen, r, p)
			}
			seen.log(tel, r)
		}()
		h(seen, r)
	}
}

// caught answers for a handler that panicked.
func caught(tel *telemetry.Telemetry, w *seenAnswer, r *http.Request, p any) {
	err, ok := p.(error)
	if !ok {
		err = fmt.Errorf("%v", p)
	}
	telemetry.Failed(r.Context(), err)
	if w.status == 0 {
		mesh.Fail(w, http.StatusInternalServerError, "panic: "+err.Error())
	}
}

// seenAnswer keeps the status and, of failures, the beginning of the body.
type seenAnswer struct {
	http.ResponseWriter
	status int
	reason []byte
}

// WriteHeader notes the status.
func (s *seenAnswer) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write notes why an answer failed.
func (s *seenAnswer) Write(b []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	if room := 400 - len(s.reason); s.status >= 400 && room > 0 {
		s.reason = append(s.reason, b[:min(room, len(b))]...)
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *seenAnswer) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *seenAnswer) log(tel *telemetry.Telemetry, r *http.Request) {
	if s.status < 400 {
		return
	}
	level := telemetry.Warn
	if s.status >= 500 {
		level = telemetry.Error
	}
	tel.Log(r.Context(), level, fmt.Sprintf("%s %s answered %d: %s", r.Method, r.URL.Path, s.status, strings.TrimSpace(string(s.reason))))
}
