package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// signatureGitHub holds "sha256=" and the HMAC-SHA256 of the raw body in hex.
const signatureGitHub = "X-Hub-Signature-256"

func signedByGitHub(secret string, r *http.Request, body []byte) bool {
	return same(Sign(secret, body), r.Header.Get(signatureGitHub))
}

// deployment is what is read of the events deployment and deployment_status.
type deployment struct {
	Deployment struct {
		ID          int64           `json:"id"`
		SHA         string          `json:"sha"`
		Ref         string          `json:"ref"`
		Environment string          `json:"environment"`
		Description string          `json:"description"`
		Payload     json.RawMessage `json:"payload"`
		Creator     login           `json:"creator"`
	} `json:"deployment"`
	Status struct {
		State       string    `json:"state"`
		Description string    `json:"description"`
		Environment string    `json:"environment"`
		TargetURL   string    `json:"target_url"`
		LogURL      string    `json:"log_url"`
		CreatedAt   time.Time `json:"created_at"`
	} `json:"deployment_status"`
	Repository struct {
		FullName string `json:"full_name"`
		HTMLURL  string `json:"html_url"`
	} `json:"repository"`
	Sender login `json:"sender"`
}

type login struct {
	Login string `json:"login"`
}

// github takes the events of a repository or organisation. Only a deployment
// that succeeded is a change; one that failed may have changed nothing, and what
// it did change shows in telemetry.
func (h *Hooks) github(ctx context.Context, d delivery) (taken, *Problem) {
	switch event := d.header.Get("X-GitHub-Event"); event {
	case "deployment_status":
	case "ping":
		return taken{answer: Answer{Note: "pong"}}, nil
	case "":
		return refused(http.StatusUnprocessableEntity, "X-GitHub-Event is missing: is the sender GitHub?")
	default:
		return ignored("the event %q does not say what runs; choose deployment statuses", clip(event, 80))
	}
	e, problem := parseDeployment(d.header.Get("Content-Type"), d.body)
	if problem != nil {
		return taken{}, problem
	}
	delivered := d.header.Get("X-GitHub-Delivery")
	repo := e.Repository.FullName
	if repo == "" || len(repo) > 200 || e.Deployment.ID == 0 && (delivered == "" || len(delivered) > 100) {
		return refused(http.StatusUnprocessableEntity, "repository.full_name or deployment.id is missing")
	}
	if why := h.elsewhere(cmp.Or(e.Status.Environment, e.Deployment.Environment)); why != "" {
		return ignored("%s", why)
	}
	id := fmt.Sprint(e.Deployment.ID)
	if e.Deployment.ID == 0 {
		id = delivered
	}
	key := repo + "/" + id
	switch e.Status.State {
	case "success":
	case "in_progress":
		h.started.put(key, e.Status.CreatedAt)
		return ignored("the deployment has begun; it becomes a change when it succeeds, as of now")
	default:
		return ignored("the state is %q; only success is a change", clip(e.Status.State, 80))
	}
	c := h.deployed(e)
	c.ID = pitwall.ChangeID("github/" + key + "/success")
	if begun := h.started.times[key]; !begun.IsZero() && begun.Before(c.At) {
		c.At = begun // it acted from then on
	}
	return h.announce(ctx, c, d.arrived)
}

// parseDeployment reads JSON, or the form that GitHub wraps it in when a hook's
// content type was left as it is.
func parseDeployment(contentType string, body []byte) (deployment, *Problem) {
	var e deployment
	if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return e, &Problem{Status: http.StatusBadRequest, Detail: "reading form: " + err.Error()}
		}
		body = []byte(form.Get("payload"))
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return e, &Problem{Status: http.StatusBadRequest, Detail: "reading deployment: " + err.Error()}
	}
	return e, nil
}

// deployed words a deployment as a change, from what the deployer put into the
// deployment's payload and, where that is silent, from what GitHub knows.
func (h *Hooks) deployed(e deployment) pitwall.Change {
	own := payloadOf(e.Deployment.Payload)
	repo, environment := e.Repository.FullName, cmp.Or(e.Status.Environment, e.Deployment.Environment)
	_, name, _ := strings.Cut(repo, "/")
	sha := e.Deployment.SHA[:min(7, len(e.Deployment.SHA))]
	link := cmp.Or(webLink(e.Status.LogURL), webLink(e.Status.TargetURL))
	if link == "" && e.Repository.HTMLURL != "" && e.Deployment.SHA != "" {
		link = e.Repository.HTMLURL + "/commit/" + e.Deployment.SHA
	}
	return pitwall.Change{
		At: e.Status.CreatedAt, Kind: pitwall.ChangeDeploy, Service: h.service(own.service, repo+"@"+environment, repo, name),
		Version: pitwall.Version(clip(cmp.Or(own.version, tag(e.Deployment.Ref), sha), 200)), PreviousVersion: pitwall.Version(clip(own.previous, 200)),
		Summary:   cmp.Or(own.summary, e.Deployment.Description, e.Status.Description, strings.TrimSpace(fmt.Sprintf("%s %s", e.Deployment.Ref, sha))),
		DiffHints: own.hints, Config: own.config, Flags: own.flags, Actor: clip(cmp.Or(e.Deployment.Creator.Login, e.Sender.Login), 100), Link: link,
	}
}

// tagged is what a released version looks like.
var tagged = regexp.MustCompile(`^v?[0-9]+(\.[0-9]+)+([-+.][0-9A-Za-z.+-]*)?$`)

// tag gives a ref that is a tag, by its name; "" for a branch.
func tag(ref string) string {
	if name, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		return name
	}
	if tagged.MatchString(ref) {
		return ref
	}
	return ""
}

// payload is what a deployer may say in a deployment's payload, under the names
// of the changes API.
type payload struct {
	service, version, previous, summary string
	hints                               []string
	config, flags                       map[string]string
}

// hintsMost bounds the hints, keys of configuration and flags of one change.
const hintsMost = 200

// payloadOf reads a payload, an object or an object written in a string. It is
// the deployer's own and may hold anything: what does not fit is left out.
func payloadOf(raw json.RawMessage) payload {
	var text string
	if json.Unmarshal(raw, &text) == nil && text != "" {
		raw = json.RawMessage(text)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return payload{}
	}
	word := func(name string) string { return clip(said(fields[name]), 500) }
	table := func(name string) map[string]string {
		var values map[string]json.RawMessage
		if json.Unmarshal(fields[name], &values) != nil || len(values) == 0 || len(values) > hintsMost {
			return nil
		}
		m := make(map[string]string, len(values))
		for key, v := range values {
			m[clip(key, 200)] = clip(said(v), 500)
		}
		return m
	}
	p := payload{service: word("service"), version: word("version"), previous: word("previous_version"), summary: word("summary"),
		config: table("config"), flags: table("flags")}
	if json.Unmarshal(fields["diff_hints"], &p.hints) != nil {
		p.hints = nil
	}
	p.hints = p.hints[:min(len(p.hints), hintsMost)]
	for i, hint := range p.hints {
		p.hints[i] = clip(hint, 500)
	}
	return p
}

// said is a text, or another value as JSON writes it: true, 41; null is "".
func said(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}
