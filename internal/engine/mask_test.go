package engine

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose"
)

func TestMaskText(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := maskText(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	f("connecting to postgres://shop:hunter2@db:5432/shop", "connecting to postgres://shop:***@db:5432/shop")
	f("GET https://api.example.com:8080/v1 took 3s", "GET https://api.example.com:8080/v1 took 3s")
	f("Authorization: Bearer abcdef0123456789abcdef", "Authorization: Bearer ***")
	f("Authorization: Basic c2hvcDpodW50ZXIy", "Authorization: Basic ***")
	f("refused eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl of cart", "refused *** of cart")
	f("key AKIAABCDEFGHIJKLMNOP was refused", "key *** was refused")
	f("-DB_PASSWORD=hunter2\n+DB_PASSWORD=correcthorse\n+POOL_SIZE=5", "-DB_PASSWORD=***\n+DB_PASSWORD=***\n+POOL_SIZE=5")
	f(`+  "api_key": "abcdefgh",`, `+  "api_key": "***",`)
	f("+clientSecret: s3cr3t-value", "+clientSecret: ***")
	f("+-----BEGIN RSA PRIVATE KEY-----\n+abc\n+-----END RSA PRIVATE KEY-----\n+x: 1", "+***\n+x: 1")
	// What tells of a mechanism stays.
	for _, stays := range []string{
		"+token_ttl: 30s", "+max_tokens: 4096", "+password_hash_cost = 14", "+timeout: 3s", "token expired for <*>", "+secret_rotation=true",
		"pool exhausted: 20 of 20 in use", "", "+\tfor _, id := range ids {",
	} {
		f(stays, stays)
	}
}

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
	if d := cmp.Diff([]string{masked, "", "acme"}, []string{list[0].Values[0].Value, list[0].Values[1].Value, list[1].Values[0].Value}); d != "" {
		t.Error(d)
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
	e := &Engine{c: Config{PageLoads: bursting{}}, log: slog.New(slog.NewTextHandler(&said, nil)), live: map[pitwall.PlanID]pitwall.Live{}}
	p := pitwall.Plan{ID: "PIP-1", Baseline: &pitwall.Baseline{Period: pitwall.Period{From: at.Add(-time.Hour), To: at}}}
	p.Opened.Regression = pitwall.Regression{Service: "cart", Signal: pitwall.SignalLatency}
	for range 2 {
		d, err := e.ask(t.Context(), p, pitwall.Period{From: at, To: at.Add(time.Minute)})
		if err != nil || d.Verdict != pitwall.DiagnosisInconclusive || !strings.Contains(d.Summary, "index out of range") || len(d.Checks) != 1 {
			t.Fatalf("got %+v, %v", d, err)
		}
		e.live[p.ID] = pitwall.Live{Waiting: "no clear cause yet: " + d.Summary + "; looking again with more data"}
	}
	if n := strings.Count(said.String(), "Diagnosis panicked"); n != 1 || !strings.Contains(said.String(), "bursting") {
		t.Errorf("logged %d times: %.300s", n, said.String())
	}
}
