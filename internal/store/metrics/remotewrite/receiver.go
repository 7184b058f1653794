package remotewrite

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/storage"

	"github.com/pitwall/pitwall"
)

const (
	messageV1 = "prometheus.WriteRequest"
	messageV2 = "io.prometheus.write.v2.Request"
	// readTimeout is how long a sender may take over its body, so that slow ones
	// do not hold every slot.
	readTimeout = 30 * time.Second
	// stall is how long the body may stand still meanwhile.
	stall      = 5 * time.Second
	retryAfter = 5 * time.Second
	lags       = 64
)

// Config of a Receiver. Only Store is required.
type Config struct {
	Store storage.AppendableV2
	// MaxBody and MaxDecoded bound the bytes of a request before and after
	// decompression; 0 means 8 MiB and 32 MiB. A Prometheus sends 2,000 samples
	// at a time, some 100 KiB.
	MaxBody    int64
	MaxDecoded int
	// MaxInFlight is how many requests are worked on at once; 0 means 16.
	MaxInFlight int
	Now         func() time.Time // nil: the system's clock
}

// Receiver is the receiving end of remote write.
type Receiver struct {
	c     Config
	slots chan struct{}

	mu      sync.Mutex // guards all below
	health  pitwall.SourceHealth
	lag     [lags]float64
	samples int // of lag, ever
}

var (
	_ http.Handler   = (*Receiver)(nil)
	_ pitwall.Health = (*Receiver)(nil)
)

// New makes a Receiver.
func New(c Config) (*Receiver, error) {
	if c.Store == nil || c.MaxBody < 0 || c.MaxDecoded < 0 || c.MaxInFlight < 0 {
		return nil, pitwall.Errorf(pitwall.Invalid, "starting remote write", "it needs a store, and bounds that are not negative")
	}
	if c.MaxBody == 0 {
		c.MaxBody = 8 << 20
	}
	if c.MaxDecoded == 0 {
		c.MaxDecoded = 32 << 20
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 16
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Receiver{c: c, slots: make(chan struct{}, c.MaxInFlight),
		health: pitwall.SourceHealth{Name: "remote-write", Signal: pitwall.SignalMetrics, Up: true}}, nil
}

// refusal is an error with the status it is answered with.
type refusal struct {
	status int
	error
}

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status, fmt.Errorf(format, args...)}
}

// Unwrap gives the cause.
func (r *refusal) Unwrap() error { return r.error }

// ServeHTTP answers one request; see the package comment.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	version, err := negotiate(req)
	var got written
	if err == nil {
		got, err = r.receive(w, req, version)
	}
	r.note(got, err)
	if version == 2 {
		h := w.Header()
		h.Set("X-Prometheus-Remote-Write-Samples-Written", strconv.FormatUint(got.samples, 10))
		h.Set("X-Prometheus-Remote-Write-Histograms-Written", strconv.FormatUint(got.histograms, 10))
		h.Set("X-Prometheus-Remote-Write-Exemplars-Written", "0")
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	status := http.StatusServiceUnavailable // what is not the sender's fault may pass
	var ref *refusal
	if errors.As(err, &ref) {
		status = ref.status
	}
	switch status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	http.Error(w, err.Error(), status)
}

// negotiate finds the version of the message; an unknown one is 0.
func negotiate(req *http.Request) (version int, err error) {
	if req.Method != http.MethodPost {
		return 0, refuse(http.StatusMethodNotAllowed, "method %s; send a POST", req.Method)
	}
	kind, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-protobuf" {
		return 0, refuse(http.StatusUnsupportedMediaType, "content type %q; send application/x-protobuf", req.Header.Get("Content-Type"))
	}
	switch message := params["proto"]; message {
	case "", messageV1:
		version = 1
	case messageV2:
		version = 2
	default:
		return 0, refuse(http.StatusUnsupportedMediaType, "message %q; send %s or %s", message, messageV1, messageV2)
	}
	if encoding := req.Header.Get("Content-Encoding"); encoding != "" && encoding != "snappy" {
		return version, refuse(http.StatusUnsupportedMediaType, "content encoding %q; send snappy", encoding)
	}
	return version, nil
}

// receive reads and stores; the slot is held all the while.
func (r *Receiver) receive(w http.ResponseWriter, req *http.Request, version int) (written, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	default:
		return written{}, refuse(http.StatusServiceUnavailable, "%d requests are under way; try again", r.c.MaxInFlight)
	}
	body, err := r.read(w, req)
	if err != nil {
		return written{}, err
	}
	in := intake{version: version, app: r.c.Store.AppenderV2(req.Context()), newest: r.c.Now().Add(maxAhead).UnixMilli()}
	ended := false
	defer func() { // whatever happens, the store is given free
		if !ended {
			_ = in.app.Rollback()
		}
	}()
	if err := in.take(body); err != nil {
		return written{}, unusable(err, version)
	}
	if err := req.Context().Err(); err != nil {
		return written{}, fmt.Errorf("the sender hung up: %w", err)
	}
	ended = true
	if err := in.app.Commit(); err != nil {
		return written{}, fmt.Errorf("storing %d samples: %w", in.samples+in.histograms, err)
	}
	if in.refused > 0 {
		return in.written, refuse(http.StatusBadRequest, "%d of %d samples refused, the first because of: %w",
			in.refused, in.refused+in.samples+in.histograms, in.first)
	}
	return in.written, nil
}

// unusable words why a request is none; an error of the store stays as it is.
func unusable(err error, version int) error {
	var wrong *malformed
	if !errors.As(err, &wrong) {
		return err
	}
	return refuse(http.StatusBadRequest, "the body is no remote write request of version %d: %w", version, wrong.error)
}

// moving reads a body that may neither take longer than readTimeout nor stand
// still: a sender that dribbles must not keep a slot. The clock is the socket's,
// whatever ours says; a connection without deadlines has a bound of its own.
type moving struct {
	io.Reader
	w    *http.ResponseController
	last time.Time
}

// Read implements io.Reader.
func (m *moving) Read(p []byte) (int, error) {
	until := time.Now().Add(stall)
	if until.After(m.last) {
		until = m.last
	}
	_ = m.w.SetReadDeadline(until)
	return m.Reader.Read(p)
}

// read gives the decompressed body. The length a snappy block claims is looked
// at before anything of that length is made.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request) (string, error) {
	packed, err := io.ReadAll(&moving{Reader: http.MaxBytesReader(w, req.Body, r.c.MaxBody), w: http.NewResponseController(w), last: time.Now().Add(readTimeout)})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return "", refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes; send fewer samples at a time", r.c.MaxBody)
	case err != nil:
		return "", refuse(http.StatusBadRequest, "reading the body: %w", err)
	}
	n, err := snappy.DecodedLen(packed)
	switch {
	case err != nil:
		return "", refuse(http.StatusBadRequest, "the body is no snappy block: %w", err)
	case n > r.c.MaxDecoded:
		return "", refuse(http.StatusRequestEntityTooLarge, "the body is %d bytes decompressed, more than %d; send fewer samples at a time", n, r.c.MaxDecoded)
	}
	body, err := snappy.Decode(nil, packed)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "the body is no snappy block: %w", err)
	}
	return string(body), nil
}

func (r *Receiver) note(got written, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h, now := &r.health, r.c.Now()
	h.Accepted += got.samples + got.histograms
	h.Rejected += got.refused
	var ref *refusal
	h.Up = err == nil || errors.As(err, &ref)
	if err != nil {
		h.Message = err.Error()
	} else {
		h.Message = ""
	}
	if got.samples+got.histograms == 0 {
		return
	}
	h.LastSeen = now
	r.lag[r.samples%lags] = now.Sub(time.UnixMilli(got.latest)).Seconds()
	r.samples++
}

// Health says how many samples came in, how old they were, and the last trouble.
func (r *Receiver) Health() []pitwall.SourceHealth {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.health
	if h.LastSeen.IsZero() {
		h.Blind = "metrics of whoever sends by remote write"
		return []pitwall.SourceHealth{h}
	}
	recent := slices.Sorted(slices.Values(r.lag[:min(r.samples, lags)]))
	h.Lag = max(0, recent[len(recent)/2])
	return []pitwall.SourceHealth{h}
}
