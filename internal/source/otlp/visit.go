package otlp

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"google.golang.org/grpc/codes"
)

const (
	firstBuffer = 64 << 10 // of a body whose length is not told
	// stall is how long a body may stand still while it arrives.
	stall       = 5 * time.Second
	mostTrusted = 256 << 10
	mostPooled  = 1 << 20
)

// meter bounds a number of bytes.
type meter struct {
	most int64
	used atomic.Int64
}

func (m *meter) take(n int64) bool {
	if m.used.Add(n) <= m.most {
		return true
	}
	m.used.Add(-n)
	return false
}

// visit is a request being taken: its slot, its bytes and its buffer.
type visit struct {
	r     *Receiver
	slots chan struct{} // where it has a slot; nil: nowhere yet
	held  int64
	buf   *[]byte // nil: none was needed
	// more says that the body may go on arriving; nil: there is no connection.
	more func()
}

// enter takes a slot, or refuses; leave gives it back.
func (v *visit) enter(slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		v.slots = slots
		return nil
	default:
		return busy("%d requests are in flight, that is the bound; try again", v.r.cfg.MaxInFlight)
	}
}

func (v *visit) leave() {
	if v.buf != nil && cap(*v.buf) <= mostPooled {
		v.r.buffers.Put(v.buf)
	}
	v.r.held.used.Add(-v.held)
	if v.slots != nil {
		<-v.slots
	}
}

// hold counts n more bytes as in flight.
func (v *visit) hold(n int64) error {
	if !v.r.held.take(n) {
		return busy("%d bytes of requests are in flight, that is the bound; try again", v.r.cfg.MaxInFlightBytes)
	}
	v.held += n
	return nil
}

// read gives the decompressed body, bounded before and after decompression, and
// valid until the visit ends.
func (v *visit) read(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	limit := v.r.cfg.MaxBody
	if req.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	body := http.MaxBytesReader(w, req.Body, limit)
	switch encoding := strings.ToLower(req.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		return v.fill(body, req.ContentLength)
	case "gzip":
		return v.unzip(body)
	default:
		return nil, &refusal{status: http.StatusUnsupportedMediaType, code: codes.InvalidArgument,
			err: fmt.Errorf("content encoding %q; send gzip or none", encoding)}
	}
}

// expectBody says until when the body may arrive: it may neither take longer
// than the timeout nor stand still. The server lifts the deadline when the body
// has ended; after a refusal it stays, for the server reads the rest of the body
// before it answers. Where there are no deadlines, as in some tests, there is no
// connection to stall.
func expectBody(w http.ResponseWriter, timeout time.Duration) (more func()) {
	c, last := http.NewResponseController(w), time.Now().Add(timeout)
	more = func() {
		until := time.Now().Add(stall)
		if until.After(last) {
			until = last
		}
		_ = c.SetReadDeadline(until)
	}
	more()
	return more
}

func (v *visit) unzip(body io.Reader) ([]byte, error) {
	z := v.r.unzippers.Get().(*gzip.Reader)
	defer v.r.unzippers.Put(z)
	if err := z.Reset(body); err != nil {
		return nil, v.unreadable(err)
	}
	return v.fill(z, -1)
}

// fill reads to the end. The buffer grows with what has arrived, whatever was
// announced.
func (v *visit) fill(src io.Reader, announced int64) ([]byte, error) {
	v.buf = v.r.buffers.Get().(*[]byte)
	buf := (*v.buf)[:0]
	if err := v.hold(int64(cap(buf))); err != nil {
		return nil, err
	}
	room := int64(firstBuffer)
	if announced >= 0 {
		room = min(announced+1, mostTrusted) // one more, to see the end
	}
	for {
		if int64(cap(buf)) < room {
			if err := v.hold(room - int64(cap(buf))); err != nil {
				return nil, err
			}
			bigger := make([]byte, len(buf), room)
			copy(bigger, buf)
			buf = bigger
			*v.buf = buf
		}
		if v.more != nil {
			v.more()
		}
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > v.r.cfg.MaxBody:
			return nil, tooLarge(v.r.cfg.MaxBody)
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return nil, v.unreadable(err)
		}
		if len(buf) == cap(buf) {
			room = min(2*int64(cap(buf)), v.r.cfg.MaxBody+1)
		}
	}
}

func (v *visit) unreadable(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge(v.r.cfg.MaxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return tooSlow(v.r.cfg.ReadTimeout)
	}
	return malformed("reading the body: %w", err)
}
