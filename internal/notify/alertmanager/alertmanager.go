// Package alertmanager tells Prometheus' Alertmanager what fires, through its
// API v2. In comes, again and again, the list of all alarms; out go the same to
// every replica, each with an end in the near future, so that an alarm of a
// Pitwall that died ends by itself. Grouping, silences and receivers are
// Alertmanager's own affair.
package alertmanager

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/notify/post"
)

const (
	// lives is how many times an alarm may fail to be sent before it ends.
	lives = 3
	// endsTold is how long the end of an alarm is told.
	endsTold = 15 * time.Minute
	// chunk is how many alerts one request carries.
	chunk = 500
	// deadline bounds one round.
	deadline = 10 * time.Second
)

// Config says which Alertmanager.
type Config struct {
	Name         string   // of the receiver
	URLs         []string // of its replicas: every one is told
	User         string
	PasswordFile string
	TokenFile    string
	CAFile       string
	Resend       time.Duration // 0: a minute
	// Alarms gives all that fire, and those that are just over.
	Alarms func(now time.Time) []pitwall.Alarm
	Now    func() time.Time
}

// Client sends alarms; its Run is what sends them again.
type Client struct {
	c    Config
	post []*post.Client

	mu     sync.Mutex // guards all below
	health pitwall.SourceHealth
	ended  map[string]pitwall.Alarm // over, and told until endsTold
	fires  map[string]pitwall.Alarm // of the last round
}

var (
	_ pitwall.Notifier = (*Client)(nil)
	_ pitwall.Health   = (*Client)(nil)
)

// New checks the configuration; it sends nothing.
func New(c Config) (*Client, error) {
	wrong := func(err error) error { return post.Wrong(c.Name, err) }
	if len(c.URLs) == 0 || c.Resend < 0 {
		return nil, wrong(errors.New("urls is empty, or resend is negative"))
	}
	c.Resend = cmp.Or(c.Resend, time.Minute)
	if c.Now == nil {
		c.Now = time.Now
	}
	cl := &Client{c: c, ended: map[string]pitwall.Alarm{}, fires: map[string]pitwall.Alarm{},
		health: pitwall.SourceHealth{Name: "notify/" + c.Name, Up: true, Message: "nothing sent yet", Blind: "nobody hears of alarms through " + c.Name}}
	for _, u := range c.URLs {
		if err := post.Address(u); err != nil {
			return nil, wrong(err)
		}
		host, _ := url.Parse(u)
		p, err := post.New(post.Config{Receiver: c.Name + " " + host.Host, User: c.User, PasswordFile: c.PasswordFile, TokenFile: c.TokenFile,
			CAFile: c.CAFile, Now: c.Now})
		if err != nil {
			return nil, err
		}
		cl.post = append(cl.post, p)
	}
	return cl, nil
}

// Run sends all alarms at once and then every Resend, until ctx is done.
func (c *Client) Run(ctx context.Context) error {
	if c.c.Alarms == nil {
		return pitwall.Errorf(pitwall.Internal, "notifying", "receiver %s was given no alarms to send", c.c.Name)
	}
	tick := time.NewTicker(c.c.Resend)
	defer tick.Stop()
	for {
		_ = c.Push(ctx, c.c.Alarms(c.c.Now())) // Health says it
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Push sends the alarms of this moment to every replica. An alarm that is no
// longer among them is over.
func (c *Client) Push(ctx context.Context, alarms []pitwall.Alarm) error {
	now := c.c.Now()
	var list []alert
	for _, a := range c.take(now, alarms) {
		list = append(list, c.alert(a, now))
	}
	err := c.send(ctx, list)
	c.note(now, len(list), err)
	return err
}

// take joins what fires with what is over and still to be told, sorted.
func (c *Client) take(now time.Time, alarms []pitwall.Alarm) []pitwall.Alarm {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.fires
	c.fires = map[string]pitwall.Alarm{}
	for _, a := range alarms {
		if a.Firing() {
			c.fires[a.ID] = a
			continue
		}
		c.ended[a.ID] = a
	}
	for id, a := range before {
		if _, over := c.ended[id]; over || c.fires[id].ID != "" {
			continue
		}
		a.Until = now
		c.ended[id] = a
	}
	live := map[string]bool{} // an objective's tier fires again: its end is not told any more
	var list []pitwall.Alarm
	for _, a := range joined(c.fires) {
		list, live[identity(a)] = append(list, a), true
	}
	for id, a := range c.ended {
		if now.Sub(a.Until) > endsTold || live[identity(a)] {
			delete(c.ended, id)
			continue
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b pitwall.Alarm) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// identity is what Alertmanager tells alerts apart by, less what follows from it.
// The tier is no part of it: when a slower tier goes on for a faster one that is
// over, it is the same trouble, and nobody is to be woken again.
func identity(a pitwall.Alarm) string {
	return string(a.SLO) + "\x00" + string(a.Action) + "\x00" + nameOf(a.State.Tier.When)
}

// joined are the alarms that fire, one for each identity: the one that speaks,
// since the first of them fired.
func joined(fires map[string]pitwall.Alarm) map[string]pitwall.Alarm {
	one := map[string]pitwall.Alarm{}
	for _, a := range fires {
		b, there := one[identity(a)]
		if !there {
			one[identity(a)] = a
			continue
		}
		first := a.Since
		if b.Since.Before(first) {
			first = b.Since
		}
		if speaks(b, a) {
			a = b
		}
		a.Since = first
		one[identity(a)] = a
	}
	return one
}

// speaks says whether a rather than b is shown for both.
func speaks(a, b pitwall.Alarm) bool {
	if (a.SpokenBy == "") != (b.SpokenBy == "") {
		return a.SpokenBy == ""
	}
	return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.ID, b.ID)) < 0
}

// send tells every replica; it is enough that one has heard, but the others'
// trouble is told too.
func (c *Client) send(ctx context.Context, list []alert) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	errs := make([]error, len(c.post))
	var all sync.WaitGroup
	for i, p := range c.post {
		all.Go(func() { errs[i] = c.tell(ctx, p, c.c.URLs[i], list) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (c *Client) tell(ctx context.Context, p *post.Client, base string, list []alert) error {
	if len(list) == 0 {
		return c.tellPart(ctx, p, base, []alert{}) // still says whether the address works
	}
	for part := range slices.Chunk(list, chunk) {
		if err := c.tellPart(ctx, p, base, part); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) tellPart(ctx context.Context, p *post.Client, base string, part []alert) error {
	body, err := json.Marshal(part)
	if err != nil {
		return pitwall.Errorf(pitwall.Internal, "notifying", "writing alerts: %w", err)
	}
	_, err = p.Do(ctx, post.Request{URL: strings.TrimSuffix(base, "/") + "/api/v2/alerts", Body: body})
	return err
}

func (c *Client) note(now time.Time, n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.health.Up, c.health.Message = false, err.Error()
		c.health.Rejected += uint64(n)
		return
	}
	c.health.Up, c.health.Message, c.health.LastSeen = true, "", now
	c.health.Accepted += uint64(n)
}

// Health says whether every replica took the last round.
func (c *Client) Health() []pitwall.SourceHealth {
	c.mu.Lock()
	defer c.mu.Unlock()
	return []pitwall.SourceHealth{c.health}
}

// Notify sends a test as an alert that ends within three rounds; everything else
// this receiver has from Push.
func (c *Client) Notify(ctx context.Context, m pitwall.Message) error {
	if m.Kind != pitwall.MessageTest {
		return nil
	}
	now := c.c.Now()
	labels := map[string]string{"alertname": "PitwallTest", "severity": post.Severity(m.Action), "action": string(m.Action), "owner": m.Owner}
	return c.send(ctx, []alert{{Labels: full(labels), Annotations: full(map[string]string{"summary": m.Title, "description": m.Text}),
		StartsAt: m.Time, EndsAt: now.Add(lives * c.c.Resend)}})
}

// alert is one alert of the API.
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// nameOf is the alertname of a condition.
func nameOf(k pitwall.ConditionKind) string {
	switch k {
	case pitwall.WhenSpent:
		return "PitwallBudgetSpent"
	case pitwall.WhenExhaustion:
		return "PitwallBudgetExhaustion"
	case pitwall.WhenRemaining:
		return "PitwallBudgetRemaining"
	case pitwall.WhenProjected:
		return "PitwallBudgetProjected"
	case pitwall.WhenTrafficLost:
		return "PitwallTrafficLost"
	}
	return "PitwallBurn"
}

func (c *Client) alert(a pitwall.Alarm, now time.Time) alert {
	labels := map[string]string{}
	for k, v := range a.Labels {
		labels[labelName(k)] = v
	}
	// Pitwall's own names win over an objective's labels.
	labels["alertname"] = nameOf(a.State.Tier.When)
	labels["slo"], labels["service"] = string(a.SLO), string(a.Service)
	labels["action"], labels["severity"], labels["owner"] = string(a.Action), post.Severity(a.Action), a.Owner
	m := pitwall.Message{Alarms: []pitwall.Alarm{a}}
	notes := map[string]string{"summary": summary(a), "description": a.Text, "runbook_url": a.Runbook, "dashboard": a.Link,
		"tier": a.State.Tier.Name, "objective": a.Objective, "plan": string(a.Plan), "changes": strings.Join(post.Changes(m), "; ")}
	out := alert{Labels: full(labels), Annotations: full(notes), StartsAt: a.Since, EndsAt: now.Add(lives * c.c.Resend), GeneratorURL: a.Link}
	if !a.Firing() {
		out.EndsAt = a.Until
	}
	if out.EndsAt.Before(out.StartsAt) {
		out.EndsAt = out.StartsAt // the API refuses the whole request over this one, too
	}
	if post.Address(out.GeneratorURL) != nil {
		out.GeneratorURL = "" // the API refuses the whole request over a bad link
	}
	return out
}

func summary(a pitwall.Alarm) string {
	if a.Title != "" {
		return a.Title
	}
	return fmt.Sprintf("%s of %s: %s", a.SLO, cmp.Or(string(a.Service), "several services"), a.State.Tier.Name)
}

// full leaves out what is empty: to Alertmanager it means that there is no such
// label.
func full(m map[string]string) map[string]string {
	for k, v := range m {
		if v == "" {
			delete(m, k)
			continue
		}
		m[k] = strings.ToValidUTF8(v, "?")
	}
	return m
}

// labelName makes a name that every Alertmanager takes: letters, digits and
// underscores, no digit in front.
func labelName(name string) string {
	out := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, name)
	if out == "" || out[0] >= '0' && out[0] <= '9' {
		out = "_" + out
	}
	return out
}
