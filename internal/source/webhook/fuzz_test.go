package webhook

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// fuzz sends bodies as somebody who knows the secret. Whatever they hold, the
// answer is a sound one, and what was stored could have happened.
func fuzz(f *testing.F, path, file string) {
	f.Add(sample(f, file))
	f.Fuzz(func(t *testing.T, body string) {
		b := newBench(t)
		header := http.Header{"X-Github-Event": {"deployment_status"}, "X-Github-Delivery": {"d-1"}, "Authorization": {"Bearer " + secret},
			signatureGitHub: {Sign(secret, []byte(body))}}
		for round, want := range [][]int{{200, 201, 202, 400, 422}, {200, 202, 400, 422}} { // a second time nothing is new
			req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			req.Header = header
			res := httptest.NewRecorder()
			b.hooks.Mounts()[path].ServeHTTP(res, req)
			if !slices.Contains(want, res.Code) || !json.Valid(res.Body.Bytes()) {
				t.Errorf("delivery %d: %d %s", round+1, res.Code, res.Body)
			}
		}
		for _, c := range b.log.changes {
			if c.ID == "" || c.Service == "" || c.At.Year() < 2000 || c.At.After(now.Add(maxAhead)) || c.SeenBy != pitwall.SeenByWebhook || len(c.Summary) > 500 {
				t.Errorf("stored %+v", c)
			}
		}
		for _, a := range b.alarms.list {
			if a.ID == "" || a.From.Year() < 2000 || a.From.After(now.Add(maxAhead)) || !a.Firing && a.To.Before(a.From) || a.Firing && !a.To.Equal(time.Time{}) {
				t.Errorf("stored %+v", a)
			}
		}
	})
}

func FuzzGitHub(f *testing.F)       { fuzz(f, gitHubPath, "github_deployment_status.json") }
func FuzzArgoCD(f *testing.F)       { fuzz(f, argoPath, "argocd.json") }
func FuzzFlagger(f *testing.F)      { fuzz(f, flaggerPath, "flagger.json") }
func FuzzAlertmanager(f *testing.F) { fuzz(f, alertmanagerPath, "alertmanager.json") }

// FuzzAnnouncement reads the body of the plain changes API.
func FuzzAnnouncement(f *testing.F) {
	f.Add(full, "")
	f.Fuzz(func(t *testing.T, body, key string) {
		c, problem := parse([]byte(body), key, now)
		if problem == nil && (c.ID == "" || c.Service == "" || !slices.Contains(pitwall.ChangeKinds(), c.Kind)) {
			t.Errorf("took %+v", c)
		}
		if problem != nil && (problem.Status < 400 || problem.Status >= 500) {
			t.Errorf("answered %+v", problem)
		}
	})
}
