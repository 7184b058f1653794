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

// releases lists the versions whose code differs; all others are alike. What a
// pipeline would call configuration is not here but in the deploy.
func releases() []release {
	return []release{
		{"inventory", "v41", map[string]string{FullDetails: "true"}},

		{"auth", "v4", map[string]string{"device_check": "behaviour"}},
		{"auth", "v5", map[string]string{"claims": "all"}},
		{"auth", "v6", map[string]string{"roles": "strict"}},
		{"auth", "v7", map[string]string{"trail": "memory"}},

		{"inventory", "v42", map[string]string{"search_terms": "patterns"}},
		{"inventory", "v43", map[string]string{"assortment": "snapshot"}},
		{"inventory", "v44", map[string]string{"stock_query": "warehouse"}},
		{"inventory", "v45", map[string]string{"stock_schema": "2"}},
		{"inventory", "v46", map[string]string{"bins": "required"}},
		{"inventory", "v47", map[string]string{"trail": "memory"}},

		{"payment", "v9", map[string]string{"risk": "vectors"}},
		{"payment", "v10", map[string]string{"report": "full"}},
		{"payment", "v11", map[string]string{"ledger": "strict"}},
		{"payment", "v12", map[string]string{"discounts": "itemised"}},
		{"payment", "v13", map[string]string{"replay_guard": "memory"}},

		{"orders", "v23", map[string]string{"points": "per_order"}},
		{"orders", "v24", map[string]string{"schema": "2"}},
		{"orders", "v25", map[string]string{"answer": "history"}},
		{"orders", "v26", map[string]string{"gifts": "on"}},

		{"checkout", "v14", map[string]string{"promo_match": "fuzzy"}},
		{"checkout", "v15", map[string]string{"audit": "steps"}},
		{"checkout", "v16", map[string]string{"charge_guard": "zone"}},
		{"checkout", "v17", map[string]string{"stock_check": "per_piece"}},
		{"checkout", "v18", map[string]string{"gift_notes": "on"}},
		{"checkout", "v19", map[string]string{"tax_table": "lazy"}},
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

// newFlagSet gives a version its flags: what the service always had, what the
// shop around it sets, what the version brings, what its deploy configures.
// With late, the last two wait for the first refresh of the feature switches.
func newFlagSet(o Options) *flagSet {
	f := &flagSet{m: DefaultFlags(o.Name, "")}
	maps.Copy(f.m, o.Stage)
	if o.Refresh <= 0 {
		f.refresh(o)
	}
	return f
}

// refresh makes the version's own flags true.
func (f *flagSet) refresh(o Options) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, v := range DefaultFlags(o.Name, o.Version) {
		if DefaultFlags(o.Name, "")[k] != v {
			f.m[k] = v
		}
	}
	maps.Copy(f.m, o.Flags)
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
