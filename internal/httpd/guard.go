package httpd

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// appPolicy lets the app run its own files and speak to its own server, and
// nothing else.
const appPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// documentPolicy lets a report show itself: its one style sheet, no script.
func documentPolicy() string {
	return "default-src 'none'; style-src '" + report.StyleSHA256() + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// secured sets the headers every answer has.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", appPolicy)
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses requests that change something and come from another
// site's page; programs that send neither Origin nor Sec-Fetch-Site may pass.
func sameOrigin() func(http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, &pitwall.Error{Op: "reading request", Kind: pitwall.Denied, ID: r.URL.Path, Err: fmt.Errorf("it comes from another site"), Hint: "act on Pitwall's own page, or with the command line"})
	}))
	return p.Handler
}

// noStore keeps answers that are true only now out of caches.
func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// within bounds how long an answer may take to make.
func within(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// recovered turns a panic into one log line and one answer.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p) // the standard way to drop a connection
			}
			s.Log.Error("Request panicked", "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			writeError(w, pitwall.Errorf(pitwall.Internal, "answering request", "a defect of ours; it is in the log"))
		}()
		next.ServeHTTP(w, r)
	})
}

// counted counts answers by class of status.
func (s *server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(ww, r)
		s.count.answered(ww.Status())
	})
}

func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		writeError(w, &pitwall.Error{Op: "reading request", Kind: pitwall.NotFound, ID: r.URL.Path, Err: fmt.Errorf("no such path"), Hint: "see /openapi.json"})
		return
	}
	plain(w, http.StatusNotFound, "404: nothing lives here. Plans are at /plans.")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // the client may be gone
}
