package promapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/prometheus/util/annotations"
)

const (
	// flushAt is how many bytes of JSON are gathered before they are sent.
	flushAt = 64 << 10
	// zipFrom is the size from which compressing pays.
	zipFrom = 1 << 10
	// maxNotes bounds the warnings, and the infos, of one answer.
	maxNotes = 10
)

// answer is one request and the JSON that answers it. The JSON is written
// piece by piece into a buffer of bounded size, never held whole. Its first
// piece fixes the status; after that nothing but a broken connection can tell
// of trouble, so everything that can go wrong is done before.
type answer struct {
	a    *API
	w    http.ResponseWriter
	r    *http.Request
	form url.Values

	buf     []byte
	zip     *gzip.Writer // nil when the answer is not compressed
	wantZip bool
	status  int
	started bool  // the status is on the wire
	err     error // the first error of writing; the client has gone
}

func (a *API) newAnswer(w http.ResponseWriter, r *http.Request) *answer {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Add("Vary", "Accept-Encoding")
	return &answer{a: a, w: w, r: r, status: http.StatusOK, wantZip: acceptsGzip(r.Header.Get("Accept-Encoding"))}
}

// acceptsGzip reads an Accept-Encoding header; a quality of 0 is a refusal.
func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, rest, _ := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		q, has := strings.CutPrefix(strings.ReplaceAll(rest, " ", ""), "q=")
		if !has {
			return true
		}
		v, err := strconv.ParseFloat(q, 64)
		return err == nil && v > 0
	}
	return false
}

// readForm reads the parameters of the URL and of a posted form.
func (w *answer) readForm() *failure {
	w.r.Body = http.MaxBytesReader(w.w, w.r.Body, maxBody)
	if err := w.r.ParseForm(); err != nil {
		if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
			err = fmt.Errorf("the body is larger than %d bytes", maxBody)
		}
		return &failure{badData, fmt.Errorf("reading the form: %w", err)}
	}
	w.form = w.r.Form
	return nil
}

// success writes a small answer that is a value.
func (w *answer) success(v any) *failure {
	b, err := json.Marshal(v)
	if err != nil {
		return &failure{internal, fmt.Errorf("encoding the answer: %w", err)}
	}
	w.begin()
	w.buf = append(w.buf, b...)
	w.finish(nil, "")
	return nil
}

// begin opens the envelope of a success; the data follow.
func (w *answer) begin() { w.raw(`{"status":"success","data":`) }

// finish adds the warnings and infos, and closes the envelope. The query lets
// them say at which line and column.
func (w *answer) finish(notes annotations.Annotations, query string) {
	warnings, infos := notes.AsStrings(query, 0, 0)
	w.notes("warnings", warnings)
	w.notes("infos", infos)
	w.raw("}")
}

func (w *answer) notes(name string, all []string) {
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	if more := len(all) - maxNotes; more > 0 {
		all = append(all[:maxNotes], fmt.Sprintf("%d more left out", more))
	}
	w.raw(`,"` + name + `":`)
	w.list(all)
}

// fail makes the answer an error. When it has begun already, the connection is
// broken instead, lest half an answer be taken for a whole one.
func (w *answer) fail(f *failure) {
	if w.started {
		panic(http.ErrAbortHandler)
	}
	w.status, w.buf = f.kind.status(), w.buf[:0]
	if f.kind == timeout || f.kind == unavailable {
		w.w.Header().Set("Retry-After", "5")
	}
	w.raw(`{"status":"error","errorType":`)
	w.str(string(f.kind))
	w.raw(`,"error":`)
	w.str(f.err.Error())
	w.raw("}")
}

// end sends what is left.
func (w *answer) end() {
	if w.status == http.StatusNoContent {
		w.w.Header().Del("Content-Type")
		w.w.WriteHeader(w.status)
		return
	}
	if !w.started && len(w.buf) < zipFrom {
		w.wantZip = false
		w.w.Header().Set("Content-Length", strconv.Itoa(len(w.buf)))
	}
	w.send()
	if w.zip != nil {
		if err := w.zip.Close(); err != nil && w.err == nil {
			w.err = err
		}
		w.zip.Reset(nil)
		w.a.zips.Put(w.zip)
		w.zip = nil
	}
	// Lest the next request on this connection inherit the deadline.
	_ = http.NewResponseController(w.w).SetWriteDeadline(time.Time{})
}

// full sends the buffer when there is enough in it.
func (w *answer) full() {
	if len(w.buf) >= flushAt {
		w.send()
	}
}

func (w *answer) send() {
	if !w.started {
		w.start()
	}
	if w.err == nil {
		if w.zip != nil {
			_, w.err = w.zip.Write(w.buf)
		} else {
			_, w.err = w.w.Write(w.buf)
		}
	}
	w.buf = w.buf[:0]
}

func (w *answer) start() {
	w.started = true
	// A deadline of the network is the network's time, not the one passed in.
	// Where the connection cannot have one, the server's own applies.
	_ = http.NewResponseController(w.w).SetWriteDeadline(time.Now().Add(readWithin))
	if w.wantZip {
		w.w.Header().Set("Content-Encoding", "gzip")
		w.zip, _ = w.a.zips.Get().(*gzip.Writer)
		w.zip.Reset(w.w)
	}
	w.w.WriteHeader(w.status)
}
