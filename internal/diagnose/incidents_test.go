package diagnose

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// incident is an invented incident in words and numbers: what was measured every
// minute, what was written, what was changed, and what is the right answer. The
// files are in testdata/incidents; testdata/INCIDENTS.md explains the form.
type incident struct {
	name   string
	q      Question
	a      Answer
	want   truth
	decoys []string
}

// truth is the right answer; alternatives are as right.
type truth struct {
	services, classes []string
	change            []string // empty: no change is to blame
	none              bool     // nothing happened, or it came from outside
}

var incidentStart = time.Date(2026, 4, 14, 10, 0, 0, 0, time.UTC)

const (
	incidentBaseline = 30 // minutes
	incidentMinutes  = 120
)

func minute(s string) time.Time {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return incidentStart.Add(time.Duration(f * float64(time.Minute)))
}

func readIncident(t testing.TB, file string, seed uint64) incident {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := incident{name: strings.TrimSuffix(filepath.Base(file), ".txt")}
	in.q.Baseline = pitwall.Period{From: incidentStart, To: incidentStart.Add(incidentBaseline * time.Minute)}
	in.q.Window = pitwall.Period{From: in.q.Baseline.To, To: incidentStart.Add(incidentMinutes * time.Minute)}
	rng := rand.New(rand.NewPCG(seed, 7))
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		if line := scan.Text(); line != "" {
			in.line(t, line, rng)
		}
	}
	return in
}

func (in *incident) line(t testing.TB, line string, rng *rand.Rand) {
	t.Helper()
	if line[0] == '+' || line[0] == '-' || line[0] == ' ' {
		c := &in.a.Changes[len(in.a.Changes)-1]
		c.Diff += line + "\n"
		return
	}
	w := strings.Fields(line)
	rest := func(n int) string { return strings.Join(w[n:], " ") }
	switch w[0] {
	case "title":
	case "question":
		in.q.Regression.Service, in.q.Regression.Signal = pitwall.ServiceName(w[1]), pitwall.Signal(w[2])
	case "alert":
		in.q.Alarm.At = minute(w[1])
		in.q.Window.To = in.q.Alarm.At.Add(6 * time.Minute)
		in.q.Alarm.Monitor, in.q.Alarm.Summary, _ = strings.Cut(rest(2), " | ")
	case "call":
		in.a.Topology.Calls = append(in.a.Topology.Calls, pitwall.Call{From: pitwall.ServiceName(w[1]), To: pitwall.ServiceName(w[2])})
	case "kind":
		in.a.Topology.Services = append(in.a.Topology.Services, pitwall.Component{Name: pitwall.ServiceName(w[1]), Kind: pitwall.ComponentKind(w[2])})
	case "series":
		in.a.Measured = append(in.a.Measured, series(t, w[1:], in.q.Window.To, rng))
	case "log":
		before, _ := strconv.ParseFloat(w[3], 64)
		after, _ := strconv.ParseFloat(w[4], 64)
		in.a.Logs = append(in.a.Logs, pitwall.LogMove{Service: pitwall.ServiceName(w[1]), Bad: w[2] == "bad", Before: before, After: after, Template: rest(5)})
	case "status":
		p := strings.SplitN(rest(2), " | ", 3)
		who, state, _ := strings.Cut(p[0], " ")
		in.a.Status = append(in.a.Status, pitwall.StatusNotice{At: minute(w[1]), Provider: who, State: state, Title: p[1], Text: p[2]})
	case "change":
		c := pitwall.Change{At: minute(w[1]), Kind: pitwall.ChangeKind(w[2]), ID: pitwall.ChangeID(w[4]), Summary: rest(5), SeenBy: pitwall.SeenByWebhook}
		if w[3] != "-" {
			c.Service = pitwall.ServiceName(w[3])
		}
		in.a.Changes = append(in.a.Changes, c)
	case "file":
		c := &in.a.Changes[len(in.a.Changes)-1]
		c.Files = append(c.Files, w[1])
		c.Diff += "@@ " + w[1] + " @@\n"
	case "want":
		in.want = truth{services: strings.Split(w[1], ","), classes: strings.Split(w[2], ",")}
		if w[3] == "none" {
			in.want.none = true
		} else {
			in.want.change = strings.Split(w[3], ",")
		}
	case "decoys":
		in.decoys = w[1:]
	default:
		t.Fatalf("%s: what is %q?", in.name, line)
	}
}

// series draws one series: "cart latency_seconds p99 0.045 step 57 0.41". Noise
// is six per cent.
func series(t testing.TB, w []string, to time.Time, rng *rand.Rand) pitwall.Measured {
	t.Helper()
	m := pitwall.Measured{Service: pitwall.ServiceName(w[0]), Metric: w[1], Stat: w[2]}
	num := func(i int) float64 {
		v, err := strconv.ParseFloat(w[i], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	before := num(3)
	end := int(to.Sub(incidentStart).Minutes())
	for i := range end {
		v, noise := before, 0.06
		switch w[4] {
		case "const":
			noise = 0
		case "step":
			if float64(i) >= num(5) {
				v = num(6)
			}
		case "ramp":
			if from := num(5); float64(i) >= from {
				v += (num(6) - before) * min(1, (float64(i)-from)/(float64(end)-from))
			}
			noise = 0.02
		case "falls": // in a straight line, without noise
			v, noise = before+(num(6)-before)*float64(i)/float64(end), 0
		}
		m.T = append(m.T, incidentStart.Add(time.Duration(i)*time.Minute).UnixMilli())
		m.V = append(m.V, v*(1+noise*rng.NormFloat64()))
	}
	return m
}

// ask runs the stage as an engine would.
func (in *incident) ask() pitwall.Diagnosis {
	s := New(in.q)
	for !s.Done() {
		var answers []Answer
		for _, q := range s.Needs() {
			a := Answer{Query: q.ID}
			switch q.Kind {
			case AskChanges:
				for _, c := range in.a.Changes {
					if q.Period.Contains(c.At) {
						a.Changes = append(a.Changes, c)
					}
				}
			case AskMeasured:
				a.Measured = in.a.Measured
			case AskTopology:
				a.Topology = in.a.Topology
			case AskLogs:
				a.Logs = in.a.Logs
			case AskStatus:
				a.Status = in.a.Status
			default:
				a.Missing = "not recorded"
			}
			answers = append(answers, a)
		}
		s.Step(answers)
	}
	return s.Diagnosis()
}

// judgedIncident is how one answer did.
type judgedIncident struct{ service, class, change, decoy bool }

func (in *incident) judge(d pitwall.Diagnosis) (j judgedIncident, said string) {
	var blamed string
	for _, h := range d.Hypotheses {
		if h.Change != nil && blamed == "" {
			blamed = string(h.Change.ID)
		}
	}
	said = string(d.Verdict)
	if len(d.Hypotheses) > 0 {
		h := d.Hypotheses[0]
		said = fmt.Sprintf("%s %s %s", h.Service, h.Class, blamed)
		j.service = slices.Contains(in.want.services, string(h.Service))
		j.class = slices.Contains(in.want.classes, string(h.Class))
	} else {
		j.service = slices.Contains(in.want.services, "-")
		j.class = d.Verdict == pitwall.DiagnosisNone && slices.Contains(in.want.classes, "none")
	}
	j.change = slices.Contains(in.want.change, blamed) || in.want.none && blamed == ""
	j.decoy = slices.Contains(in.decoys, blamed)
	return j, said
}

// addNoise merges commits that did nothing, at any time, as every repository has.
func (in *incident) addNoise(t testing.TB, seed uint64) {
	t.Helper()
	var other incident
	raw, err := os.ReadFile("testdata/noise.txt")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 11))
	for line := range strings.Lines(string(raw)) {
		other.line(t, strings.TrimSuffix(line, "\n"), rng)
	}
	for _, c := range other.a.Changes {
		c.At = incidentStart.Add(time.Duration(rng.IntN(incidentMinutes*60)) * time.Second)
		in.a.Changes = append(in.a.Changes, c)
		in.decoys = append(in.decoys, string(c.ID))
	}
}

// incidentsRight counts answers that are right.
type incidentsRight struct{ n, service, class, change, decoys int }

func TestInventedIncidents(t *testing.T) {
	files, err := filepath.Glob("testdata/incidents/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no incidents: %v", err)
	}
	var bare, noisy incidentsRight
	for _, file := range files {
		for seed := uint64(1); seed <= 2; seed++ {
			in := readIncident(t, file, seed)
			if seed == 1 {
				bare.add(t, &in, seed)
			}
			in.addNoise(t, seed)
			noisy.add(t, &in, seed)
		}
	}
	t.Logf("bare:  %+v", bare)
	t.Logf("noisy: %+v", noisy)
	for _, r := range []incidentsRight{bare, noisy} {
		if limit := r.n - r.n/30; min(r.service, r.class, r.change) < limit || r.decoys > r.n/60 {
			t.Errorf("of %d answers too many are wrong: %+v", r.n, r)
		}
	}
}

func (r *incidentsRight) add(t *testing.T, in *incident, seed uint64) {
	j, said := in.judge(in.ask())
	r.n++
	r.service, r.class, r.change, r.decoys = r.service+one(j.service), r.class+one(j.class), r.change+one(j.change), r.decoys+one(j.decoy)
	if !j.service || !j.class || !j.change {
		t.Logf("%-22s seed %d, %2d changes: said %-40s want %v %v %v", in.name, seed, len(in.a.Changes), said, in.want.services, in.want.classes, in.want.change)
	}
}
