package scrape

// registry takes the scraper's metrics about itself and drops them: Health says
// what matters of them. C is Prometheus' Collector, which needs no name here.
type registry[C any] struct{}

// Register takes a collector.
func (registry[C]) Register(C) error { return nil }

// MustRegister takes collectors.
func (registry[C]) MustRegister(...C) {}

// Unregister says that a collector was there.
func (registry[C]) Unregister(C) bool { return true }

// nowhere makes a registry of the same sort as its argument, which may be nil.
func nowhere[C any](_ interface {
	Register(c C) error
	MustRegister(c ...C)
	Unregister(c C) bool
}) registry[C] {
	return registry[C]{}
}
