package telemetry

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// counts are the counters and histograms that the shop's own code feeds.
type counts struct {
	retries, timeouts metric.Int64Counter
	hits, misses      metric.Int64Counter
	dbWait, httpWait  metric.Float64Histogram
}

func newCounts(m metric.Meter) (c counts, err error) {
	count := func(into *metric.Int64Counter, name, unit, about string) {
		if err == nil {
			*into, err = m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(about))
		}
	}
	wait := func(into *metric.Float64Histogram, name, about string) {
		if err == nil {
			*into, err = m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(about))
		}
	}
	count(&c.retries, "http.client.request.retries", "{request}", "Requests sent again after a failure.")
	count(&c.timeouts, "http.client.request.timeouts", "{request}", "Requests given up at the client's deadline.")
	count(&c.hits, "cache.hits", "{lookup}", "Lookups that a cache answered.")
	count(&c.misses, "cache.misses", "{lookup}", "Lookups that a cache could not answer.")
	wait(&c.dbWait, "db.client.connection.wait_time", "Time to obtain a connection from the pool.")
	wait(&c.httpWait, "http.client.request.time_in_queue", "Time a request waited for a connection of its pool.")
	if err != nil {
		return counts{}, fmt.Errorf("making counters: %w", err)
	}
	return c, nil
}

func peerAttr(peer string) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("peer.service", peer))
}

// Retried counts a request that is sent to a peer again.
func (t *Telemetry) Retried(ctx context.Context, peer string) {
	t.counts.retries.Add(ctx, 1, peerAttr(peer))
}

// TimedOut counts a request that was given up.
func (t *Telemetry) TimedOut(ctx context.Context, peer string) {
	t.counts.timeouts.Add(ctx, 1, peerAttr(peer))
}

// CacheLookup counts one lookup.
func (t *Telemetry) CacheLookup(ctx context.Context, cache string, hit bool) {
	c := t.counts.misses
	if hit {
		c = t.counts.hits
	}
	c.Add(ctx, 1, metric.WithAttributes(attribute.String("cache.name", cache)))
}

// ObserveDB reports the pool of a database.
func (t *Telemetry) ObserveDB(pool string, db *sql.DB) error {
	name := attribute.String("db.client.connection.pool.name", pool)
	count, err := t.meter.Int64ObservableUpDownCounter("db.client.connection.count", metric.WithUnit("{connection}"))
	if err != nil {
		return fmt.Errorf("observing pool %s: %w", pool, err)
	}
	most, err := t.meter.Int64ObservableUpDownCounter("db.client.connection.max", metric.WithUnit("{connection}"))
	if err != nil {
		return fmt.Errorf("observing pool %s: %w", pool, err)
	}
	used := metric.WithAttributes(name, attribute.String("db.client.connection.state", "used"))
	idle := metric.WithAttributes(name, attribute.String("db.client.connection.state", "idle"))
	_, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := db.Stats()
		o.ObserveInt64(count, int64(s.InUse), used)
		o.ObserveInt64(count, int64(s.Idle), idle)
		o.ObserveInt64(most, int64(s.MaxOpenConnections), metric.WithAttributes(name))
		return nil
	}, count, most)
	return err
}

// Conn takes a connection from the pool and reports how long that took.
func (t *Telemetry) Conn(ctx context.Context, pool string, db *sql.DB) (*sql.Conn, error) {
	start := time.Now()
	c, err := db.Conn(ctx)
	t.counts.dbWait.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(attribute.String("db.client.connection.pool.name", pool)))
	return c, err
}

// HTTPPool reports a pool of at most limit() connections to a peer, and how
// long requests wait for one of them.
func (t *Telemetry) HTTPPool(peer string, limit func() int64, next http.RoundTripper) (http.RoundTripper, error) {
	p := &httpPool{t: t, peer: peerAttr(peer), next: next}
	open, err := t.meter.Int64ObservableUpDownCounter("http.client.active_requests", metric.WithUnit("{request}"),
		metric.WithDescription("Requests that hold or wait for a connection."))
	if err != nil {
		return nil, fmt.Errorf("observing pool to %s: %w", peer, err)
	}
	most, err := t.meter.Int64ObservableUpDownCounter("http.client.connection.max", metric.WithUnit("{connection}"),
		metric.WithDescription("Connections the pool allows to one host."))
	if err != nil {
		return nil, fmt.Errorf("observing pool to %s: %w", peer, err)
	}
	_, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveInt64(open, p.active.Load(), p.peer)
		o.ObserveInt64(most, limit(), p.peer)
		return nil
	}, open, most)
	return p, err
}

type httpPool struct {
	t      *Telemetry
	peer   metric.MeasurementOption
	next   http.RoundTripper
	active atomic.Int64
}

// RoundTrip times the wait for a connection.
func (p *httpPool) RoundTrip(r *http.Request) (*http.Response, error) {
	p.active.Add(1)
	defer p.active.Add(-1)
	var asked time.Time
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GetConn: func(string) { asked = time.Now() },
		GotConn: func(httptrace.GotConnInfo) {
			p.t.counts.httpWait.Record(r.Context(), time.Since(asked).Seconds(), p.peer)
		},
	})
	return p.next.RoundTrip(r.WithContext(ctx))
}

// ObserveRetransmits reports segments sent again, by the peer they were for.
func (t *Telemetry) ObserveRetransmits(count func() map[string]int64) error {
	c, err := t.meter.Int64ObservableCounter("tcp.retransmits", metric.WithUnit("{segment}"),
		metric.WithDescription("TCP segments sent again on the way to a peer."))
	if err != nil {
		return fmt.Errorf("observing retransmits: %w", err)
	}
	_, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for peer, n := range count() {
			o.ObserveInt64(c, n, peerAttr(peer))
		}
		return nil
	}, c)
	return err
}
