package engine

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose"
	"github.com/pitwall/pitwall/internal/mask"
)

// telling is a source that knows secrets in every place.
type telling struct{ changes []pitwall.Change }

func (s telling) Changes(context.Context, pitwall.Period) ([]pitwall.Change, error) {
	return s.changes, nil
}

func (telling) LogMoves(context.Context, pitwall.Period, pitwall.Period) ([]pitwall.LogMove, error) {
	return []pitwall.LogMove{{Service: "cart", Template: "login failed password=hunter2", Example: "login failed password=hunter2", After: 900, Bad: true}}, nil
}

func (telling) Status(context.Context, pitwall.Period) ([]pitwall.StatusNotice, error) {
	return nil, errors.New("asking https://u:hunter2@status.example.com: refused")
}

func anHour(t time.Time) diagnose.Question {
	return diagnose.Question{Regression: pitwall.Regression{Service: "cart", Signal: pitwall.SignalAny},
		Baseline: pitwall.Period{From: t, To: t.Add(time.Hour)}, Window: pitwall.Period{From: t.Add(time.Hour), To: t.Add(2 * time.Hour)}}
}

// TestNoSecretInADiagnosis: what goes into the record holds none, and what the
// stores hold is not touched.
func TestNoSecretInADiagnosis(t *testing.T) {
	at := time.Date(2026, 6, 20, 10, 0, 0, 0, time.UTC)
	from := telling{[]pitwall.Change{{ID: "c1", At: at.Add(59 * time.Minute), Kind: pitwall.ChangeConfig, Service: "cart", Summary: "rotate: password=hunter2",
		Diff: "+password: hunter2", DiffHints: []string{"DB_URL=redis://:hunter2@cache"}, Config: map[string]string{"db.password": "hunter2", "url": "http://a:hunter2@b", "pool": "5"},
		Flags: map[string]string{"apiKey": "hunter2"}}}}
	q := anHour(at)
	q.Alarm.Summary = "cart: token=hunter2 refused"
	d, err := Sources{Changes: from, Logs: from, Status: from}.Diagnose(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "hunter2") || !strings.Contains(string(raw), "c1") {
		t.Errorf("the diagnosis tells a secret, or does not know the change:\n%s", raw)
	}
	if from.changes[0].Config["db.password"] != "hunter2" || from.changes[0].Diff == "" {
		t.Errorf("the store's own change was altered: %+v", from.changes[0])
	}
	list := []pitwall.AttributeContrast{{Key: "http.request.header.authorization", Values: []pitwall.ContrastValue{{Value: "hunter2"}, {Value: ""}}},
		{Key: "tenant", Values: []pitwall.ContrastValue{{Value: "acme"}}}}
	maskContrasts(list)
	if d := cmp.Diff([]string{mask.Masked, "", "acme"}, []string{list[0].Values[0].Value, list[0].Values[1].Value, list[1].Values[0].Value}); d != "" {
		t.Error(d)
	}
}

// TestNoSecretInTheRecord: a plan whose cause was announced with secrets is fixed,
// undoes what it should, and leaves no secret in what is kept or shown.
func TestNoSecretInTheRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deploys = []deployment{{broken, func(w *world) {
		w.target.deploy("v41")
		w.announced(pitwall.Change{ID: "deploy-41", At: w.now, Kind: pitwall.ChangeDeploy, Service: "inventory", Version: "v41", PreviousVersion: "v40",
			Summary: "items carry full SKU details; password=hunter2", Diff: "+db_password: hunter2\n+full: true", DiffHints: []string{"token: hunter2hunter2"},
			Config: map[string]string{"db.password": "hunter2"}, Flags: map[string]string{"apiKey": "hunter2"}, Link: "https://ci:hunter2@ci.example/41", SeenBy: pitwall.SeenByWebhook})
	}}}
	w.start()
	w.until(pitwall.Proposed, pitwall.Approved, pitwall.Canarying)
	alarms := w.life.engine.Alarms()
	p := w.until(pitwall.Closed)
	if p.Closed.RootCause == nil || p.Closed.RootCause.Change != "deploy-41" {
		t.Fatalf("the cause is %+v", p.Closed.RootCause)
	}
	w.effects(10, 50, 100)
	shown, err := json.Marshal([]any{p, alarms, w.life.engine.Live(p.ID)})
	if err != nil || strings.Contains(string(shown), "hunter2") || !strings.Contains(string(shown), mask.Masked) {
		t.Errorf("what is shown tells a secret, or has not even what was masked, %v", err)
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "hunter2") {
			t.Errorf("%s tells a secret", filepath.Base(name))
		}
	}
}

// hanging answers nothing until nobody waits any more; bursting panics.
type hanging struct{ asked int }

func (h *hanging) Measured(ctx context.Context, _ pitwall.Period) ([]pitwall.Measured, error) {
	h.asked++
	<-ctx.Done()
	return nil, errors.New("query cancelled")
}

func (h *hanging) Query(context.Context, string, time.Time) ([]pitwall.Series, error) {
	return nil, nil
}

func (h *hanging) QueryRange(ctx context.Context, _ string, _ pitwall.Period, _ time.Duration) ([]pitwall.Series, error) {
	_, err := h.Measured(ctx, pitwall.Period{})
	return nil, err
}

type bursting struct{}

func (bursting) Status(context.Context, pitwall.Period) ([]pitwall.StatusNotice, error) {
	panic("index out of range")
}

func (bursting) PageLoads(context.Context, pitwall.Period) ([]pitwall.PageLoad, error) {
	panic("index out of range")
}

func (bursting) AppendPageLoads(context.Context, []pitwall.PageLoad) error { return nil }

// TestAStoreThatHangs: it is waited for once, the rest is diagnosed without it,
// and the checks that needed it are skipped for that reason.
func TestAStoreThatHangs(t *testing.T) {
	h := &hanging{}
	s := Sources{Measured: h, Metrics: h, Patience: 20 * time.Millisecond}
	d, err := s.Diagnose(t.Context(), anHour(time.Unix(1_780_000_000, 0)))
	if err != nil || d.Verdict != pitwall.DiagnosisInconclusive || h.asked != 1 {
		t.Errorf("%s %q after %d questions to a store that hangs, %v", d.Verdict, d.Summary, h.asked, err)
	}
	raw, _ := json.Marshal(d.Checks)
	if !strings.Contains(string(raw), "did not answer") {
		t.Errorf("no check says why it was skipped: %s", raw)
	}
	// Whoever hangs up is told that, not that a store is slow.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Diagnose(ctx, anHour(time.Unix(1_780_000_000, 0))); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestADefectStopsNobody: a panic is an error, and says where.
func TestADefectStopsNobody(t *testing.T) {
	_, err := Sources{Status: bursting{}}.Diagnose(t.Context(), anHour(time.Unix(1_780_000_000, 0)))
	var defect *Defect
	if !errors.As(err, &defect) || pitwall.KindOf(err) != pitwall.Internal || !strings.Contains(string(defect.Stack), "bursting") {
		t.Errorf("got %v", err)
	}
}

// TestADefectIsNoCause: a plan whose diagnosis panics goes on: it waits, and in
// the end a person is asked; the log says where, once.
func TestADefectIsNoCause(t *testing.T) {
	var said strings.Builder
	at := time.Unix(1_780_000_000, 0)
	e := &Engine{c: Config{PageLoads: bursting{}, Now: func() time.Time { return at }}, log: slog.New(slog.NewTextHandler(&said, nil)), live: map[pitwall.PlanID]pitwall.Live{}}
	p := pitwall.Plan{ID: "PIP-1", Baseline: &pitwall.Baseline{Period: pitwall.Period{From: at.Add(-time.Hour), To: at}}}
	p.Opened.Regression = pitwall.Regression{Service: "cart", Signal: pitwall.SignalLatency}
	for range 2 {
		d, err := e.ask(t.Context(), p, pitwall.Period{From: at, To: at.Add(time.Minute)})
		if err != nil || d.Verdict != pitwall.DiagnosisInconclusive || !strings.Contains(d.Summary, "index out of range") || len(d.Checks) != 1 {
			t.Fatalf("got %+v, %v", d, err)
		}
		e.live[p.ID] = pitwall.Live{Waiting: "no clear cause yet: " + d.Summary + "; looking again with more data"}
	}
	if n := strings.Count(said.String(), "A defect of Pitwall"); n != 1 || !strings.Contains(said.String(), "bursting") {
		t.Errorf("logged %d times: %.300s", n, said.String())
	}
}
