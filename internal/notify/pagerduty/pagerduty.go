// Package pagerduty opens and resolves incidents through PagerDuty's Events API
// v2. In come messages; out go events whose dedup_key is the message's thread, so
// that a thread is one incident however often it is told. Of plans it only tells
// what pages, and their end.
package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/notify/post"
)

// Enqueue is PagerDuty's own address for events.
const Enqueue = "https://events.pagerduty.com/v2/enqueue"

// Bounds of the API.
const (
	longestSummary = 1024
	longestKey     = 255
	longestDetail  = 4096
)

// Config says which service of PagerDuty.
type Config struct {
	Name           string // of the receiver
	RoutingKeyFile string
	URL            string // empty: Enqueue
	Now            func() time.Time
}

// Client is a pitwall.Notifier.
type Client struct {
	c    Config
	post *post.Client
}

var _ pitwall.Notifier = (*Client)(nil)

// New checks the configuration; it sends nothing.
func New(c Config) (*Client, error) {
	if c.RoutingKeyFile == "" {
		return nil, post.Wrong(c.Name, errors.New("routing_key_file is missing"))
	}
	c.URL = cmp.Or(c.URL, Enqueue)
	p, err := post.New(post.Config{Receiver: c.Name, Now: c.Now})
	if err != nil {
		return nil, err
	}
	return &Client{c, p}, nil
}

type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	DedupKey   string   `json:"dedup_key"`
	Payload    *payload `json:"payload,omitempty"` // not of a resolve
	Links      []link   `json:"links,omitempty"`
	Client     string   `json:"client,omitempty"`
	ClientURL  string   `json:"client_url,omitempty"`
}

type payload struct {
	Summary   string            `json:"summary"`
	Source    string            `json:"source"`
	Severity  string            `json:"severity"`
	Timestamp time.Time         `json:"timestamp"`
	Component string            `json:"component,omitempty"`
	Group     string            `json:"group,omitempty"`
	Class     string            `json:"class,omitempty"`
	Details   map[string]string `json:"custom_details,omitempty"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// Notify sends the event that a message calls for; a plan that neither pages nor
// ends calls for none.
func (c *Client) Notify(ctx context.Context, m pitwall.Message) error {
	action := actionOf(m)
	if action == "" {
		return nil
	}
	key, err := post.Secret(c.c.RoutingKeyFile)
	if err != nil {
		return err
	}
	e := eventOf(m, action)
	e.RoutingKey = key
	body, err := json.Marshal(e)
	if err != nil {
		return pitwall.Errorf(pitwall.Internal, "notifying", "writing the event: %w", err)
	}
	_, err = c.post.Do(ctx, post.Request{URL: c.c.URL, Body: body, Secrets: []string{key}})
	return err
}

func actionOf(m pitwall.Message) string {
	switch {
	case m.Kind == pitwall.MessageResolved, m.Kind == pitwall.MessagePlan && m.To.Final():
		return "resolve"
	case m.Kind == pitwall.MessagePlan && m.Action != pitwall.ActionPage:
		return ""
	}
	return "trigger"
}

func eventOf(m pitwall.Message, action string) event {
	e := event{Action: action, DedupKey: post.Cut(m.Thread, longestKey)}
	if action == "resolve" {
		return e
	}
	class := string(m.Kind)
	if len(m.Alarms) > 0 {
		class = string(cmp.Or(m.Alarms[0].State.Tier.When, pitwall.WhenBurn))
	}
	details := map[string]string{"text": post.Cut(m.Text, longestDetail)}
	for _, f := range post.Facts(m) {
		details[strings.ReplaceAll(strings.ToLower(f.Name), " ", "_")] = f.Value
	}
	if len(m.Alarms) > 1 {
		details["alarms"] = post.Cut(strings.Join(post.Alarms(m), "\n"), longestDetail)
	}
	e.Payload = &payload{Summary: post.Cut(post.OneLine(m.Title), longestSummary), Source: cmp.Or(string(m.Service), "pitwall"), Severity: post.Severity(m.Action),
		Timestamp: m.Time, Component: string(m.Service), Group: m.Owner, Class: class, Details: details}
	for _, l := range post.Links(m) {
		e.Links = append(e.Links, link{Href: l.Value, Text: l.Name})
	}
	e.Client, e.ClientURL = "Pitwall", m.Link
	return e
}
