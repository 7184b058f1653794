package engine

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/monitor"
	"github.com/pitwall/pitwall/internal/policy"
	"github.com/pitwall/pitwall/internal/record"
	"github.com/pitwall/pitwall/internal/route"
	"github.com/pitwall/pitwall/internal/slo"
)

// Config is everything an Engine works with; cli fills it.
type Config struct {
	SLOs     []pitwall.SLO
	Ledger   *slo.Ledger
	Policy   *policy.Policy
	Books    []pitwall.Playbook
	Recorder *record.Recorder

	Spans      pitwall.SpanReader
	Metrics    pitwall.MetricReader // nil: no metrics store
	Profiles   pitwall.ProfileReader
	Changes    pitwall.ChangeLog
	PageLoads  pitwall.PageLoads
	Ledgers    pitwall.LedgerStore
	Leases     pitwall.Leases
	Target     pitwall.Target     // nil: nothing may be changed
	Repository pitwall.Repository // nil: nothing can be enforced
	Health     []pitwall.Health
	KPIs       []pitwall.KPI

	// What only Telemetry reads; each may be nil.
	Operations  pitwall.OperationReader // nil: totals are those of a sample
	Logs        pitwall.LogReader       // a diagnosis reads it, too
	Measured    pitwall.MeasuredReader  // typed numbers for a diagnosis; nil: it has none
	Controls    []pitwall.ServiceName   // that Target may change; nil: asked of those with objectives
	Volumes     func(context.Context) []pitwall.SignalVolume
	Cardinality func(context.Context) (*pitwall.Cardinality, error)

	// Problem says why an objective cannot be counted; empty: it can. Nil: all can.
	Problem func(pitwall.SLOName) string
	Routes  *route.Routes    // who hears of what; nil: nobody
	Alerts  pitwall.AlertLog // where what fired is kept beside what others said; nil: nowhere
	Outbox  route.Outbox     // nil: nothing is told, and nothing remembered of what fires
	Words   Words
	// Unwritten is called with pages that could not be written down, as on a full
	// disk: somebody must be woken all the same. May be nil.
	Unwritten func([]pitwall.Delivery)
	Told      func() // called when deliveries were written down; may be nil

	Monitor *monitor.Monitor // follows every operation; nil: none is
	Memory  pitwall.Memory   // keeps what it learnt; nil: it learns anew at each start

	Settings    Settings
	Environment string // a fact for policy
	Owner       func(pitwall.ServiceName) string
	Instance    string // names this process in leases
	Now         func() time.Time
	Rand        *rand.Rand
	Log         *slog.Logger
}

// Settings are the times and limits of the loop. All must be positive.
type Settings struct {
	Tick          time.Duration // how often everything is looked at
	Settle        time.Duration // how late telemetry may be; younger data is not judged
	Baseline      time.Duration // length of the frozen picture of normal
	OnsetLookback time.Duration // how far back a beginning is searched
	DiagnoseMin   time.Duration // shortest regressed period that is diagnosed
	DiagnoseMax   time.Duration // after this without a cause a person is asked
	StepMax       time.Duration // longest time of one canary step
	Watch         time.Duration // after promotion, before verification
	VerifyMin     int64         // requests wanted on each side of the proof
	VerifyMax     time.Duration // longest time of the verification
	Deadline      time.Duration // default deadline of a plan
	LeaseTTL      time.Duration
	Retry         time.Duration // between two tries of a failed effect
	MaxTries      int           // tries of one effect before the plan is held
	MinRequests   int           // requests on the treatment before a canary may pass
	Alpha         float64       // bound on the false-rollback rate of one release
	Margin        pitwall.Ratio // worse by less is not worse
	Confirm       int           // looks in a row in which a condition holds before its tier fires; 0: 1
	PublicURL     string
	// FindingsOpen says whether what is found in a service, though no objective
	// burns, opens a plan. Nil: never.
	FindingsOpen func(pitwall.ServiceName) bool
}

// check refuses settings with which the loop would wait for ever, or not at all.
func (s Settings) check() error {
	for _, d := range []struct {
		key   string
		value time.Duration
	}{
		{"tick", s.Tick}, {"settle", s.Settle}, {"baseline", s.Baseline}, {"onset_lookback", s.OnsetLookback},
		{"diagnose_min", s.DiagnoseMin}, {"diagnose_max", s.DiagnoseMax}, {"canary.step_max", s.StepMax}, {"watch", s.Watch},
		{"verify.min_requests", time.Duration(s.VerifyMin)}, {"verify.max", s.VerifyMax}, {"deadline", s.Deadline},
		{"lease_ttl", s.LeaseTTL}, {"retry", s.Retry}, {"max_tries", time.Duration(s.MaxTries)},
	} {
		if d.value <= 0 {
			return &pitwall.Error{Op: "starting engine", Kind: pitwall.Invalid, ID: "engine." + d.key,
				Err: errors.New("it must be positive"), Hint: "set engine." + d.key + " in pitwall.yaml"}
		}
	}
	return nil
}
