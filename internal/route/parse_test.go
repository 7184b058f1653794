package route

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func routes(t testing.TB, text string) *Routes {
	t.Helper()
	r, err := Parse("routes.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sample(t testing.TB) *Routes {
	t.Helper()
	data, err := os.ReadFile("testdata/routes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return routes(t, string(data))
}

func TestParseReadsEverything(t *testing.T) {
	r := sample(t)
	if len(r.Receivers) != 6 || len(r.Routes) != 5 || len(r.Rotations) != 1 || len(r.Quiet) != 2 || len(r.Inhibit) != 1 {
		t.Fatalf("%d receivers, %d routes, %d rotations, %d quiet, %d inhibit", len(r.Receivers), len(r.Routes), len(r.Rotations), len(r.Quiet), len(r.Inhibit))
	}
	ticket := r.Routes[2]
	if ticket.After != 10*time.Minute || ticket.Wait != defaultWait || ticket.Repeat != defaultRepeat || !ticket.Resolved || len(ticket.GroupBy) != 2 || ticket.Source != "routes.yaml:24" {
		t.Errorf("third route %+v", ticket)
	}
	if last := r.Routes[4]; last.Resolved || last.Repeat != 24*time.Hour || last.GroupBy[0] != "service" {
		t.Errorf("last route %+v", last)
	}
	r.Resolve("/etc/pitwall")
	if f := r.Receivers[0].PagerDuty.RoutingKeyFile; f != "/etc/pitwall/secrets/pagerduty" {
		t.Errorf("secret file %s", f)
	}
	if f := r.Receivers[3].Alertmanager.CAFile; f != "" {
		t.Errorf("a file that is not given became %q", f)
	}
	var kinds []string
	for _, v := range r.Receivers {
		kinds = append(kinds, v.Kind())
	}
	if got := strings.Join(kinds, " "); got != "pagerduty slack ticket alertmanager email webhook" {
		t.Errorf("kinds %s", got)
	}
}

func TestParseRefuses(t *testing.T) {
	const rest = "routes: [{to: [m]}]\n"
	const mail = "receivers: [{name: m, email: {server: h:25, from: a@b}}]\n"
	f := func(want, text string) {
		t.Helper()
		_, err := Parse("r.yaml", []byte(text))
		if pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%q: %v", text, err)
			return
		}
		if got := err.Error(); !strings.Contains(got, want) {
			t.Errorf("%s\nwants %s", got, want)
		}
	}
	f("expected one document", "")
	f("expected one document", "[]")
	f(`r.yaml:1: unknown field "recievers": did you mean "receivers"?`, "recievers: []")
	f("r.yaml:1: did not find expected node content", "routes: [")
	f(`r.yaml:2: unknown field "tokenfile": did you mean "token_file"?`, "receivers:\n  - {name: a, slack: {tokenfile: xoxb}}\n"+rest)
	f(`receiver "a": slack needs webhook_url_file, or token_file and channel`, "receivers: [{name: a, slack: {token_file: x}}]\n"+rest)
	f(`receiver "a": pagerduty needs routing_key_file`, "receivers: [{name: a, pagerduty: {}}]\n"+rest)
	f(`webhook needs secret_file`, `receivers: [{name: a, webhook: {url: "http://h"}}]`)
	f(`webhook needs one of url and url_file`, `receivers: [{name: a, webhook: {secret_file: s}}]`)
	f(`email needs TLS when it has a password`, `receivers: [{name: a, email: {server: "h:25", from: a@b, tls: none, user: u, password_file: p}}]`)
	f("it has 2", `receivers: [{name: a, webhook: {}, email: {}}]`)
	f("it has 0", `receivers: [{name: a}]`)
	f("defined twice", "receivers:\n  - {name: m, email: {server: h:25, from: a@b}}\n  - {name: m, email: {server: h:25, from: a@b}}\n")
	f("a receiver's name is", `receivers: [{name: "a b", email: {}}]`)
	f(`no receiver is named "n": did you mean "m"?`, mail+"routes: [{to: [n]}]")
	f(`no rotation is named "shop"`, mail+"routes: [{to: [m], on_call: shop}]")
	f(`a route needs to`, mail+"routes: [{match: {action: page}}]")
	f("named twice", mail+"routes: [{to: [m, m]}]")
	f("r.yaml:2: the last route must have no match", mail+"routes: [{to: [m], match: {action: page}}]")
	f("the last route must have no match", mail)
	f("is never asked", mail+"routes: [{to: [m]}, {to: [m]}]")
	f(`unknown action "pager": did you mean "page"?`, mail+"routes: [{to: [m], match: {action: pager}}]")
	f(`unknown kind "alarms": did you mean "alarm"?`, mail+"routes: [{to: [m], match: {kind: alarms}}]")
	f(`unknown group_by "services": did you mean "service"?`, mail+"routes: [{to: [m], group_by: services}]")
	f("correlation stands alone", mail+"routes: [{to: [m], group_by: [correlation, slo]}]")
	f(`r.yaml:2: "5 minutes" is no length of time`, mail+"routes: [{to: [m], wait: 5 minutes}]")
	f("repeat 1m is shorter than interval 5m", mail+"routes: [{to: [m], repeat: 1m}]")
	f("anchors and aliases", mail+"routes: [&x {to: [m]}, *x]")

	f("must not hold a password", `receivers: [{name: a, webhook: {url: "http://u:p@h", secret_file: s}}]`)
	f("an address must be", `receivers: [{name: a, alertmanager: {urls: ["am:9093"]}}]`)

	rotation := func(fields string) string { return mail + "rotations: [{name: r, " + fields + "}]\n" + rest }
	f("is no time of the wall's clock", rotation("every: 1d, people: [{name: a}]"))
	f(`unknown zone "Europe/Berlim"`, rotation("zone: Europe/Berlim, start: 2026-01-05, every: 1d, people: [{name: a}]"))
	f("zone Local", rotation("zone: Local, start: 2026-01-05, every: 1d, people: [{name: a}]"))
	f("hours that divide a day", rotation("start: 2026-01-05, every: 7h, people: [{name: a}]"))
	f("hours that divide a day", rotation("start: 2026-01-05, every: 36h, people: [{name: a}]"))
	f("needs 1 to", rotation("start: 2026-01-05, every: 1d"))
	f("different handles", rotation("start: 2026-01-05, every: 1d, people: [{name: a}, {name: a, email: x@y}]"))
	f(`nobody in the rotation is named "adb": did you mean "ada"?`, rotation("start: 2026-01-05, every: 1d, people: [{name: ada}], overrides: [{from: 2026-01-06, to: 2026-01-07, person: adb, reason: x}]"))
	f("say the reason", rotation("start: 2026-01-05, every: 1d, people: [{name: ada}], overrides: [{from: 2026-01-06, to: 2026-01-07, person: ada}]"))
	f("not after it begins", rotation("start: 2026-01-05, every: 1d, people: [{name: ada}], overrides: [{from: 2026-01-07, to: 2026-01-06, person: ada, reason: x}]"))

	quiet := func(fields string) string { return mail + rest + "quiet: [{name: q, " + fields + "}]\n" }
	f("needs reason and by", quiet("from: 2026-01-05, to: 2026-01-06, by: ada"))
	f("needs reason and by", quiet("from: 2026-01-05, to: 2026-01-06, reason: x"))
	f("needs expires", quiet(`by: a, reason: x, cron: "0 2 * * *", duration: 1h`))
	f("between 1m and 7d, not 8d", quiet(`by: a, reason: x, cron: "0 2 * * *", duration: 8d, expires: 2027-01-01`))
	f("not both", quiet(`by: a, reason: x, cron: "0 2 * * *", duration: 1h, expires: 2027-01-01, from: 2026-01-01`))
	f("has 4 fields, not 5", quiet(`by: a, reason: x, cron: "0 2 * *", duration: 1h, expires: 2027-01-01`))
	f(`cron hour: "24" is not within 0 to 23`, quiet(`by: a, reason: x, cron: "0 24 * * *", duration: 1h, expires: 2027-01-01`))
	f("is no time", quiet("by: a, reason: x, from: tomorrow, to: 2026-01-06"))
	f(`unknown action "pages"`, quiet("by: a, reason: x, from: 2026-01-05, to: 2026-01-06, except: pages"))

	f("only a worse action silences", mail+rest+"inhibit: [{by: ticket, silences: page}]")
	f("needs by and silences", mail+rest+"inhibit: [{by: page}]")
	f("same is slo or service", mail+rest+"inhibit: [{by: page, silences: ticket, same: team}]")
}

func TestGlob(t *testing.T) {
	f := func(want bool, pattern, text string) {
		t.Helper()
		if glob(pattern, text) != want {
			t.Errorf("%q on %q: not %v", pattern, text, want)
		}
	}
	f(true, "", "")
	f(false, "", "a")
	f(true, "*", "")
	f(true, "pay*", "payments/eu")
	f(false, "pay*", "repay")
	f(true, "*pay*", "repayment")
	f(true, "a?c", "abc")
	f(false, "a?c", "ac")
	f(true, "*a*b*", "xxaxxbxx")
	f(false, "a*b", "acbc")
	f(true, "[x]", "[x]") // nothing else is special
	// A pattern that makes a backtracking matcher take for ever.
	f(false, strings.Repeat("a*", 50)+"b", strings.Repeat("a", 5000))
}

func TestSpans(t *testing.T) {
	f := func(want time.Duration, ok bool, text string) {
		t.Helper()
		if got, fine := parseSpan(text); fine != ok || ok && got != want {
			t.Errorf("%q: %v %v", text, got, fine)
		}
	}
	f(0, true, "0")
	f(0, true, "0s")
	f(36*time.Hour, true, "1d12h")
	f(14*24*time.Hour, true, "2w")
	f(1500*time.Millisecond, true, "1.5s")
	f(0, false, "")
	f(0, false, "5")
	f(0, false, "-5m")
	f(0, false, "5 m")
	f(0, false, "9999999999w")
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/routes.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	f.Add("receivers: [{name: m, email: {server: h:25, from: a@b}}]\nroutes: [{to: [m]}]\n")
	f.Add("quiet: [{name: q, by: a, reason: b, cron: '*/5 1-3,7 1 jan sun', duration: 7d, expires: 2030-01-01}]\nroutes: [{to: []}]\n")
	f.Add("rotations: [{name: r, zone: Australia/Lord_Howe, start: 1970-01-01T02:15, every: 12h, people: [{name: a}, {name: b}]}]\nroutes: [{to: []}]\n")
	now := time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse("f.yaml", []byte(text))
		if err != nil {
			if pitwall.KindOf(err) != pitwall.Invalid {
				t.Fatalf("%v", err)
			}
			return
		}
		a := pitwall.Alarm{ID: "1", SLO: "s", Service: "checkout", Action: pitwall.ActionPage, Since: now.Add(-time.Hour)}
		r.Explain(a, now)
		for _, v := range r.Rotations {
			if d, ok := r.OnCall(v.Name, now); ok && (now.Before(d.From) || !now.Before(d.Until)) {
				t.Fatalf("duty from %s until %s does not hold %s", d.From, d.Until, now)
			}
		}
		Router{Routes: r}.Decide(now, []pitwall.Alarm{a}, nil, State{})
	})
}
