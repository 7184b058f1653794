package webhook

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/sqlite"
)

const howto = "../../../docs/howto/change-webhooks.md"

// shown gives the blocks of the page with that word behind the fence.
func shown(t *testing.T, info string) []string {
	t.Helper()
	page, err := os.ReadFile(howto)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range regexp.MustCompile("(?s)```"+info+"\n(.*?)```").FindAllSubmatch(page, -1) {
		list = append(list, string(m[1]))
	}
	return list
}

// TestTheStepsOfThePage runs every example of the page against real stores.
func TestTheStepsOfThePage(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed, so this was not tried", tool)
		}
	}
	db, err := sqlite.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	hooks := NewHooks(Sources{Log: db, Alerts: db, GitHubSecret: "g", ArgoToken: "a", FlaggerToken: "f", AlertmanagerToken: "m", Now: clock})
	mux := http.NewServeMux()
	for path, h := range hooks.Mounts() {
		mux.Handle(path, h)
	}
	server := httptest.NewServer(mux)
	defer server.Close()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{"github": "g", "argocd": "a", "flagger": "f", "alertmanager": "m"} {
		if err := os.WriteFile(filepath.Join(dir, "secrets", name), []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	examples := shown(t, "sh try")
	if len(examples) != 4 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, script := range examples {
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PITWALL_SERVER="+server.URL)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s\n%s", err, script, out)
		}
	}
	all := pitwall.Period{From: now.Add(-time.Hour), To: now.Add(time.Hour)}
	changes, err := db.Changes(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := db.Alerts(t.Context(), all)
	if err != nil || len(alerts) != 1 || alerts[0].Service != "checkout" {
		t.Errorf("alerts %+v, %v", alerts, err)
	}
	if len(changes) != 3 {
		t.Errorf("changes %+v", changes)
	}
	for _, c := range changes {
		if c.Service != "checkout" || c.Kind != pitwall.ChangeDeploy || !c.At.Equal(clockAt(3, 3, 55)) {
			t.Errorf("change %+v", c)
		}
	}
}

// TestTheTemplateOfThePage renders the body as Argo CD's notifications do, and
// sends it.
func TestTheTemplateOfThePage(t *testing.T) {
	blocks := shown(t, "yaml argocd")
	if len(blocks) != 1 {
		t.Fatalf("%d templates", len(blocks))
	}
	_, body, _ := strings.Cut(blocks[0], "        body: |\n")
	body, _, _ = strings.Cut(body, "  trigger.")
	tpl, err := template.New("body").Funcs(template.FuncMap{"toJson": toText}).Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	var app map[string]any
	if err := json.Unmarshal([]byte(sample(t, "argocd_application.json")), &app); err != nil {
		t.Fatal(err)
	}
	f := func(version pitwall.Version) {
		t.Helper()
		var out bytes.Buffer
		if err := tpl.Execute(&out, map[string]any{"app": app, "context": map[string]any{"argocdUrl": "https://argocd.acme.example"}}); err != nil {
			t.Fatal(err)
		}
		b := newBench(t)
		b.wants(201, "", argoPath, out.String())
		if c := b.log.changes[0]; c.Version != version || c.Service != "inventory" || !c.At.Equal(clockAt(3, 2, 0)) || c.Link != "https://argocd.acme.example/applications/inventory" {
			t.Errorf("change %+v", c)
		}
	}
	f("v41")
	status := app["status"].(map[string]any)
	status["summary"] = map[string]any{} // an application without images, synced by itself, of several sources
	operation := status["operationState"].(map[string]any)
	operation["operation"] = map[string]any{}
	operation["syncResult"] = map[string]any{"revisions": []string{"a1", "b2"}}
	f("")
}

// TestOneDeployToldTwice: telemetry and GitHub speak of the same deploy, in
// either order.
func TestOneDeployToldTwice(t *testing.T) {
	db, err := sqlite.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	hooks := NewHooks(Sources{Log: db, GitHubSecret: secret, Now: func() time.Time { return now.Add(time.Hour) }})
	b := &bench{t: t, hooks: hooks}
	watch := NewVersionWatch(db, func() time.Time { return now.Add(time.Hour) })
	body := sample(t, "github_deployment_status.json") // inventory v41 at 03:03:55
	watch.Observe(t.Context(), sightings(clockAt(3, 0, 0), "inventory v40", "auth v1"))
	watch.Observe(t.Context(), sightings(clockAt(3, 1, 0), "inventory v41"))
	b.wants(201, "", gitHubPath, body)
	b.wants(201, "", gitHubPath, with(t, body, `"service": "inventory"`, `"service": "auth"`, `"v41"`, `"v2"`, "145988746", "145988747"))
	watch.Observe(t.Context(), sightings(clockAt(3, 10, 0), "auth v2", "inventory v41"))
	got, err := db.Changes(t.Context(), pitwall.Period{From: clockAt(0, 0, 0), To: clockAt(23, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Service != "inventory" || !got[0].At.Equal(clockAt(3, 1, 0)) || len(got[0].DiffHints) != 2 ||
		!strings.Contains(got[0].Summary, "also seen in telemetry at 2026-01-02T03:01:00Z, announced at 2026-01-02T03:03:55Z") ||
		got[1].Service != "auth" || !got[1].At.Equal(clockAt(3, 3, 55)) {
		t.Errorf("changes %+v", got)
	}
}
