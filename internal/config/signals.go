package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"gopkg.in/yaml.v3"
)

// Bytes is a size, written 512KiB, 64MiB or 10GiB, or as a plain number of bytes.
type Bytes int64

// The units of Bytes.
const (
	KiB Bytes = 1 << 10
	MiB Bytes = 1 << 20
	GiB Bytes = 1 << 30
	TiB Bytes = 1 << 40
)

// UnmarshalYAML reads a size.
func (b *Bytes) UnmarshalYAML(n *yaml.Node) error {
	text, unit := strings.TrimSpace(n.Value), Bytes(1)
	for suffix, u := range map[string]Bytes{"KiB": KiB, "MiB": MiB, "GiB": GiB, "TiB": TiB} {
		if number, has := strings.CutSuffix(text, suffix); has {
			text, unit = strings.TrimSpace(number), u
		}
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < 0 || v > int64(1<<62/unit) {
		return fmt.Errorf("line %d: %q is not a size such as 64MiB or 10GiB", n.Line, n.Value)
	}
	*b = Bytes(v) * unit
	return nil
}

// MarshalYAML writes a size in the greatest unit that divides it.
func (b Bytes) MarshalYAML() (any, error) { return b.String(), nil }

// String writes a size in the greatest unit that divides it.
func (b Bytes) String() string {
	for _, u := range []struct {
		unit Bytes
		name string
	}{{TiB, "TiB"}, {GiB, "GiB"}, {MiB, "MiB"}, {KiB, "KiB"}} {
		if b != 0 && b%u.unit == 0 {
			return strconv.FormatInt(int64(b/u.unit), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// Ingest bounds what is taken in at once, for every receiver.
type Ingest struct {
	MaxBody          Bytes `yaml:"max_body"` // of one request, before and after decompression
	MaxInFlight      int   `yaml:"max_in_flight"`
	MaxInFlightBytes Bytes `yaml:"max_in_flight_bytes"`
}

// Traces is the embedded span store.
type Traces struct {
	Retention       time.Duration `yaml:"retention"` // of spans
	Disk            Bytes         `yaml:"disk"`
	Blocks          bool          `yaml:"blocks"`           // false: spans live in memory only; counts are kept all the same
	Sample          float64       `yaml:"sample"`           // share of traces kept beside the failed and the slow ones
	HeadSpans       int           `yaml:"head_spans"`       // in memory
	RollupRetention time.Duration `yaml:"rollup_retention"` // of counts by operation and minute
}

// Metrics is the embedded metrics store.
type Metrics struct {
	Retention  time.Duration `yaml:"retention"`
	Disk       Bytes         `yaml:"disk"`
	OutOfOrder time.Duration `yaml:"out_of_order"` // how late a sample may come
	Scrape     []Scrape      `yaml:"scrape"`
}

// Scrape is one job of the metrics scraper.
type Scrape struct {
	Job       string        `yaml:"job"`
	Service   string        `yaml:"service"` // the label service_name of its series
	FileSD    string        `yaml:"file_sd"` // Prometheus file_sd JSON or YAML
	Targets   []string      `yaml:"targets"` // host:port
	Interval  time.Duration `yaml:"interval"`
	Timeout   time.Duration `yaml:"timeout"`
	Path      string        `yaml:"path"`
	Scheme    string        `yaml:"scheme"`
	TokenFile string        `yaml:"token_file"`
}

// Logs is the embedded log store.
type Logs struct {
	Retention time.Duration `yaml:"retention"`
	Disk      Bytes         `yaml:"disk"`
}

// Profiles is the profile store and the pprof scraper; without FileSD nothing is
// scraped.
type Profiles struct {
	FileSD    string                `yaml:"file_sd"` // Prometheus file_sd JSON
	Window    time.Duration         `yaml:"window"`  // of one CPU profile
	Types     []pitwall.ProfileType `yaml:"types"`   // what is scraped
	Retention time.Duration         `yaml:"retention"`
	Disk      Bytes                 `yaml:"disk"`
}

// Changes are the webhooks that announce changes and alerts. The plain changes
// API takes unsigned changes without SecretFile; every other hook is closed
// until it has its secret.
type Changes struct {
	SecretFile   string          `yaml:"secret_file"`
	GitHub       GitHub          `yaml:"github"`
	ArgoCD       Token           `yaml:"argocd"`
	Flagger      Token           `yaml:"flagger"`
	Alertmanager Token           `yaml:"alertmanager"`
	Services     []ChangeService `yaml:"services"`
}

// GitHub is the webhook of GitHub.
type GitHub struct {
	SecretFile string `yaml:"secret_file"`
}

// Token is a webhook that a bearer token opens.
type Token struct {
	TokenFile string `yaml:"token_file"`
}

// ChangeService says which service a repository or application is.
type ChangeService struct {
	Source  string              `yaml:"source"` // "acme/shop" of GitHub, an Argo CD application, a Flagger canary
	Service pitwall.ServiceName `yaml:"service"`
}

// Sources are stores elsewhere that are read instead of the embedded ones.
type Sources struct {
	Prometheus Remote `yaml:"prometheus"`
	Tempo      Remote `yaml:"tempo"`
	Jaeger     Remote `yaml:"jaeger"`
	Pyroscope  Remote `yaml:"pyroscope"`
}

// Remote is one store elsewhere; without URL it is not used.
type Remote struct {
	URL          string        `yaml:"url"`
	TokenFile    string        `yaml:"token_file"`    // bearer token
	User         string        `yaml:"user"`          // of basic authentication
	PasswordFile string        `yaml:"password_file"` // of basic authentication
	CAFile       string        `yaml:"ca_file"`
	Tenant       string        `yaml:"tenant"` // X-Scope-OrgID
	Timeout      time.Duration `yaml:"timeout"`
}

// Storage is what keeping data costs.
type Storage struct {
	PriceGiBMonth float64 `yaml:"price_gib_month"` // of a GiB kept for a month; 0: not known
	Currency      string  `yaml:"currency"`
}

// KPI is a business number worth watching, as a query.
type KPI struct {
	Name    string              `yaml:"name"`
	Query   string              `yaml:"query"`   // PromQL
	Unit    string              `yaml:"unit"`    // words after the number, such as "orders/min"
	Better  string              `yaml:"better"`  // more or less; empty: more
	Service pitwall.ServiceName `yaml:"service"` // whose trouble it shows; empty: of every service
}
