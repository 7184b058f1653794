// Package config reads pitwall.yaml. In come one strict YAML file and the
// environment; out goes a typed Config with every default filled in and the
// origin of every value. It does not know what the values are used for, opens
// nothing the file names, and holds no secret: secrets are named by file.
package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// Config is everything a person can configure. Each field's key is its YAML
// name, nested with dots; its environment variable is PITWALL_ and the key in
// capitals with underscores. The defaults are those of Default. Paths in the
// file are relative to the file.
type Config struct {
	Listen    Listen `yaml:"listen"`
	DataDir   string `yaml:"data_dir"`   // everything Pitwall keeps
	PublicURL string `yaml:"public_url"` // what links in messages begin with; empty: the HTTP listener

	SLOs       []string      `yaml:"slos"`        // OpenSLO files or globs
	Policy     string        `yaml:"policy"`      // a policy file; empty: the built-in default policy
	Playbooks  string        `yaml:"playbooks"`   // directory of playbooks beside the built-in ones
	TimeScale  float64       `yaml:"time_scale"`  // SLO windows are divided by this; 1 outside demonstrations
	LedgerStep time.Duration `yaml:"ledger_step"` // whole seconds

	Alerting  Alerting  `yaml:"alerting"`
	Detection Detection `yaml:"detection"`

	Environment string    `yaml:"environment"` // a fact for policy
	Owner       string    `yaml:"owner"`       // of services without one
	Services    []Service `yaml:"services"`

	Ingest     Ingest   `yaml:"ingest"`
	Traces     Traces   `yaml:"traces"`
	Metrics    Metrics  `yaml:"metrics"`
	Logs       Logs     `yaml:"logs"`
	Profiles   Profiles `yaml:"profiles"`
	Changes    Changes  `yaml:"changes"`
	Sources    Sources  `yaml:"sources"`
	Storage    Storage  `yaml:"storage"`
	Synthetics []string `yaml:"synthetics"` // journey files or globs
	Secrets    string   `yaml:"secrets"`    // directory of the files that journeys' ${secret:name} names
	KPIs       []KPI    `yaml:"kpis"`

	Target  Target  `yaml:"target"`
	Enforce Enforce `yaml:"enforce"`
	Engine  Engine  `yaml:"engine"`

	// Origins says where each value came from, by key.
	Origins map[string]Origin `yaml:"-"`
}

// Listen are the addresses served, host:port.
type Listen struct {
	HTTP     string `yaml:"http"`
	OTLPHTTP string `yaml:"otlp_http"`
	OTLPGRPC string `yaml:"otlp_grpc"`
}

// Alerting is when objectives fire and who hears of it.
type Alerting struct {
	Preset   string        `yaml:"preset"`   // burn tiers of objectives that name none
	Routes   string        `yaml:"routes"`   // a routing file; empty: nobody is told
	Confirm  int           `yaml:"confirm"`  // evaluations in a row before a tier fires
	Backfill time.Duration `yaml:"backfill"` // how far back a new objective is counted from metrics at most
}

// Detection is how operations are watched for changes that burn no objective.
type Detection struct {
	Operations int           `yaml:"operations"` // how many are watched, the busiest of those first met; 0: none
	MinEffect  pitwall.Ratio `yaml:"min_effect"` // relative change that is not worth a finding
	Timezone   string        `yaml:"timezone"`   // of the users, whose day it is; such as Europe/Paris
	// OpenPlans are the services in which a finding opens a plan, where an
	// objective covers the operation; "*" is all. Nobody is named: none does.
	OpenPlans []pitwall.ServiceName `yaml:"open_plans"`
}

// Zone is Timezone; Validate has seen that it is one.
func (d Detection) Zone() *time.Location {
	zone, err := time.LoadLocation(d.Timezone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Opens says whether a finding in a service opens a plan.
func (d Detection) Opens(s pitwall.ServiceName) bool {
	return slices.Contains(d.OpenPlans, s) || slices.Contains(d.OpenPlans, "*")
}

// Service is one entry of the service catalogue.
type Service struct {
	Name  pitwall.ServiceName `yaml:"name"`
	Owner string              `yaml:"owner"`
	Tier  string              `yaml:"tier"`
}

// Target is the controller that weights are changed through; without URL
// nothing can be changed.
type Target struct {
	URL       string                `yaml:"url"`
	TokenFile string                `yaml:"token_file"`
	Services  []pitwall.ServiceName `yaml:"services"` // the only ones that may be changed
}

// Enforce is where locks are left behind; without Repository nothing is.
type Enforce struct {
	Repository   string `yaml:"repository"` // a git work tree
	BranchPrefix string `yaml:"branch_prefix"`
	FastForward  bool   `yaml:"fast_forward"` // move the main branch along, instead of leaving a branch to review
	RunbookURL   string `yaml:"runbook_url"`
}

// Engine are the times and limits of the loop. TimeScale does not touch them.
type Engine struct {
	Tick          time.Duration `yaml:"tick"`           // how often everything is looked at
	Settle        time.Duration `yaml:"settle"`         // how late telemetry may be
	Baseline      time.Duration `yaml:"baseline"`       // length of the picture of normal
	OnsetLookback time.Duration `yaml:"onset_lookback"` // how far back a beginning is searched
	DiagnoseMin   time.Duration `yaml:"diagnose_min"`   // shortest regressed period that is diagnosed; a cause that no change explains wants twice that
	DiagnoseMax   time.Duration `yaml:"diagnose_max"`   // then a person is asked
	Canary        Canary        `yaml:"canary"`
	Watch         time.Duration `yaml:"watch"` // after promotion
	Verify        Verify        `yaml:"verify"`
	Deadline      time.Duration `yaml:"deadline"`  // of a plan
	LeaseTTL      time.Duration `yaml:"lease_ttl"` // of the right to change a service
	Retry         time.Duration `yaml:"retry"`     // between two tries of an effect
	MaxTries      int           `yaml:"max_tries"` // of one effect, then the plan is held
}

// Canary is how a change is judged on a part of the traffic.
type Canary struct {
	StepMax     time.Duration `yaml:"step_max"`
	MinRequests int           `yaml:"min_requests"` // on the treatment
	Alpha       float64       `yaml:"alpha"`        // bound on false rollbacks of one release
	Margin      pitwall.Ratio `yaml:"margin"`       // worse by less is not worse
}

// Verify is the before/after proof.
type Verify struct {
	MinRequests int64         `yaml:"min_requests"` // on each side
	Max         time.Duration `yaml:"max"`
}

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		Listen:  Listen{HTTP: "127.0.0.1:8080", OTLPHTTP: "127.0.0.1:4318", OTLPGRPC: "127.0.0.1:4317"},
		DataDir: "pitwall-data", TimeScale: 1, LedgerStep: time.Minute, Environment: "production", Owner: "unowned",
		Alerting:  Alerting{Preset: "pitwall-default", Confirm: 1, Backfill: 30 * 24 * time.Hour},
		Detection: Detection{Operations: 500, MinEffect: 0.1, Timezone: "UTC"},
		Ingest:    Ingest{MaxBody: 16 * MiB, MaxInFlight: 32, MaxInFlightBytes: 64 * MiB},
		Traces:    Traces{Retention: 24 * time.Hour, Disk: 10 * GiB, Blocks: true, Sample: 1, HeadSpans: 100_000, RollupRetention: 15 * 24 * time.Hour},
		Metrics:   Metrics{Retention: 15 * 24 * time.Hour, Disk: 10 * GiB, OutOfOrder: 10 * time.Minute},
		Logs:      Logs{Retention: 3 * 24 * time.Hour, Disk: 2 * GiB},
		Profiles:  Profiles{Window: 10 * time.Second, Types: []pitwall.ProfileType{pitwall.ProfileCPU, pitwall.ProfileAlloc, pitwall.ProfileHeap, pitwall.ProfileGoroutine, pitwall.ProfileMutex, pitwall.ProfileBlock}, Retention: 7 * 24 * time.Hour, Disk: 2 * GiB},
		Storage:   Storage{Currency: "USD"},
		Sources: Sources{
			Prometheus: Remote{Timeout: 30 * time.Second}, Tempo: Remote{Timeout: 30 * time.Second},
			Jaeger: Remote{Timeout: 30 * time.Second}, Pyroscope: Remote{Timeout: 30 * time.Second},
		},
		Enforce: Enforce{BranchPrefix: "pitwall/"},
		Engine: Engine{
			Tick: 10 * time.Second, Settle: 30 * time.Second, Baseline: time.Hour, OnsetLookback: 2 * time.Hour,
			DiagnoseMin: 2 * time.Minute, DiagnoseMax: 30 * time.Minute,
			Canary: Canary{StepMax: 30 * time.Minute, MinRequests: 50, Alpha: 0.01, Margin: 0.1},
			Watch:  10 * time.Minute, Verify: Verify{MinRequests: 6000, Max: time.Hour},
			Deadline: 24 * time.Hour, LeaseTTL: time.Minute, Retry: 30 * time.Second, MaxTries: 5,
		},
	}
}

// OwnerOf is who answers for a service.
func (c Config) OwnerOf(name pitwall.ServiceName) string {
	for _, s := range c.Services {
		if s.Name == name && s.Owner != "" {
			return s.Owner
		}
	}
	return c.Owner
}

// SLOFiles expands the globs of SLOs. A pattern that matches nothing is an
// error: an objective that silently is not there never burns.
func (c Config) SLOFiles() ([]string, error) { return c.files("slos", c.SLOs) }

// JourneyFiles expands the globs of Synthetics in the same way.
func (c Config) JourneyFiles() ([]string, error) { return c.files("synthetics", c.Synthetics) }

func (c Config) files(key string, patterns []string) ([]string, error) {
	var files []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("no file matches")
		}
		if err != nil {
			return nil, &pitwall.Error{Op: "finding files", Kind: pitwall.NotFound, ID: pattern, Err: err, Hint: fmt.Sprintf("see %s (%s)", key, c.Origins[key])}
		}
		files = append(files, found...)
	}
	return files, nil
}

// ReadSecret reads the secret in a file, without the white space around it.
func ReadSecret(path string) (string, error) {
	data, err := os.ReadFile(path)
	secret := strings.TrimSpace(string(data))
	if err == nil && secret == "" {
		err = fmt.Errorf("the file is empty")
	}
	if err != nil {
		return "", &pitwall.Error{Op: "reading secret file", Kind: pitwall.Invalid, ID: path, Err: err}
	}
	return secret, nil
}
