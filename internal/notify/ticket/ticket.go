// Package ticket opens, amends and closes tickets through a webhook of a ticket
// system. In come messages; out goes one JSON envelope for each, with a key that
// is the same for the life of a ticket. What the ticket system makes of the
// fields is its own or its bridge's affair.
package ticket

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/notify/post"
)

// Config says where tickets are made.
type Config struct {
	Name         string // of the receiver
	URL          string
	URLFile      string // holds the address, where that is a secret
	User         string
	PasswordFile string
	TokenFile    string
	CAFile       string
	Now          func() time.Time
}

// Client is a pitwall.Notifier.
type Client struct {
	c    Config
	post *post.Client
}

var _ pitwall.Notifier = (*Client)(nil)

// New checks the configuration; it sends nothing.
func New(c Config) (*Client, error) {
	if (c.URL == "") == (c.URLFile == "") {
		return nil, post.Wrong(c.Name, errors.New("give one of url and url_file"))
	}
	p, err := post.New(post.Config{Receiver: c.Name, User: c.User, PasswordFile: c.PasswordFile, TokenFile: c.TokenFile, CAFile: c.CAFile, Now: c.Now})
	if err != nil {
		return nil, err
	}
	return &Client{c, p}, nil
}

// Envelope is the body. Fields are only ever added.
type Envelope struct {
	// Key is the ticket: the first message with it opens one, later ones amend it,
	// and one with Action close closes it.
	Key         string           `json:"key"`
	Action      string           `json:"action"` // open or close; open of an open ticket amends it
	Message     string           `json:"message"`
	Time        time.Time        `json:"time"`
	Severity    string           `json:"severity"` // critical, warning, info
	Priority    pitwall.Severity `json:"priority"` // 1 is worst
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Service     string           `json:"service,omitempty"`
	Owner       string           `json:"owner,omitempty"`
	OnCall      []string         `json:"on_call,omitempty"`
	SLOs        []string         `json:"slos,omitempty"`
	Tags        []string         `json:"tags"` // slo:…, tier:…, severity:…, service:…, and the objectives' labels
	Plan        string           `json:"plan,omitempty"`
	Link        string           `json:"link,omitempty"`
	Runbook     string           `json:"runbook,omitempty"`
	Changes     []string         `json:"changes,omitempty"`
}

// closes says whether a message is the last of its ticket.
func closes(m pitwall.Message) bool {
	return m.Kind == pitwall.MessageResolved || m.Kind == pitwall.MessagePlan && m.To.Final()
}

// Notify opens, amends or closes the ticket of the message's thread.
func (c *Client) Notify(ctx context.Context, m pitwall.Message) error {
	address, err := post.AddressOf(c.c.URL, c.c.URLFile)
	if err != nil {
		return err
	}
	body, err := json.Marshal(envelope(m))
	if err != nil {
		return pitwall.Errorf(pitwall.Internal, "notifying", "writing the envelope: %w", err)
	}
	r := post.Request{URL: address, Body: body, Header: map[string]string{"Idempotency-Key": m.ID}}
	if c.c.URLFile != "" {
		r.Secrets = []string{address}
	}
	_, err = c.post.Do(ctx, r)
	return err
}

func envelope(m pitwall.Message) Envelope {
	e := Envelope{Key: m.Thread, Action: "open", Message: m.ID, Time: m.Time, Severity: post.Severity(m.Action), Priority: m.Severity,
		Title: post.OneLine(m.Title), Description: m.Text, Service: string(m.Service), Owner: m.Owner, OnCall: m.OnCall,
		Plan: string(m.Plan), Link: m.Link, Runbook: m.Runbook, Changes: post.Changes(m)}
	if closes(m) {
		e.Action = "close"
	}
	tags := map[string]bool{"severity:" + e.Severity: true, "action:" + string(m.Action): true}
	if m.Severity > 0 {
		tags["priority:"+strconv.Itoa(int(m.Severity))] = true
	}
	if m.Service != "" {
		tags["service:"+string(m.Service)] = true
	}
	slos := map[string]bool{}
	for _, a := range m.Alarms {
		slos[string(a.SLO)] = true
		tags["slo:"+string(a.SLO)], tags["tier:"+a.State.Tier.Name] = true, true
		for k, v := range a.Labels {
			tags[k+":"+v] = true
		}
	}
	e.SLOs, e.Tags = slices.Sorted(maps.Keys(slos)), slices.Sorted(maps.Keys(tags))
	return e
}
