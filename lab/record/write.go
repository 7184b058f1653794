package record

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// The forms a case comes in. The small one is for the set that is committed:
// about 250 kB each.
const (
	every      = 5 * time.Second
	everySmall = 10 * time.Second
	mostSpans  = 12_000 // about 1.2 MB packed
	spansSmall = 500
	mostLogs   = 20_000
	logsSmall  = 600
)

// taken is everything a run left behind.
type taken struct {
	opt             Options
	tape            *tape
	loaded, stopped time.Time
	shots           []shot
	lab             labTruth
	events          []Event
	labCPU          time.Duration
}

// caseFile is case.json.
type caseFile struct {
	Schema   string       `json:"schema"`
	ID       string       `json:"id"`
	Question caseQuestion `json:"question"`
	Baseline casePeriod   `json:"baseline"`
	Window   casePeriod   `json:"window"`
	Sampling float64      `json:"sampling"`
	Warnings []string     `json:"warnings,omitempty"`
}

type caseQuestion struct {
	question
	AlertAt time.Time  `json:"alert_at"`
	Alert   *caseAlert `json:"alert,omitempty"`
}

type caseAlert struct {
	Metric    string  `json:"metric"`
	Threshold float64 `json:"threshold"`
	Observed  float64 `json:"observed"`
	Severity  string  `json:"severity"`
	Summary   string  `json:"summary"`
}

type casePeriod struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func (p period) file() casePeriod { return casePeriod{p.from.UTC(), p.to.UTC()} }

// write makes the case folder.
func (tk *taken) write(dir string) (Report, error) {
	rep := Report{
		ID: tk.opt.ID, Story: tk.opt.Story, At: tk.opt.At, Seed: tk.opt.Seed, RPS: tk.opt.RPS, Pace: tk.opt.Pace, Small: tk.opt.Small,
		Started: tk.loaded, Class: tk.lab.Class, Service: tk.lab.Service, Injected: tk.lab.Injected, External: tk.lab.External,
		Beacons: tk.tape.beacons, LabCPU: tk.labCPU.Seconds(), Events: tk.events, InjectedAt: tk.lab.At, OnsetAt: tk.lab.OnsetAt,
	}
	if err := os.MkdirAll(filepath.Join(dir, "profiles"), 0o755); err != nil {
		return rep, err
	}
	all := flatten(tk.tape.traces)
	run := period{tk.loaded.Add(tk.opt.Warm).Truncate(step).Add(step), tk.stopped.Add(-leftOut).Truncate(step)}
	asks := tk.lab.Question.orFlagship()
	rs := asked(all, asks.Service, asks.Operation)
	if len(rs) == 0 {
		return rep, fmt.Errorf("no span of %s %s arrived in %d spans", asks.Service, asks.Operation, len(all))
	}
	a := watch(ticks(rs, run))
	ps := split(run, a)
	rep.Spans, rep.Effect = len(all), effect(rs, ps, a)
	if a.fired {
		rep.SeenAt = &a.onset
	}
	list, ids := named(tk.tape.changes)
	known, err := answer(tk.lab, list, ids, tk.note())
	if err != nil {
		return rep, err
	}
	rep.Changes = len(list)
	w := writing{tk: tk, dir: dir, rep: &rep, all: all, run: run, traces: whole(all, run, tk.stopped.UnixNano())}
	if n := orphans(all, w.traces); n > 0 {
		tk.tape.lose(fmt.Sprintf("%d of %d spans have a parent that never arrived", n, len(all)))
	}
	for _, part := range []func() error{
		w.spans, w.logs, func() error { return w.metrics(asks) }, func() error { return w.profiles(ps) },
		func() error { return writeJSON(filepath.Join(dir, "changes.json"), list) },
		func() error { return writeJSON(filepath.Join(dir, "truth.json"), known) },
	} {
		if err := part(); err != nil {
			return rep, err
		}
	}
	rep.Warnings = tk.tape.warnings()
	if err := writeJSON(filepath.Join(dir, "case.json"), tk.caseFile(asks, ps, a, rep)); err != nil {
		return rep, err
	}
	rep.Bytes, err = size(dir)
	return rep, err
}

func (tk *taken) note() string {
	where := ""
	if tk.lab.Service != "" {
		where = " at " + tk.lab.Service
	}
	return fmt.Sprintf("story %s%s, seed %d, %g checkouts per second, pace %g", tk.opt.Story, where, tk.opt.Seed, tk.opt.RPS, tk.opt.Pace)
}

func (tk *taken) caseFile(asks question, ps periods, a alarm, rep Report) caseFile {
	c := caseFile{
		Schema: "pitwall.case/1", ID: tk.opt.ID, Question: caseQuestion{question: asks, AlertAt: a.at.UTC()},
		Baseline: ps.baseline.file(), Window: ps.window.file(), Sampling: rep.Sampling, Warnings: rep.Warnings,
	}
	if !a.fired {
		c.Question.AlertAt = ps.window.to.UTC()
		return c
	}
	c.Question.SLI = a.sli
	metric := "sli_latency_seconds"
	if a.sli == "errors" {
		metric = "errors"
	}
	c.Question.Alert = &caseAlert{metric, round(a.threshold), round(a.observed), "critical", a.words(asks.Service, asks.Operation)}
	return c
}

// round keeps four digits: an alert shows no more.
func round(v float64) float64 {
	var out float64
	_, _ = fmt.Sscanf(fmt.Sprintf("%.4g", v), "%g", &out)
	return out
}

// writing is one case folder while it is written.
type writing struct {
	tk     *taken
	dir    string
	rep    *Report
	all    []span
	run    period
	traces map[pcommon.TraceID]bool // whole ones
}

// spans writes topology.json from all spans, and spans.jsonl.gz with the chosen
// traces. The probability is lowered where the traces would not fit.
func (w writing) spans() error {
	var kept []span
	for _, s := range w.all {
		if w.traces[s.trace] {
			kept = append(kept, s)
		}
	}
	most := mostSpans
	if w.tk.opt.Small {
		most = spansSmall
	}
	p := min(w.tk.opt.Sample, float64(most)/float64(max(1, len(kept))))
	p = max(p, 1./1024)
	keep := map[pcommon.TraceID]bool{}
	for _, s := range kept {
		if chosen(s.trace, p) {
			keep[s.trace] = true
			w.rep.Kept++
		}
	}
	w.rep.Sampling = round(p)
	return packed(filepath.Join(w.dir, "spans.jsonl.gz"), func(out io.Writer) error {
		return eachLine(out, sampled(w.tk.tape.traces, func(id pcommon.TraceID) bool { return keep[id] }), (&ptrace.JSONMarshaler{}).MarshalTraces)
	})
}

// logs writes the records of the period; none is no file.
func (w writing) logs() error {
	most := mostLogs
	if w.tk.opt.Small {
		most = logsSmall
	}
	lines, n, left := logsOf(w.tk.tape.logs, w.run, most)
	if left > 0 {
		w.tk.tape.lose(fmt.Sprintf("%d of %d log records are left out, evenly", left, left+n))
	}
	w.rep.Logs = n
	if n == 0 {
		return nil
	}
	return packed(filepath.Join(w.dir, "logs.jsonl.gz"), func(out io.Writer) error {
		return eachLine(out, lines, (&plog.JSONMarshaler{}).MarshalLogs)
	})
}

// metrics writes metrics.csv.gz and topology.json, which names the hosts that
// only metrics know.
func (w writing) metrics(asks question) error {
	g := grid{w.run, every}
	if w.tk.opt.Small {
		g.every = everySmall
	}
	g.from, g.to = g.from.Truncate(g.every), g.to.Truncate(g.every)
	list, skipped := meters(w.tk.tape.metrics)
	if skipped > 0 {
		w.tk.tape.lose(fmt.Sprintf("%d metrics of a form that is not read", skipped))
	}
	rows := append(servedRows(w.all, g), sliRows(w.all, asks, g)...)
	rows = append(rows, meterRows(list, g)...)
	w.rep.Rows = len(rows)
	var hosts []string
	for _, m := range list {
		hosts = append(hosts, m.service)
	}
	if err := writeJSON(filepath.Join(w.dir, "topology.json"), drawn(w.all, hosts)); err != nil {
		return err
	}
	return packed(filepath.Join(w.dir, "metrics.csv.gz"), func(out io.Writer) error { return writeRows(out, rows) })
}

// packed writes a gzipped file.
func packed(path string, write func(io.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := write(z); err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", filepath.Base(path), err), z.Close())
	}
	return z.Close()
}

// eachLine writes one line of JSON for each element.
func eachLine[T any](out io.Writer, list []T, marshal func(T) ([]byte, error)) error {
	for _, x := range list {
		line, err := marshal(x)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", filepath.Base(path), err)
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}

// size is what a folder's files hold, in bytes.
func size(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}
