package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

// TestDemoDirectoryIsSound: what the demo writes is read by check, at every
// pace, and --approve makes the policy ask.
func TestDemoDirectoryIsSound(t *testing.T) {
	for _, o := range []demoOptions{{Story: "checkout", Pace: 1}, {Story: "lock", Pace: 2.5, Approve: true}, {Story: "quiet", Pace: 4}} {
		o.Data, o.Listen = filepath.Join(t.TempDir(), "new"), "127.0.0.1:0"
		story, _ := storyOf(o.Story)
		d := &demo{o: o, story: story, env: Env{Stderr: &bytes.Buffer{}}}
		if err := d.prepare(); err != nil {
			t.Fatal(err)
		}
		conf := filepath.Join(o.Data, "pitwall.yaml")
		run(t, "check", "--config", conf).wants(t, 0, "valid: 2 objectives")
		text, err := os.ReadFile(conf)
		if asks := strings.Contains(string(text), "\npolicy: policy.yaml\n"); err != nil || asks != o.Approve {
			t.Errorf("approve %v, policy in the configuration %v, %v", o.Approve, asks, err)
		}
		if err := d.prepare(); pitwall.KindOf(err) != pitwall.Conflict {
			t.Errorf("a second demo in the same directory: %v", err)
		}
	}
}

func TestDemoTakesFreePortsWhereTheUsualAreBusy(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	a, err := chooseAddrs(busy.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{busy.Addr().String(): true}
	for _, addr := range []string{a.HTTP, a.OTLP, a.GRPC, a.Controller} {
		if seen[addr] {
			t.Errorf("%s is given twice, or was busy: %+v", addr, a)
		}
		seen[addr] = true
	}
}

// canned answers GETs by path and query.
func canned(t *testing.T, answers map[string]string) *client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, ok := answers[r.URL.String()]; ok {
			fmt.Fprint(w, body)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(srv.Close)
	return newClient(srv.URL)
}

// TestEffectsOfAllCyclesCount: steps of a cycle that was taken back count as
// much as those of the one that closed the plan.
func TestEffectsOfAllCyclesCount(t *testing.T) {
	done := func(key, was, to string) string {
		return fmt.Sprintf(`{"seq":1,"type":"step.done","data":{"key":%q,"was":%s,"weights":%s}}`, key, was, to)
	}
	all, half, none := `{"v40":100}`, `{"v40":50,"v41":50}`, `{"v41":100}`
	d := &demo{
		api: canned(t, map[string]string{
			"/api/v1/record?after=0&limit=500": `{"events":[` + strings.Join([]string{
				done("1/half", none, half), done("1/undo", half, none), done("2/half", none, half), done("2/all", half, all),
				done("2/again", all, all), // was so already: nothing to do, so nothing was lost
				`{"seq":7,"type":"step.done","data":{"key":"2/deliver"}}`, `{"seq":8,"type":"step.intended","data":{"key":"3","weights":{"v40":1}}}`,
			}, ",") + `]}`,
			"/api/v1/record?after=8&limit=500": `{"events":[]}`,
		}),
		lab: canned(t, map[string]string{"/v1/effects": `{"effects":[
			{"key":"1/half","actor":"pitwall"},{"key":"1/half","actor":"pitwall","replay":true},
			{"key":"1/undo","actor":"pitwall"},{"key":"2/half","actor":"pitwall"},{"key":"2/half","actor":"pitwall"},{"key":"x","actor":"ci"}]}`}),
	}
	var out demoOut
	if err := d.effects(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	want := effectsOut{Recorded: 5, Applied: 4, Twice: 1, Lost: 1, Replayed: 1}
	if diff := cmp.Diff(want, out.Effects); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
}

// TestASlowServerIsTrouble: exit code 6 is for a deadline that was asked for.
func TestASlowServerIsTrouble(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer srv.Close()
	defer close(release)
	c := newClient(srv.URL)
	c.http.Timeout = 20 * time.Millisecond
	env := Env{Stderr: &bytes.Buffer{}}
	if code := exitCode(t.Context(), env, c.get(t.Context(), "/", nil)); code != exitUsage {
		t.Errorf("the server is slow: exit code %d", code)
	}
	c.http.Timeout = 0
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if code := exitCode(ctx, env, c.get(ctx, "/", nil)); code != exitDeadline {
		t.Errorf("our own deadline: exit code %d", code)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if code := exitCode(ctx, env, c.get(ctx, "/", nil)); code != exitInterrupted {
		t.Errorf("interrupted: exit code %d", code)
	}
	if code := exitCode(t.Context(), env, errors.New("disk full")); code != exitUsage {
		t.Errorf("trouble: exit code %d", code)
	}
}
