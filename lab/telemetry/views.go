package telemetry

import (
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// durationBounds (seconds) are fine between 50 ms and 3 s, where the shop's
// objectives and its bad days lie.
func durationBounds() []float64 {
	return []float64{
		.001, .002, .005, .01, .02, .03, .04, .05, .06, .07, .08, .09, .1, .11, .12, .13, .14, .15, .16, .17,
		.18, .19, .2, .21, .22, .23, .24, .25, .26, .28, .3, .325, .35, .4, .45, .5, .55, .6, .65, .7, .75, .8,
		.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2, 2.25, 2.5, 3, 4, 5, 10,
	}
}

// sizeBounds are bytes.
func sizeBounds() []float64 {
	return []float64{
		0, 256, 512, 1 << 10, 2 << 10, 4 << 10, 6 << 10, 8 << 10, 10 << 10, 12 << 10, 16 << 10, 24 << 10, 32 << 10,
		48 << 10, 64 << 10, 80 << 10, 96 << 10, 128 << 10, 160 << 10, 192 << 10, 256 << 10, 512 << 10, 1 << 20,
	}
}

// views sets buckets and keeps the few attributes somebody would ask for.
func views() []sdkmetric.Option {
	keep := attribute.NewAllowKeysFilter(
		"http.request.method", "http.route", "http.response.status_code", "error.type", "peer.service",
		"db.client.connection.pool.name")
	view := func(name string, bounds []float64) sdkmetric.Option {
		return sdkmetric.WithView(sdkmetric.NewView(
			sdkmetric.Instrument{Name: name},
			sdkmetric.Stream{
				Aggregation:     sdkmetric.AggregationExplicitBucketHistogram{Boundaries: bounds},
				AttributeFilter: keep,
			}))
	}
	return []sdkmetric.Option{
		view("http.*.request.duration", durationBounds()),
		view("http.*.body.size", sizeBounds()),
		view("db.client.connection.wait_time", durationBounds()),
		view("http.client.request.time_in_queue", durationBounds()),
	}
}
