package diagnose

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// Question is what is to be explained.
type Question struct {
	Regression pitwall.Regression
	SLO        pitwall.SLO
	Baseline   pitwall.Period // known to be good: ends before the onset
	Window     pitwall.Period // known to be bad: from the onset until now
	Alarm      Alarm          // what told of it; zero: nothing but the regression
}

// Alarm is what another system said when it called: words and numbers as they
// came, for a reader and for matching names.
type Alarm struct {
	At                                         time.Time
	Metric, Monitor, Severity, Summary, Detail string
	Threshold, Observed                        float64
}

// headline is the operation whose latency or errors are to be explained.
func (q Question) headline() fold.Operation {
	if q.Regression.Service != "" {
		return fold.Operation{Service: q.Regression.Service, Name: q.Regression.Operation}
	}
	return fold.Operation{Service: q.SLO.SLI.Service, Name: q.SLO.SLI.Operation}
}

// wrong says why the question cannot be asked, or "".
func (q Question) wrong() string {
	switch {
	case q.headline().Service == "":
		return "the question names no service"
	case q.Baseline.Duration() <= 0:
		return "the baseline period is empty: it must end before the onset"
	case q.Window.Duration() <= 0:
		return "the window to explain is empty: it must begin at the onset and reach until now"
	}
	return ""
}

// QueryKind says what sort of data a query asks for.
type QueryKind string

// The kinds of query.
const (
	AskSpans     QueryKind = "spans" // whole traces that contain a span of Service and Operation
	AskProfiles  QueryKind = "profiles"
	AskMetrics   QueryKind = "metrics"
	AskPageLoads QueryKind = "page-loads"
	AskChanges   QueryKind = "changes"
	AskMeasured  QueryKind = "measured" // every typed series of every component there is
	AskTopology  QueryKind = "topology"
	AskLogs      QueryKind = "logs"   // patterns of log lines, window against baseline
	AskStatus    QueryKind = "status" // what providers say of themselves
)

// Query is one thing the diagnosis wants to know. Which fields count depends on
// Kind; the rest are zero.
type Query struct {
	ID        string
	Kind      QueryKind
	Period    pitwall.Period
	Against   pitwall.Period      // logs: the baseline
	Service   pitwall.ServiceName // spans, profiles
	Operation string              // spans
	Type      pitwall.ProfileType // profiles
	PromQL    string              // metrics
	Step      time.Duration       // metrics: resolution
}

// Words says what is asked for, for people who wait.
func (q Query) Words() string {
	what := strings.ReplaceAll(string(q.Kind), "-", " ")
	if q.Service != "" && q.Kind != AskMetrics {
		what += " of " + string(q.Service)
	}
	return fmt.Sprintf("%s from %s to %s", what, clock(q.Period.From), clock(q.Period.To))
}

// Answer is what came back for the query of that ID. Missing says why nothing
// could be had; the checks that need it are then skipped for that reason.
type Answer struct {
	Query     string
	Spans     *pitwall.SpanBatch
	Profiles  []pitwall.ProfileWindow
	Series    []pitwall.Series
	PageLoads []pitwall.PageLoad
	Changes   []pitwall.Change
	Measured  []pitwall.Measured // over the whole of baseline and window
	Topology  pitwall.Topology
	Logs      []pitwall.LogMove
	Status    []pitwall.StatusNotice
	Missing   string
}

// The IDs of the queries that every diagnosis asks; those with two sides get
// the suffix of the side.
const (
	idSpans    = "spans"
	idLoads    = "page-loads"
	idChanges  = "changes"
	idRate     = "metric-rate"
	idErrors   = "metric-errors"
	idAlloc    = "metric-allocation"
	idMeasured = "measured"
	idTopology = "topology"
	idLogs     = "logs"
	idStatus   = "status"

	baselineSide = "-baseline"
	windowSide   = "-window"
)

// firstQueries is what is asked before anything is known.
func firstQueries(q Question) []Query {
	h := q.headline()
	whole := pitwall.Period{From: q.Baseline.From, To: q.Window.To}
	list := []Query{
		{ID: idChanges, Kind: AskChanges, Period: whole},
		{ID: idMeasured, Kind: AskMeasured, Period: whole},
		{ID: idTopology, Kind: AskTopology, Period: whole},
		{ID: idLogs, Kind: AskLogs, Period: q.Window, Against: q.Baseline},
		{ID: idStatus, Kind: AskStatus, Period: whole},
	}
	for _, side := range sides(q) {
		list = append(list,
			Query{ID: idSpans + side.suffix, Kind: AskSpans, Period: side.period, Service: h.Service, Operation: h.Name},
			Query{ID: idLoads + side.suffix, Kind: AskPageLoads, Period: side.period})
		for _, id := range []string{idRate, idErrors, idAlloc} {
			list = append(list, Query{
				ID: id + side.suffix, Kind: AskMetrics, Period: side.period,
				PromQL: promQL(id, h.Service), Step: metricStep(side.period),
			})
		}
	}
	return list
}

type sided struct {
	suffix string
	period pitwall.Period
}

func sides(q Question) []sided {
	return []sided{{baselineSide, q.Baseline}, {windowSide, q.Window}}
}

// promQL is the query behind one metric. Ten seconds is the shortest range that
// still holds two samples of a service that exports every five.
func promQL(id string, s pitwall.ServiceName) string {
	requests := `http_server_request_duration_seconds_count{service_name=` + strconv.Quote(string(s))
	switch id {
	case idRate:
		return `sum(rate(` + requests + `}[10s]))`
	case idErrors:
		return `(sum(rate(` + requests + `,http_response_status_code=~"5.."}[10s])) or vector(0)) / sum(rate(` + requests + `}[10s]))`
	default:
		return `sum(rate(go_memory_allocated_bytes_total{service_name=` + strconv.Quote(string(s)) + `}[10s])) / sum(rate(` + requests + `}[10s]))`
	}
}

// metricStep gives some twenty points a side, no finer than two seconds.
func metricStep(p pitwall.Period) time.Duration {
	return max(2*time.Second, (p.Duration() / 20).Round(time.Second))
}

func profileID(s pitwall.ServiceName, t pitwall.ProfileType, suffix string) string {
	return "profile-" + string(t) + "-" + string(s) + suffix
}
