// Package email sends messages as plain text through one mail server. In come
// messages; out go mails whose Message-ID is made of the message's and whose
// References name the thread, so that mail programs show a thread as one. It
// receives nothing.
package email

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/notify/post"
)

// The ways to speak to the server.
const (
	StartTLS    = "starttls" // the default: encrypted from the second command on, or not at all
	ImplicitTLS = "tls"
	Plain       = "none" // for a server on the same machine
)

// longestText bounds the body of a mail, in bytes.
const longestText = 256 << 10

// Config says through which server, and to whom.
type Config struct {
	Name         string // of the receiver
	Server       string // host:port
	TLS          string // StartTLS, ImplicitTLS or Plain; empty: StartTLS
	User         string
	PasswordFile string
	CAFile       string // PEM certificates to trust instead of the system's
	From         string
	// To are the readers. Whoever of a message's on-call is an address reads too.
	To  []string
	Now func() time.Time
}

// Client is a pitwall.Notifier.
type Client struct {
	c    Config
	host string
	tls  *tls.Config
	from *mail.Address
	to   []*mail.Address
}

var _ pitwall.Notifier = (*Client)(nil)

// New checks the configuration; it sends nothing.
func New(c Config) (*Client, error) {
	wrong := func(err error) error { return post.Wrong(c.Name, err) }
	host, _, err := net.SplitHostPort(c.Server)
	if err != nil || host == "" {
		return nil, wrong(fmt.Errorf("server %q is no host:port", c.Server))
	}
	if c.TLS = cmp.Or(c.TLS, StartTLS); !slices.Contains([]string{StartTLS, ImplicitTLS, Plain}, c.TLS) {
		return nil, wrong(fmt.Errorf("tls %q is none of starttls, tls and none", c.TLS))
	}
	if (c.User == "") != (c.PasswordFile == "") || c.TLS == Plain && c.PasswordFile != "" {
		return nil, wrong(errors.New("user and password_file go together, and never without TLS"))
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	cl := &Client{c: c, host: host, tls: &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}}
	if c.CAFile != "" {
		if cl.tls.RootCAs, err = post.Roots(c.CAFile); err != nil {
			return nil, wrong(err)
		}
	}
	if cl.from, err = mail.ParseAddress(c.From); err != nil {
		return nil, wrong(fmt.Errorf("from %q is no address", c.From))
	}
	for _, to := range c.To {
		a, err := mail.ParseAddress(to)
		if err != nil {
			return nil, wrong(fmt.Errorf("to %q is no address", to))
		}
		cl.to = append(cl.to, a)
	}
	return cl, nil
}

// Notify sends one mail. The server may take it and yet not say so in time; then
// it comes twice, under the same Message-ID.
func (c *Client) Notify(ctx context.Context, m pitwall.Message) error {
	to := c.readers(m)
	if len(to) == 0 {
		return c.fail(pitwall.Invalid, errors.New("nobody to write to: to is empty and nobody on call has an address"), "")
	}
	password := ""
	if c.c.PasswordFile != "" {
		var err error
		if password, err = post.Secret(c.c.PasswordFile); err != nil {
			return err
		}
	}
	if err := c.send(ctx, password, to, m); err != nil {
		return c.fail(kindOf(err), err, password)
	}
	return nil
}

func (c *Client) readers(m pitwall.Message) []*mail.Address {
	to := slices.Clone(c.to)
	for _, p := range m.OnCall {
		a, err := mail.ParseAddress(p)
		if err == nil && !slices.ContainsFunc(to, func(b *mail.Address) bool { return a.Address == b.Address }) {
			to = append(to, a)
		}
	}
	return to
}

func (c *Client) fail(kind pitwall.Kind, err error, password string) error {
	return &pitwall.Error{Op: "notifying", Kind: kind, ID: c.c.Name, Err: post.Clean(err, password), Hint: "see the receiver in the routing file"}
}

// kindOf reads the server's code: 4yz passes, 5yz does not, but a refused
// password or sender is the configuration's.
func kindOf(err error) pitwall.Kind {
	var said *textproto.Error
	switch {
	case errors.Is(err, errInsecure):
		return pitwall.Denied
	case !errors.As(err, &said) || said.Code < 500:
		return pitwall.Unavailable
	case said.Code == 530 || said.Code == 534 || said.Code == 535 || said.Code == 538:
		return pitwall.Denied
	}
	return pitwall.Invalid
}

var errInsecure = errors.New("the server offers no STARTTLS, and nothing is sent in the clear")

// send speaks SMTP, all of it before the deadline of ctx.
func (c *Client) send(ctx context.Context, password string, to []*mail.Address, m pitwall.Message) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.c.Server)
	if err != nil {
		return fmt.Errorf("reaching the mail server: %w", err)
	}
	defer conn.Close()
	// A server that drips is cut off when the caller's time is over.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if c.c.TLS == ImplicitTLS {
		conn = tls.Client(conn, c.tls)
	}
	s, err := smtp.NewClient(conn, c.host)
	if err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	defer s.Close()
	if err := c.enter(s, password); err != nil {
		return err
	}
	if err := s.Mail(c.from.Address); err != nil {
		return fmt.Errorf("naming the sender: %w", err)
	}
	to, refused, err := address(s, to)
	if err != nil {
		return err
	}
	text, err := c.compose(m, to, refused)
	if err != nil {
		return err
	}
	w, err := s.Data()
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	_ = s.Quit() // it was taken; a rude goodbye changes nothing
	return nil
}

// address names the readers. Those that the server does not know are left out as
// long as one is known, and the mail says so: somebody who left must not keep a
// page from those who stayed.
func address(s *smtp.Client, to []*mail.Address) (taken []*mail.Address, refused []string, err error) {
	for _, a := range to {
		trouble := s.Rcpt(a.Address)
		switch {
		case trouble == nil:
			taken = append(taken, a)
		case kindOf(trouble) == pitwall.Invalid:
			refused = append(refused, fmt.Sprintf("%s: %s", a.Address, post.Words([]byte(trouble.Error()))))
			err = fmt.Errorf("naming %s: %w", a.Address, trouble)
		default:
			return nil, nil, fmt.Errorf("naming %s: %w", a.Address, trouble)
		}
	}
	if len(taken) == 0 {
		return nil, nil, err
	}
	return taken, refused, nil
}

// enter secures the connection and signs in.
func (c *Client) enter(s *smtp.Client, password string) error {
	if err := s.Hello("localhost"); err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	if c.c.TLS == StartTLS {
		if ok, _ := s.Extension("STARTTLS"); !ok {
			return errInsecure
		}
		if err := s.StartTLS(c.tls); err != nil {
			return fmt.Errorf("starting TLS: %w", err)
		}
	}
	if password == "" {
		return nil
	}
	if err := s.Auth(smtp.PlainAuth("", c.c.User, password, c.host)); err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	return nil
}

// compose writes the mail. Whatever comes from outside loses its line breaks
// before it becomes a header.
func (c *Client) compose(m pitwall.Message, to []*mail.Address, refused []string) ([]byte, error) {
	var names []string
	for _, a := range to {
		names = append(names, a.String())
	}
	var b bytes.Buffer
	head := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, post.OneLine(value)) }
	head("From", c.from.String())
	head("To", strings.Join(names, ", "))
	head("Subject", mime.QEncoding.Encode("utf-8", post.OneLine(post.Cut(m.Title, 500))))
	head("Date", c.c.Now().Format(time.RFC1123Z))
	head("Message-ID", c.id("message", m.ID))
	// The thread's own id is nobody's Message-ID: every mail is a reply to it, so
	// none must come first.
	head("In-Reply-To", c.id("thread", m.Thread))
	head("References", c.id("thread", m.Thread))
	head("Auto-Submitted", "auto-generated")
	head("X-Pitwall-Action", string(m.Action))
	if m.Action == pitwall.ActionPage {
		head("Importance", "high")
	}
	head("MIME-Version", "1.0")
	head("Content-Type", "text/plain; charset=utf-8")
	head("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	lines := post.Lines(m)
	if len(refused) > 0 {
		lines = append(lines, "", "The mail server refused to pass this on to "+strings.Join(refused, "; "))
	}
	text := post.Cut(strings.ToValidUTF8(strings.Join(lines, "\r\n"), "?"), longestText)
	if _, err := io.WriteString(w, text+"\r\n"); err != nil {
		return nil, err
	}
	return b.Bytes(), w.Close()
}

// id makes an id of the form that mail wants from any text.
func (c *Client) id(kind, text string) string {
	sum := sha256.Sum256([]byte(c.c.Name + "\x00" + text))
	_, domain, _ := strings.Cut(c.from.Address, "@")
	return "<" + kind + "." + hex.EncodeToString(sum[:16]) + "@" + domain + ">"
}
