package synthetic

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"
)

// Phases are where the time of a step went, in seconds, summed over redirects.
// What a kept connection saves is zero.
type Phases struct {
	Resolve    float64 `json:"resolve_s"`    // the name
	Connect    float64 `json:"connect_s"`    // TCP
	TLS        float64 `json:"tls_s"`        // the handshake
	Processing float64 `json:"processing_s"` // from the request until the first byte
	Transfer   float64 `json:"transfer_s"`   // from the first byte until the last
}

// stopwatch gathers the moments of a step's requests.
type stopwatch struct {
	now func() time.Time

	mu                                     sync.Mutex // a connection is tried in goroutines of its own
	resolving, connecting, shaking, asking time.Time
	first                                  time.Time // byte of the last answer
	sum                                    Phases
}

// watch makes a context whose requests are timed.
func (s *stopwatch) watch(ctx context.Context) context.Context {
	begin := func(t *time.Time) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if t.IsZero() { // of several tries at once the first counts
			*t = s.now()
		}
	}
	end := func(t *time.Time, sum *float64) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !t.IsZero() {
			*sum += s.now().Sub(*t).Seconds()
			*t = time.Time{}
		}
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:     func(httptrace.DNSStartInfo) { begin(&s.resolving) },
		DNSDone:      func(httptrace.DNSDoneInfo) { end(&s.resolving, &s.sum.Resolve) },
		ConnectStart: func(_, _ string) { begin(&s.connecting) },
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				end(&s.connecting, &s.sum.Connect)
			}
		},
		TLSHandshakeStart: func() { begin(&s.shaking) },
		TLSHandshakeDone:  func(tls.ConnectionState, error) { end(&s.shaking, &s.sum.TLS) },
		WroteRequest:      func(httptrace.WroteRequestInfo) { begin(&s.asking) },
		GotFirstResponseByte: func() {
			end(&s.asking, &s.sum.Processing)
			s.mu.Lock()
			s.first = s.now()
			s.mu.Unlock()
		},
	})
}

// phases gives what was gathered until a step's end. A phase that never ended
// counts until then: it is where a hanging server hangs.
func (s *stopwatch) phases(end time.Time) Phases {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.sum
	for _, open := range []struct {
		since time.Time
		sum   *float64
	}{{s.resolving, &p.Resolve}, {s.connecting, &p.Connect}, {s.shaking, &p.TLS}, {s.asking, &p.Processing}} {
		if !open.since.IsZero() {
			*open.sum += end.Sub(open.since).Seconds()
		}
	}
	if s.asking.IsZero() && !s.first.IsZero() {
		p.Transfer = end.Sub(s.first).Seconds()
	}
	return p
}
