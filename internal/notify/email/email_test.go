package email

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

// fake is a mail server that keeps what it is given.
type fake struct {
	mode   string            // of TLS
	says   map[string]string // answers to commands, else good ones
	cert   tls.Certificate
	listen net.Listener

	mu       sync.Mutex
	commands []string
	mails    []string
}

func newFake(t *testing.T, mode string, says map[string]string) (f *fake, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	f = &fake{mode: mode, says: says, cert: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}
	if f.listen, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := f.listen.Accept()
			if err != nil {
				return
			}
			f.serve(conn)
		}
	})
	t.Cleanup(func() { f.listen.Close(); all.Wait() })
	return f, caFile
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{f.cert}})
	if f.mode == ImplicitTLS {
		conn = secure
	}
	r := bufio.NewReader(conn)
	say := func(format string, args ...any) { fmt.Fprintf(conn, format+"\r\n", args...) }
	say("220 fake")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		word, _, _ := strings.Cut(line, " ")
		f.mu.Lock()
		f.commands = append(f.commands, line)
		f.mu.Unlock()
		if said, ok := f.says[line]; ok {
			say("%s", said)
			continue
		}
		if said, ok := f.says[word]; ok {
			say("%s", said)
			continue
		}
		switch word {
		case "EHLO":
			if f.mode == StartTLS && conn != net.Conn(secure) {
				say("250-fake\r\n250 STARTTLS")
				break
			}
			say("250-fake\r\n250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go on")
			conn = secure
			r = bufio.NewReader(conn)
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil || line == ".\r\n" {
					break
				}
				text.WriteString(strings.TrimPrefix(line, "."))
			}
			f.mu.Lock()
			f.mails = append(f.mails, text.String())
			f.mu.Unlock()
			say("250 taken")
		case "AUTH":
			say("235 welcome")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

var at = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func client(t *testing.T, f *fake, ca string) *Client {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(secret, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{Name: "mail", Server: f.listen.Addr().String(), TLS: f.mode, CAFile: ca, User: "pitwall", PasswordFile: secret,
		From: "Pitwall <pitwall@example.org>", To: []string{"Shop Team <shop@example.org>"}, Now: func() time.Time { return at }}
	if f.mode == Plain {
		c.User, c.PasswordFile, c.CAFile = "", "", ""
	}
	cl, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func firing() pitwall.Message {
	return pitwall.Message{ID: "m1", Kind: pitwall.MessageAlarm, Time: at, Action: pitwall.ActionPage, Thread: "alarms-1", Service: "checkout", Owner: "team-shop",
		OnCall: []string{"ada@example.org"}, Title: "checkout-p99 burns 14×", Text: "Burns 14× over 1 h.\n.\nA line with a dot alone.", Link: "https://pitwall/slo/checkout-p99", Runbook: "https://wiki/r"}
}

func TestMail(t *testing.T) {
	for _, mode := range []string{StartTLS, ImplicitTLS, Plain} {
		f, ca := newFake(t, mode, nil)
		c := client(t, f, ca)
		if err := c.Notify(t.Context(), firing()); err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		m, err := mail.ReadMessage(strings.NewReader(f.mails[0]))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil || subject != "checkout-p99 burns 14×" {
			t.Errorf("%s: subject %q, %v", mode, subject, err)
		}
		to, err := m.Header.AddressList("To")
		if err != nil || len(to) != 2 || to[0].Address != "shop@example.org" || to[1].Address != "ada@example.org" {
			t.Errorf("%s: to %v, %v", mode, to, err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		want := "checkout-p99 burns 14×\r\nBurns 14× over 1 h.\r\n.\r\nA line with a dot alone.\r\nService: checkout\r\nOwner: team-shop\r\nOn call: ada@example.org\r\nOpen objective: https://pitwall/slo/checkout-p99\r\nRunbook: https://wiki/r\r\n"
		if diff := cmp.Diff(want, string(body)); diff != "" {
			t.Errorf("%s: %s", mode, diff)
		}
		commands := strings.Join(f.commands, "\n")
		if signed := strings.Contains(commands, base64.StdEncoding.EncodeToString([]byte("\x00pitwall\x00hunter2"))); signed != (mode != Plain) {
			t.Errorf("%s: signed in: %v\n%s", mode, signed, commands)
		}
		if mode == StartTLS && strings.Index(commands, "STARTTLS") > strings.Index(commands, "MAIL") {
			t.Errorf("sent before TLS:\n%s", commands)
		}
	}
}

// TestThreadsAndRepeats: a thread's mails share their References; the same
// message has the same Message-ID.
func TestThreadsAndRepeats(t *testing.T) {
	f, ca := newFake(t, Plain, nil)
	c := client(t, f, ca)
	resolved := firing()
	resolved.ID, resolved.Kind = "m2", pitwall.MessageResolved
	elsewhere := firing()
	elsewhere.ID, elsewhere.Thread = "m3", "alarms-2"
	for _, m := range []pitwall.Message{firing(), firing(), resolved, elsewhere} {
		if err := c.Notify(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids, refs []string
	for _, text := range f.mails {
		m, err := mail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		ids, refs = append(ids, m.Header.Get("Message-Id")), append(refs, m.Header.Get("References"))
		if m.Header.Get("In-Reply-To") != m.Header.Get("References") || !strings.HasSuffix(ids[0], "@example.org>") {
			t.Errorf("headers %v", m.Header)
		}
	}
	if ids[0] != ids[1] || ids[0] == ids[2] || refs[0] != refs[2] || refs[0] == refs[3] {
		t.Errorf("ids %v, references %v", ids, refs)
	}
}

// TestNoHeaderCanBeInjected: whatever a name or a title holds, the mail has the
// headers that we wrote and no other, and goes to those whom we named.
func TestNoHeaderCanBeInjected(t *testing.T) {
	f, ca := newFake(t, Plain, nil)
	c := client(t, f, ca)
	m := firing()
	evil := "x\r\nBcc: evil@example.net\r\n\r\nbody"
	m.Title, m.ID, m.Thread, m.Action, m.Owner = evil, evil, evil, pitwall.Action(evil), evil
	m.OnCall = []string{evil, "Ada\r\nBcc: evil@example.net", `"a\r\nBcc: b" <ada@example.org>`}
	if err := c.Notify(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	got, err := mail.ReadMessage(strings.NewReader(f.mails[0]))
	if err != nil {
		t.Fatal(err)
	}
	if got.Header.Get("Bcc") != "" || len(got.Header) != 12 {
		t.Errorf("headers %v", got.Header)
	}
	for _, line := range f.commands {
		if strings.HasPrefix(line, "RCPT") && strings.Contains(line, "evil") {
			t.Error(line)
		}
	}
}

func TestWhatTheServerSays(t *testing.T) {
	f := func(mode, word, said string, want pitwall.Kind, words string) {
		t.Helper()
		says := map[string]string{}
		if word != "" {
			says[word] = said
		}
		server, ca := newFake(t, mode, says)
		err := client(t, server, ca).Notify(t.Context(), firing())
		if pitwall.KindOf(err) != want || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s %s: %v", word, said, err)
		}
		if len(server.mails) != 0 {
			t.Errorf("%s %s: sent all the same", word, said)
		}
	}
	f(StartTLS, "EHLO", "250 fake", pitwall.Denied, "no STARTTLS")
	f(StartTLS, "STARTTLS", "454 not now", pitwall.Unavailable, "not now")
	f(ImplicitTLS, "AUTH", "535 wrong hunter2", pitwall.Denied, "wrong [secret]")
	f(Plain, "MAIL", "451 busy", pitwall.Unavailable, "busy")
	f(Plain, "RCPT", "550 no such user", pitwall.Invalid, "no such user")
	f(Plain, "DATA", "552 too large", pitwall.Invalid, "too large")
}

func TestAServerThatHangsIsLeft(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := New(Config{Name: "mail", Server: l.Addr().String(), TLS: Plain, From: "a@b.example", To: []string{"c@d.example"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Notify(ctx, firing()); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestConfig(t *testing.T) {
	good := Config{Name: "mail", Server: "h:25", From: "a@b.example"}
	for name, change := range map[string]func(*Config){
		"no port":      func(c *Config) { c.Server = "h" },
		"mode":         func(c *Config) { c.TLS = "ssl" },
		"from":         func(c *Config) { c.From = "a b" },
		"to":           func(c *Config) { c.To = []string{"x\r\nBcc: y@z"} },
		"clear secret": func(c *Config) { c.TLS, c.User, c.PasswordFile = Plain, "u", "p" },
		"half":         func(c *Config) { c.User = "u" },
		"ca":           func(c *Config) { c.CAFile = "/nowhere" },
	} {
		c := good
		change(&c)
		if _, err := New(c); pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := New(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Notify(t.Context(), pitwall.Message{}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("nobody to write to: %v", err)
	}
}

// TestSomebodyWhoLeftKeepsNothingFromOthers: one address that the server does not
// know does not lose a page for everybody else, and the mail says so.
func TestSomebodyWhoLeftKeepsNothingFromOthers(t *testing.T) {
	server, ca := newFake(t, Plain, map[string]string{"RCPT TO:<ada@example.org>": "550 no such user"})
	if err := client(t, server, ca).Notify(t.Context(), firing()); err != nil {
		t.Fatal(err)
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if len(server.mails) != 1 {
		t.Fatalf("%d mails", len(server.mails))
	}
	m, err := mail.ReadMessage(strings.NewReader(server.mails[0]))
	if err != nil {
		t.Fatal(err)
	}
	to, err := m.Header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Address != "shop@example.org" {
		t.Errorf("to %v, %v", to, err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil || !strings.Contains(string(body), "refused to pass this on to ada@example.org: 550") {
		t.Errorf("%s, %v", body, err)
	}
	// One that is only busy is tried again, and nobody is told twice meanwhile.
	server, ca = newFake(t, Plain, map[string]string{"RCPT TO:<ada@example.org>": "451 later"})
	if err := client(t, server, ca).Notify(t.Context(), firing()); pitwall.KindOf(err) != pitwall.Unavailable || len(server.mails) != 0 {
		t.Errorf("%v, %d mails", err, len(server.mails))
	}
}
