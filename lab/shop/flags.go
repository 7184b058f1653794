package shop

import (
	"maps"
	"strconv"
	"sync"
)

// FullDetails is inventory's flag for sending everything it knows of an item.
const FullDetails = "include_full_sku_details"

// release holds what a version sets differently from the version before it.
type release struct {
	service, version string
	flags            map[string]string
}

// releases lists the versions whose defaults differ; all others are alike.
func releases() []release {
	return []release{
		{"inventory", "v41", map[string]string{FullDetails: "true"}},
	}
}

// DefaultFlags are the flags a version starts with.
func DefaultFlags(service, version string) map[string]string {
	f := map[string]string{}
	switch service {
	case "inventory":
		f[FullDetails] = "false"
	case "auth":
		f["session_cache_ttl_seconds"] = "300"
	case "edge":
		f["access_log_sample"] = "0.01"
	}
	for _, r := range releases() {
		if r.service == service && r.version == version {
			maps.Copy(f, r.flags)
		}
	}
	return f
}

// flagSet is a service's flags, changed at run time from the admin side.
type flagSet struct {
	mu sync.RWMutex
	m  map[string]string
}

func newFlagSet(service, version string, overrides map[string]string) *flagSet {
	f := &flagSet{m: DefaultFlags(service, version)}
	maps.Copy(f.m, overrides)
	return f
}

func (f *flagSet) get(name string) string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.m[name]
}

func (f *flagSet) on(name string) bool { return f.get(name) == "true" }

// number reads a flag as a number, or gives the fallback.
func (f *flagSet) number(name string, fallback float64) float64 {
	v, err := strconv.ParseFloat(f.get(name), 64)
	if err != nil {
		return fallback
	}
	return v
}

func (f *flagSet) set(name, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.m[name] = value
}

func (f *flagSet) all() map[string]string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return maps.Clone(f.m)
}
