// Package slack tells a channel of Slack. In come messages; out go posts: with
// an incoming webhook one after the other, with a bot's token one thread for each
// thread of messages, whose first post is edited to the present state. It asks
// Slack nothing, and takes no commands.
package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/notify/post"
)

// API is Slack's own address for bots.
const API = "https://slack.com/api"

// Bounds of the API, in bytes of a block's text.
const (
	longestSection = 2900
	longestHeader  = 1500
)

// Receipts keep what Slack called the first post of a thread.
type Receipts interface {
	Receipt(ctx context.Context, receiver, thread string) (string, error)
	KeepReceipt(ctx context.Context, receiver, thread, receipt string, at time.Time) error
}

// Config says which channel.
type Config struct {
	Name           string // of the receiver
	WebhookURLFile string // of an incoming webhook; or:
	TokenFile      string // of a bot that may chat:write
	Channel        string
	Receipts       Receipts // with TokenFile
	URL            string   // of the API; empty: Slack's own
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
	hook, bot := c.WebhookURLFile != "", c.TokenFile != "" && c.Channel != "" && c.Receipts != nil
	if hook == bot {
		return nil, post.Wrong(c.Name, errors.New("give webhook_url_file, or token_file and channel"))
	}
	c.URL = strings.TrimSuffix(cmp.Or(c.URL, API), "/")
	if c.Now == nil {
		c.Now = time.Now
	}
	p, err := post.New(post.Config{Receiver: c.Name, TokenFile: c.TokenFile, Now: c.Now})
	if err != nil {
		return nil, err
	}
	return &Client{c, p}, nil
}

// Notify posts a message. In a thread that is known the first post is edited
// before the reply is posted: editing twice does no harm, replying twice does.
func (c *Client) Notify(ctx context.Context, m pitwall.Message) error {
	if c.c.WebhookURLFile != "" {
		address, err := post.Secret(c.c.WebhookURLFile)
		if err != nil {
			return err
		}
		return c.hook(ctx, address, layout(m))
	}
	first, err := c.c.Receipts.Receipt(ctx, c.c.Name, m.Thread)
	if err != nil {
		return fmt.Errorf("reading the thread: %w", err)
	}
	body := layout(m)
	body.Channel = c.c.Channel
	if first == "" {
		return c.begin(ctx, m, body)
	}
	edit := body
	// An edit is found by the channel's id, which Slack told with the first post.
	edit.Channel, edit.TS, _ = strings.Cut(first, " ")
	switch _, err := c.call(ctx, "chat.update", edit); {
	case pitwall.KindOf(err) == pitwall.Invalid: // somebody deleted it
		return c.begin(ctx, m, body)
	case err != nil:
		return err
	}
	reply := body
	reply.Channel, reply.ThreadTS = edit.Channel, edit.TS
	if _, err := c.call(ctx, "chat.postMessage", reply); err != nil {
		return err
	}
	return c.c.Receipts.KeepReceipt(ctx, c.c.Name, m.Thread, first, c.c.Now())
}

// begin makes the first post of a thread and remembers it. If it cannot be
// remembered the next message begins another thread, which is better than
// posting this one again.
func (c *Client) begin(ctx context.Context, m pitwall.Message, body message) error {
	said, err := c.call(ctx, "chat.postMessage", body)
	if err != nil || said.TS == "" || said.Channel == "" {
		return err
	}
	_ = c.c.Receipts.KeepReceipt(ctx, c.c.Name, m.Thread, said.Channel+" "+said.TS, c.c.Now())
	return nil
}

func (c *Client) hook(ctx context.Context, address string, body message) error {
	data, err := json.Marshal(body)
	if err != nil {
		return pitwall.Errorf(pitwall.Internal, "notifying", "writing the post: %w", err)
	}
	_, err = c.post.Do(ctx, post.Request{URL: address, Body: data, Secrets: []string{address, pathOf(address)}})
	return err
}

// pathOf is the secret part of a webhook's address.
func pathOf(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	_, path, _ := strings.Cut(rest, "/")
	return path
}

// answer is what the API says; it says 200 to errors too.
type answer struct {
	OK      bool   `json:"ok"`
	Error   string `json:"error"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

func (c *Client) call(ctx context.Context, method string, body message) (answer, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return answer{}, pitwall.Errorf(pitwall.Internal, "notifying", "writing the post: %w", err)
	}
	got, err := c.post.Do(ctx, post.Request{URL: c.c.URL + "/" + method, Body: data, Header: map[string]string{"Content-Type": "application/json; charset=utf-8"}})
	if err != nil {
		return answer{}, err
	}
	return decode(c.c.Name, method, got)
}

// decode reads an answer of the API.
func decode(receiver, method string, body []byte) (answer, error) {
	var a answer
	wrong := &pitwall.Error{Op: "notifying", Kind: pitwall.Unavailable, ID: receiver, Hint: "see the receiver in the routing file"}
	if err := json.Unmarshal(body, &a); err != nil {
		wrong.Err = fmt.Errorf("%s answers what is no JSON: %s", method, post.Words(body))
		return answer{}, wrong
	}
	if a.OK {
		return a, nil
	}
	wrong.Err = fmt.Errorf("%s answers %s", method, post.Words([]byte(a.Error)))
	switch a.Error {
	case "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org":
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope", "not_in_channel", "channel_not_found",
		"is_archived", "restricted_action", "no_permission", "org_login_required", "ekm_access_denied":
		wrong.Kind = pitwall.Denied
	default:
		wrong.Kind = pitwall.Invalid
	}
	return answer{}, wrong
}

// message is a post.
type message struct {
	Channel     string  `json:"channel,omitempty"`
	TS          string  `json:"ts,omitempty"`
	ThreadTS    string  `json:"thread_ts,omitempty"`
	Text        string  `json:"text"` // of the notification on a telephone
	Blocks      []block `json:"blocks"`
	UnfurlLinks bool    `json:"unfurl_links"`
}

type block struct {
	Type     string    `json:"type"`
	Text     *text     `json:"text,omitempty"`
	Elements []element `json:"elements,omitempty"`
}

type text struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// element is a button, or a text of a context block.
type element struct {
	Type  string `json:"type"`
	Text  any    `json:"text"`
	URL   string `json:"url,omitempty"`
	Style string `json:"style,omitempty"`
}

// layout makes three lines: what it is, the numbers, where to go on; and below
// them whose it is and what changed.
func layout(m pitwall.Message) message {
	out := message{Text: escape(post.Cut(post.OneLine(m.Title), longestHeader))}
	body := "*" + out.Text + "*"
	if m.Text != "" {
		body += "\n" + escape(m.Text)
	}
	if len(m.Alarms) > 1 {
		body += "\n" + escape(strings.Join(post.Alarms(m), "\n"))
	}
	out.Blocks = append(out.Blocks, block{Type: "section", Text: &text{"mrkdwn", post.Cut(body, longestSection)}})
	var facts []string
	for _, f := range post.Facts(m) {
		value := escape(f.Value)
		if f.Name == "On call" {
			value = mention(m.OnCall)
		}
		facts = append(facts, f.Name+": "+value)
	}
	if len(facts) > 0 {
		out.Blocks = append(out.Blocks, block{Type: "context", Elements: []element{{Type: "mrkdwn", Text: post.Cut(strings.Join(facts, " · "), longestSection)}}})
	}
	var buttons []element
	for i, l := range post.Links(m) {
		b := element{Type: "button", Text: text{"plain_text", l.Name}, URL: l.Value}
		if i == 0 {
			b.Style = "primary"
		}
		buttons = append(buttons, b)
	}
	if len(buttons) > 0 {
		out.Blocks = append(out.Blocks, block{Type: "actions", Elements: buttons})
	}
	return out
}

// escape takes the meaning from Slack's three signs: a label named <!channel>
// wakes nobody.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// member is the shape of a member's id.
var member = regexp.MustCompile(`^[UW][A-Z0-9]{6,20}$`)

// mention calls those who have duty by their member ids, or names them.
func mention(people []string) string {
	var list []string
	for _, p := range people {
		if member.MatchString(p) {
			p = "<@" + p + ">"
		} else {
			p = escape(p)
		}
		list = append(list, p)
	}
	return strings.Join(list, ", ")
}
