package route

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// Routes is a routing file. The zero value routes nothing.
type Routes struct {
	Receivers []Receiver
	Routes    []Route
	Rotations []Rotation
	Quiet     []Quiet
	Inhibit   []Inhibit
}

// Receiver is where messages go; exactly one of the pointers is set.
type Receiver struct {
	Name         string        `yaml:"name"`
	Alertmanager *Alertmanager `yaml:"alertmanager"`
	PagerDuty    *PagerDuty    `yaml:"pagerduty"`
	Slack        *Slack        `yaml:"slack"`
	Ticket       *Ticket       `yaml:"ticket"`
	Webhook      *Webhook      `yaml:"webhook"`
	Email        *Email        `yaml:"email"`
}

// Alertmanager takes all alarms again and again while they fire, and groups
// them itself.
type Alertmanager struct {
	URLs         []string `yaml:"urls"` // every one is told: they are replicas of each other
	User         string   `yaml:"user"`
	PasswordFile string   `yaml:"password_file"`
	TokenFile    string   `yaml:"token_file"`
	CAFile       string   `yaml:"ca_file"`
	Resend       Span     `yaml:"resend"` // 0: a minute
}

// PagerDuty opens and resolves incidents through its events API.
type PagerDuty struct {
	RoutingKeyFile string `yaml:"routing_key_file"`
	URL            string `yaml:"url"` // empty: PagerDuty's own
}

// Slack takes an incoming webhook, or a bot token and a channel, which makes
// threads.
type Slack struct {
	WebhookURLFile string `yaml:"webhook_url_file"`
	TokenFile      string `yaml:"token_file"`
	Channel        string `yaml:"channel"`
	URL            string `yaml:"url"` // of the API; empty: Slack's own
}

// Ticket takes an envelope that opens, amends and closes a ticket under one key.
type Ticket struct {
	URL          string `yaml:"url"`
	URLFile      string `yaml:"url_file"`
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
	TokenFile    string `yaml:"token_file"`
	CAFile       string `yaml:"ca_file"`
}

// Webhook takes a signed envelope.
type Webhook struct {
	URL        string `yaml:"url"`
	URLFile    string `yaml:"url_file"`
	SecretFile string `yaml:"secret_file"`
	CAFile     string `yaml:"ca_file"`
}

// Email goes through one mail server.
type Email struct {
	Server       string   `yaml:"server"` // host:port
	TLS          string   `yaml:"tls"`    // starttls (the default), tls, or none
	User         string   `yaml:"user"`
	PasswordFile string   `yaml:"password_file"`
	CAFile       string   `yaml:"ca_file"`
	From         string   `yaml:"from"`
	To           []string `yaml:"to"`
}

func (a *Alertmanager) missing() string {
	switch {
	case len(a.URLs) == 0:
		return "urls"
	case a.TokenFile != "" && a.PasswordFile != "":
		return "token_file or password_file, not both"
	}
	return pair(a.User, a.PasswordFile)
}

func (p *PagerDuty) missing() string { return unless(p.RoutingKeyFile != "", "routing_key_file") }

func (s *Slack) missing() string {
	switch {
	case s.WebhookURLFile != "" && s.TokenFile+s.Channel != "":
		return "webhook_url_file, or token_file and channel, not both"
	case s.WebhookURLFile == "" && (s.TokenFile == "" || s.Channel == ""):
		return "webhook_url_file, or token_file and channel"
	}
	return ""
}

func (t *Ticket) missing() string {
	if (t.URL == "") == (t.URLFile == "") {
		return "one of url and url_file"
	}
	return pair(t.User, t.PasswordFile)
}

func (w *Webhook) missing() string {
	if (w.URL == "") == (w.URLFile == "") {
		return "one of url and url_file"
	}
	return unless(w.SecretFile != "", "secret_file, to sign with")
}

func (e *Email) missing() string {
	switch {
	case e.Server == "":
		return "server"
	case e.From == "":
		return "from"
	case !slices.Contains([]string{"", "starttls", "tls", "none"}, e.TLS):
		return "tls as starttls, tls or none"
	case e.TLS == "none" && e.PasswordFile != "":
		return "TLS when it has a password"
	}
	return pair(e.User, e.PasswordFile)
}

func pair(user, file string) string {
	return unless((user == "") == (file == ""), "user and password_file together")
}

func unless(ok bool, what string) string {
	if ok {
		return ""
	}
	return what
}

// Kind is the key of the receiver's kind, such as "slack".
func (r Receiver) Kind() string {
	kinds, _ := r.kinds()
	return strings.Join(kinds, " and ")
}

// kinds are what the receiver claims to be, and what the last one lacks.
func (r Receiver) kinds() (set []string, missing string) {
	put := func(kind, lacks string) { set, missing = append(set, kind), lacks }
	if r.Alertmanager != nil {
		put("alertmanager", r.Alertmanager.missing())
	}
	if r.PagerDuty != nil {
		put("pagerduty", r.PagerDuty.missing())
	}
	if r.Slack != nil {
		put("slack", r.Slack.missing())
	}
	if r.Ticket != nil {
		put("ticket", r.Ticket.missing())
	}
	if r.Webhook != nil {
		put("webhook", r.Webhook.missing())
	}
	if r.Email != nil {
		put("email", r.Email.missing())
	}
	return set, missing
}

// urls are the addresses of the receiver that stand in the file.
func (r Receiver) urls() (list []string) {
	switch {
	case r.Alertmanager != nil:
		return r.Alertmanager.URLs
	case r.PagerDuty != nil:
		list = []string{r.PagerDuty.URL}
	case r.Slack != nil:
		list = []string{r.Slack.URL}
	case r.Ticket != nil:
		list = []string{r.Ticket.URL}
	case r.Webhook != nil:
		list = []string{r.Webhook.URL}
	}
	return slices.DeleteFunc(list, func(u string) bool { return u == "" })
}

// badURL says what is wrong with an address without repeating it: it may hold a
// password.
func badURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "an address must be http://host:port/path or https://…"
	case u.User != nil:
		return "an address must not hold a password; put it into a file"
	}
	return ""
}

// Resolve makes the secret files of receivers relative to dir, that of the file.
func (r *Routes) Resolve(dir string) {
	for _, v := range r.Receivers {
		for _, p := range v.files() {
			if *p != "" && !filepath.IsAbs(*p) {
				*p = filepath.Join(dir, *p)
			}
		}
	}
}

// Files are the files that receivers read: secrets and certificates.
func (r *Routes) Files() (list []string) {
	for _, v := range r.Receivers {
		for _, p := range v.files() {
			if *p != "" {
				list = append(list, *p)
			}
		}
	}
	return list
}

func (r Receiver) files() (list []*string) {
	if a := r.Alertmanager; a != nil {
		list = append(list, &a.PasswordFile, &a.TokenFile, &a.CAFile)
	}
	if p := r.PagerDuty; p != nil {
		list = append(list, &p.RoutingKeyFile)
	}
	if s := r.Slack; s != nil {
		list = append(list, &s.WebhookURLFile, &s.TokenFile)
	}
	if t := r.Ticket; t != nil {
		list = append(list, &t.URLFile, &t.PasswordFile, &t.TokenFile, &t.CAFile)
	}
	if w := r.Webhook; w != nil {
		list = append(list, &w.URLFile, &w.SecretFile, &w.CAFile)
	}
	if e := r.Email; e != nil {
		list = append(list, &e.PasswordFile, &e.CAFile)
	}
	return list
}
