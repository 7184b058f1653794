package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

const (
	maxInFlight    = 10_000 // beyond it arrivals are dropped and counted
	requestTimeout = 15 * time.Second
)

// Generator sends a schedule to the edge.
type Generator struct {
	edge    string
	client  *http.Client
	samples *Samples
	rum     *Beacons
	shape   *shape
}

// NewGenerator returns a generator for the edge's base URL.
func NewGenerator(edge string, samples *Samples, rum *Beacons) *Generator {
	return &Generator{
		edge: edge, samples: samples, rum: rum, shape: &shape{factor: 1},
		client: &http.Client{Timeout: requestTimeout, Transport: &http.Transport{
			MaxIdleConns: 4096, MaxIdleConnsPerHost: 4096, DisableCompression: true,
		}},
	}
}

// Run sends arrivals at their moments until ctx ends, then waits for those on
// their way. It never waits for an answer before sending the next request.
func (g *Generator) Run(ctx context.Context, s *Schedule, start time.Time) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, maxInFlight)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		a, ok := s.Next()
		if !ok {
			return
		}
		intended := g.shape.moment(start, a.At)
		g.shape.spoil(&a)
		timer.Reset(time.Until(intended))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		select {
		case slots <- struct{}{}:
		default:
			g.samples.drop()
			continue
		}
		g.samples.begin()
		wg.Go(func() {
			g.send(ctx, a, intended)
			<-slots
		})
	}
}

// send does one request and records it.
func (g *Generator) send(ctx context.Context, a Arrival, intended time.Time) {
	sent := time.Now()
	seen, err := g.request(ctx, a)
	done := time.Now()
	if err != nil && ctx.Err() != nil {
		return // the run is over; nobody saw this one
	}
	g.samples.add(Sample{
		Intended: intended, Latency: done.Sub(intended), Slip: sent.Sub(intended), Route: a.Route.Name, OK: err == nil,
	})
	if err == nil && a.RUM {
		g.rum.Render(a, seen, intended, done)
	}
}

// answerSeen is what a browser knows of an answer.
type answerSeen struct {
	body    []byte
	traceID string
	first   time.Time // first byte
}

func (g *Generator) request(ctx context.Context, a Arrival) (answerSeen, error) {
	var out answerSeen
	var body io.Reader
	if a.Cart != nil {
		b, err := json.Marshal(a.Cart)
		if err != nil {
			return out, fmt.Errorf("encoding cart: %w", err)
		}
		body = bytes.NewReader(b)
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { out.first = time.Now() }})
	req, err := http.NewRequestWithContext(ctx, a.Route.Method, g.edge+a.Route.Path, body)
	if err != nil {
		return out, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.From != "" {
		req.Header.Set("X-Client", a.From)
	}
	res, err := g.client.Do(req)
	if err != nil {
		return out, err
	}
	defer func() { _ = res.Body.Close() }()
	out.traceID = res.Header.Get("X-Trace-Id")
	out.body, err = io.ReadAll(res.Body)
	if err != nil {
		return out, fmt.Errorf("reading answer: %w", err)
	}
	if res.StatusCode >= 300 {
		return out, fmt.Errorf("edge answered %s", res.Status)
	}
	return out, nil
}
