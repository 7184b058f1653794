package webhook

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

var _ pitwall.Health = (*Hooks)(nil)

// maxHookBody bounds one delivery, 4 MiB: others decide what they send.
const maxHookBody = 4 << 20

// late is the age from which an answer says that an event is old. It is kept all
// the same, under its own time, where no question about today will find it.
const late = 7 * 24 * time.Hour

// Sources are the systems that announce changes and alerts in their own form. A
// source without its secret is closed.
type Sources struct {
	Log    pitwall.ChangeLog
	Alerts pitwall.AlertLog

	GitHubSecret      string
	ArgoToken         string
	FlaggerToken      string
	AlertmanagerToken string

	// Services says which service something is, whatever its case: "acme/shop"
	// or "acme/shop@production" of GitHub, "project/app" or "app" of Argo CD,
	// "namespace/canary" or "canary" of Flagger, a label's value of Alertmanager.
	Services map[string]pitwall.ServiceName
	// Environment is the only one whose deployments count, where a source names
	// one; empty: all count.
	Environment string
	// AlertLabels are where an alert's service is looked for, the first that is
	// there; none: service, service_name, job, app.
	AlertLabels []string
	// Now is the clock; time.Now.
	Now func() time.Time
}

// Hooks are the webhooks of all Sources.
type Hooks struct {
	c       Sources
	started recent // when GitHub's deployments began to act
	list    []*hook
}

// NewHooks makes the webhooks.
func NewHooks(c Sources) *Hooks {
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(c.AlertLabels) == 0 {
		c.AlertLabels = []string{"service", "service_name", "job", "app"}
	}
	services := make(map[string]pitwall.ServiceName, len(c.Services))
	for source, service := range c.Services {
		services[strings.ToLower(source)] = service
	}
	c.Services = services
	h := &Hooks{c: c}
	h.list = []*hook{
		{name: "github", path: "/api/v1/changes/github", key: "changes.github.secret_file", signal: pitwall.SignalChanges,
			secret: c.GitHubSecret, admit: signedByGitHub, take: h.github, now: c.Now,
			hint: "X-Hub-Signature-256: give GitHub's webhook the same secret", blind: "deployments of GitHub before their versions send telemetry"},
		{name: "argocd", path: "/api/v1/changes/argocd", key: "changes.argocd.token_file", signal: pitwall.SignalChanges,
			secret: c.ArgoToken, admit: bearer, take: h.argo, now: c.Now,
			hint: "Authorization: Bearer <token>", blind: "syncs of Argo CD before their versions send telemetry, and changed configuration"},
		{name: "flagger", path: "/api/v1/changes/flagger", key: "changes.flagger.token_file", signal: pitwall.SignalChanges,
			secret: c.FlaggerToken, admit: knownToFlagger, take: h.flagger, now: c.Now,
			hint: "metadata.token of the webhook, or Authorization: Bearer <token>", blind: "canaries of Flagger: when traffic began to move, and back"},
		{name: "alertmanager", path: "/api/v1/alerts/alertmanager", key: "changes.alertmanager.token_file", signal: pitwall.SignalAlerts,
			secret: c.AlertmanagerToken, admit: bearer, take: h.alertmanager, now: c.Now,
			hint: "Authorization: Bearer <token>", blind: "what your own alerts say"},
	}
	return h
}

// Mounts gives the handlers by path.
func (h *Hooks) Mounts() map[string]http.Handler {
	m := make(map[string]http.Handler, len(h.list))
	for _, k := range h.list {
		m[k.path] = k
	}
	return m
}

// Health tells of each source by itself.
func (h *Hooks) Health() []pitwall.SourceHealth {
	list := make([]pitwall.SourceHealth, 0, len(h.list))
	for _, k := range h.list {
		list = append(list, k.health())
	}
	return list
}

// service names a service by the first of the names that is mapped; otherwise
// it is what was said, or failing that the last of the names.
func (h *Hooks) service(said string, names ...string) pitwall.ServiceName {
	for _, name := range names {
		if s := h.c.Services[strings.ToLower(name)]; s != "" {
			return s
		}
	}
	if said != "" {
		return pitwall.ServiceName(said)
	}
	return pitwall.ServiceName(names[len(names)-1])
}

// elsewhere says why an environment does not count; "" when it does. What names
// no environment counts.
func (h *Hooks) elsewhere(environment string) string {
	if environment == "" || h.c.Environment == "" || strings.EqualFold(environment, h.c.Environment) {
		return ""
	}
	return fmt.Sprintf("the environment is %q, and only %q counts", clip(environment, 80), h.c.Environment)
}

// announce stores a change under the time when it happened. A time that cannot
// be is replaced by that of arrival, because a change lost is worse.
func (h *Hooks) announce(ctx context.Context, c pitwall.Change, arrived time.Time) (taken, *Problem) {
	if c.Service == "" || len(c.Service) > 300 {
		return refused(http.StatusUnprocessableEntity, "it names no service: which one changed?")
	}
	t := taken{answer: Answer{ID: c.ID}, at: c.At}
	switch {
	case c.At.Year() < 2000 || c.At.After(arrived.Add(maxAhead)):
		c.At, t.at = arrived, time.Time{}
		t.answer.Note = "it does not say when it happened, or is ahead of our clock; the time of arrival is taken"
	case arrived.Sub(c.At) > late:
		t.answer.Note = fmt.Sprintf("it is %d days old and kept under its own time", int(arrived.Sub(c.At).Hours()/24))
	}
	c.At, c.SeenBy = c.At.UTC(), pitwall.SeenByWebhook
	c.Summary, c.Link = clip(c.Summary, 500), webLink(c.Link)
	fresh, err := h.c.Log.AppendChange(ctx, c)
	if err != nil {
		return taken{}, unstored("change", err)
	}
	t.answer.Known = !fresh
	return t, nil
}

// lookBack is how far a repeated event is looked for.
const lookBack = 30 * 24 * time.Hour

// newest finds the newest change up to a time whose id begins with a prefix.
func (h *Hooks) newest(ctx context.Context, prefix string, to time.Time) (pitwall.Change, *Problem) {
	list, err := h.c.Log.Changes(ctx, pitwall.Period{From: to.Add(-lookBack), To: to.Add(1)})
	if err != nil {
		return pitwall.Change{}, unstored("change", err)
	}
	for _, c := range slices.Backward(list) {
		if strings.HasPrefix(string(c.ID), prefix) {
			return c, nil
		}
	}
	return pitwall.Change{}, nil
}

// unstored words trouble of a store: worth sending again.
func unstored(what string, err error) *Problem {
	return &Problem{Status: http.StatusServiceUnavailable, Detail: "storing " + what + ": " + err.Error(), Hint: pitwall.HintOf(err)}
}

// bearer compares the token of the Authorization header, either kind: as a bearer
// token or as the password of any user.
func bearer(secret string, r *http.Request, _ []byte) bool {
	if _, password, ok := r.BasicAuth(); ok {
		return same(secret, password)
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && same(secret, strings.TrimSpace(token))
}

// same compares secrets in a time that tells nothing of them, not even a length.
func same(secret, given string) bool {
	a, b := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// clip shortens a text to at most so many bytes of whole characters.
func clip(s string, most int) string {
	return strings.ToValidUTF8(s[:min(len(s), most)], "")
}

// webLink is a link a person may follow, or "".
func webLink(s string) string {
	if len(s) <= 2000 && (strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")) {
		return s
	}
	return ""
}
