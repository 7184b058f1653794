package cli

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall/internal/httpd"
	"github.com/pitwall/pitwall/internal/report/storybook"
)

// TestDiagnosisView asks a server for every form of a diagnosis, and for one
// that does not exist yet.
func TestDiagnosisView(t *testing.T) {
	now := func() time.Time { return storybook.Zero().Add(20 * time.Minute) }
	h, err := httpd.New(httpd.Config{Engine: storybook.NewEngine(now), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	f := func(output, plan, want string, ok bool) {
		t.Helper()
		var out, errs strings.Builder
		g := &global{env: Env{Stdout: &out, Stderr: &errs}, server: srv.URL, output: output}
		cmd := diagnosisView(g)
		cmd.SetArgs([]string{plan})
		cmd.SetOut(&errs)
		cmd.SetErr(&errs)
		err := cmd.ExecuteContext(t.Context())
		if (err == nil) != ok || !strings.Contains(out.String()+errs.String(), want) {
			t.Errorf("%s of %s: %v, without %q: %.300s", output, plan, err, want, out.String()+errs.String())
		}
	}
	f("table", "PIP-1", "Where the extra 684 ms went", true)
	f("table", "PIP-1", "next: pitwall plan view PIP-1", true)
	f("json", "PIP-1", `"schema":"pitwall.diagnosis-view/1"`, true)
	f("markdown", "PIP-1", "## Not the cause, because", true)
	f("html", "PIP-1", "<!doctype html>", true)
	f("table", "PIP-4", "has no diagnosis yet", false)
}
