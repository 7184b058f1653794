// Package webhook sends messages to any HTTP server as one stable, signed
// envelope. In come messages; out go POST requests whose body is signed with a
// shared secret, as internal/source/webhook verifies it. It knows nothing of what
// the server does with them.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/notify/post"
)

// The headers of a delivery.
const (
	// HeaderSignature holds "sha256=" and the HMAC-SHA256 of the body in hex.
	HeaderSignature = "X-Pitwall-Signature"
	// HeaderID is the message's id: the same id twice is one message.
	HeaderID = "X-Pitwall-Id"
	// HeaderTimestamp is when it was sent, in unix seconds; the body has it too,
	// under the signature, as sent.
	HeaderTimestamp = "X-Pitwall-Timestamp"
)

// Config says where to send, and what to sign with.
type Config struct {
	Name       string // of the receiver
	URL        string
	URLFile    string // holds the address, where that is a secret
	SecretFile string
	CAFile     string
	Now        func() time.Time
}

// Client is a pitwall.Notifier.
type Client struct {
	c    Config
	post *post.Client
}

var _ pitwall.Notifier = (*Client)(nil)

// New checks the configuration; it sends nothing.
func New(c Config) (*Client, error) {
	if c.SecretFile == "" || (c.URL == "") == (c.URLFile == "") {
		return nil, post.Wrong(c.Name, errors.New("a webhook needs secret_file, and one of url and url_file"))
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	p, err := post.New(post.Config{Receiver: c.Name, CAFile: c.CAFile, Now: c.Now})
	if err != nil {
		return nil, err
	}
	return &Client{c, p}, nil
}

// Envelope is the body. Fields are only ever added.
type Envelope struct {
	ID   string `json:"id"`   // the same id twice is one message
	Type string `json:"type"` // plan.transitioned, alarm.firing, alarm.resolved, test
	// Time is when it happened, Sent when this attempt left: refuse what is old.
	Time     time.Time           `json:"time"`
	Sent     time.Time           `json:"sent"`
	Thread   string              `json:"thread"`
	Action   pitwall.Action      `json:"action"`
	Severity pitwall.Severity    `json:"severity,omitempty"` // 1 is worst
	Service  pitwall.ServiceName `json:"service,omitempty"`
	Owner    string              `json:"owner,omitempty"`
	OnCall   []string            `json:"on_call,omitempty"`
	Title    string              `json:"title"`
	Text     string              `json:"text,omitempty"`
	Plan     pitwall.PlanID      `json:"plan,omitempty"`
	From     pitwall.State       `json:"from,omitempty"`
	To       pitwall.State       `json:"to,omitempty"`
	Links    Links               `json:"links"`
	Alarms   []pitwall.Alarm     `json:"alarms,omitempty"`
}

// Links are where to go on.
type Links struct {
	Page    string `json:"page,omitempty"`
	Runbook string `json:"runbook,omitempty"`
}

// typeOf words a kind as the envelope does.
func typeOf(k pitwall.MessageKind) string {
	switch k {
	case pitwall.MessagePlan:
		return "plan.transitioned"
	case pitwall.MessageResolved:
		return "alarm.resolved"
	case pitwall.MessageTest:
		return "test"
	}
	return "alarm.firing"
}

// Notify sends a message once.
func (c *Client) Notify(ctx context.Context, m pitwall.Message) error {
	secret, err := post.Secret(c.c.SecretFile)
	if err != nil {
		return err
	}
	address, err := post.AddressOf(c.c.URL, c.c.URLFile)
	if err != nil {
		return err
	}
	sent := c.c.Now().UTC().Truncate(time.Millisecond)
	body, err := json.Marshal(Envelope{ID: m.ID, Type: typeOf(m.Kind), Time: m.Time, Sent: sent, Thread: m.Thread, Action: m.Action,
		Severity: m.Severity, Service: m.Service, Owner: m.Owner, OnCall: m.OnCall, Title: m.Title, Text: m.Text,
		Plan: m.Plan, From: m.From, To: m.To, Links: Links{m.Link, m.Runbook}, Alarms: m.Alarms})
	if err != nil {
		return pitwall.Errorf(pitwall.Internal, "notifying", "writing the envelope: %w", err)
	}
	r := post.Request{URL: address, Body: body, Secrets: []string{secret}, Header: map[string]string{HeaderSignature: Sign(secret, body),
		HeaderID: m.ID, "Idempotency-Key": m.ID, HeaderTimestamp: strconv.FormatInt(sent.Unix(), 10)}}
	if c.c.URLFile != "" {
		r.Secrets = append(r.Secrets, address)
	}
	_, err = c.post.Do(ctx, r)
	return err
}

// Sign gives the value of HeaderSignature for a body.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
