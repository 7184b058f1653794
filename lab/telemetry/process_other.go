//go:build !linux

package telemetry

// processorTime is not known here.
func processorTime() (user, system float64) { return 0, 0 }
