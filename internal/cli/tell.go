package cli

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/engine"
	"github.com/pitwall/pitwall/internal/notify"
	"github.com/pitwall/pitwall/internal/notify/alertmanager"
	"github.com/pitwall/pitwall/internal/notify/email"
	"github.com/pitwall/pitwall/internal/notify/pagerduty"
	"github.com/pitwall/pitwall/internal/notify/slack"
	"github.com/pitwall/pitwall/internal/notify/ticket"
	"github.com/pitwall/pitwall/internal/notify/webhook"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/route"
)

// readRoutes reads the routing file; nil: nobody is told.
func readRoutes(conf config.Config) (*route.Routes, error) {
	file := conf.Alerting.Routes
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, &pitwall.Error{Op: "reading routing file", Kind: pitwall.NotFound, ID: file, Err: err, Hint: "alerting.routes in pitwall.yaml names it"}
	}
	routes, err := route.Parse(file, data)
	if err != nil {
		return nil, err
	}
	routes.Resolve(filepath.Dir(file))
	return routes, nil
}

// checkRoutes reads the routing file and makes every receiver, the way serve
// does; it sends nothing.
func checkRoutes(conf config.Config) error {
	routes, err := readRoutes(conf)
	if err != nil || routes == nil {
		return err
	}
	for _, file := range routes.Files() {
		if err := readable(file); err != nil {
			return &pitwall.Error{Op: "reading routing file", Kind: pitwall.Invalid, ID: conf.Alerting.Routes, Err: err, Hint: "put the secret into " + file + ", readable for Pitwall alone"}
		}
	}
	for _, r := range routes.Receivers {
		if _, err := receiver(r, noReceipts{}, func(time.Time) []pitwall.Alarm { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// receiver makes what speaks to one receiver.
func receiver(r route.Receiver, receipts slack.Receipts, alarms func(time.Time) []pitwall.Alarm) (pitwall.Notifier, error) {
	switch {
	case r.Alertmanager != nil:
		a := r.Alertmanager
		return made(alertmanager.New(alertmanager.Config{Name: r.Name, URLs: a.URLs, User: a.User, PasswordFile: a.PasswordFile, TokenFile: a.TokenFile,
			CAFile: a.CAFile, Resend: time.Duration(a.Resend), Alarms: alarms, Now: time.Now}))
	case r.PagerDuty != nil:
		return made(pagerduty.New(pagerduty.Config{Name: r.Name, RoutingKeyFile: r.PagerDuty.RoutingKeyFile, URL: r.PagerDuty.URL, Now: time.Now}))
	case r.Slack != nil:
		s := r.Slack
		return made(slack.New(slack.Config{Name: r.Name, WebhookURLFile: s.WebhookURLFile, TokenFile: s.TokenFile, Channel: s.Channel, URL: s.URL, Receipts: receipts, Now: time.Now}))
	case r.Ticket != nil:
		t := r.Ticket
		return made(ticket.New(ticket.Config{Name: r.Name, URL: t.URL, URLFile: t.URLFile, User: t.User, PasswordFile: t.PasswordFile, TokenFile: t.TokenFile, CAFile: t.CAFile, Now: time.Now}))
	case r.Webhook != nil:
		w := r.Webhook
		return made(webhook.New(webhook.Config{Name: r.Name, URL: w.URL, URLFile: w.URLFile, SecretFile: w.SecretFile, CAFile: w.CAFile, Now: time.Now}))
	case r.Email != nil:
		e := r.Email
		return made(email.New(email.Config{Name: r.Name, Server: e.Server, TLS: e.TLS, User: e.User, PasswordFile: e.PasswordFile, CAFile: e.CAFile, From: e.From, To: e.To, Now: time.Now}))
	}
	return nil, pitwall.Errorf(pitwall.Internal, "setting up receiver", "%s is of no known kind", r.Name)
}

// made keeps a nil pointer from becoming an interface that is not nil.
func made[T pitwall.Notifier](c T, err error) (pitwall.Notifier, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

// noReceipts stands in where receivers are only checked.
type noReceipts struct{}

func (noReceipts) Receipt(context.Context, string, string) (string, error) { return "", nil }
func (noReceipts) KeepReceipt(context.Context, string, string, string, time.Time) error {
	return nil
}

// tellPeople opens the receivers of the routing file and lets what was decided
// be sent.
func (h *house) tellPeople(routes *route.Routes, log *slog.Logger) error {
	if routes == nil {
		return nil
	}
	for _, file := range routes.Files() { // it may come yet: messages wait for it
		if err := readable(file); err != nil {
			log.Warn("A receiver cannot be told anything", "err", err)
		}
	}
	all := map[string]pitwall.Notifier{}
	for _, r := range routes.Receivers {
		n, err := receiver(r, h.db, func(now time.Time) []pitwall.Alarm { return routes.Current(r.Name, now, h.engine.Alarms()) })
		if err != nil {
			return err
		}
		all[r.Name] = n
		if am, is := n.(*alertmanager.Client); is {
			h.loops = append(h.loops, loop{"telling " + r.Name, am.Run}) // the sender speaks for its health
		}
	}
	sender := notify.New(notify.Config{Outbox: h.db, Receivers: all, Rand: rand.Float64, Log: log})
	h.keep("sending messages", sender, sender.Run)
	h.sender = sender
	return nil
}

// words lets the engine speak as the pages do.
func words(publicURL string) engine.Words {
	return engine.Words{
		Plan: func(p pitwall.Plan, s pitwall.SLO, from pitwall.State) pitwall.Message {
			return report.PlanMessage(report.View(p, pitwall.Live{}, s, report.Options{Now: p.Updated, PublicURL: publicURL}), from)
		},
		Objective: report.Objective,
		Title:     report.AlarmTitle,
		Alarm:     report.AlarmText,
		Group:     report.GroupMessage,
	}
}

// try sends a test message to one receiver of the routing file.
func (h *house) try(routes *route.Routes) func(ctx context.Context, receiver, by string) error {
	if routes == nil {
		return nil
	}
	return func(ctx context.Context, receiver, by string) error {
		for _, r := range routes.Receivers {
			if r.Name != receiver {
				continue
			}
			test := route.Test(receiver, by, time.Now())
			if _, err := h.db.PutDeliveries(ctx, nil, []pitwall.Delivery{test}); err != nil {
				return err
			}
			h.sender.Kick()
			return h.arrived(ctx, test)
		}
		return &pitwall.Error{Op: "trying receiver", Kind: pitwall.NotFound, ID: receiver, Err: fmt.Errorf("the routing file has no such receiver")}
	}
}

// tryFor is how long somebody waits to hear whether a test message arrived.
const tryFor = 12 * time.Second

// arrived waits until a delivery was tried, and says how that went.
func (h *house) arrived(ctx context.Context, test pitwall.Delivery) error {
	wrong := func(format string, args ...any) error {
		return &pitwall.Error{Op: "trying receiver", Kind: pitwall.Unavailable, ID: test.Receiver, Err: fmt.Errorf(format, args...), Hint: "pitwall alarm deliveries"}
	}
	for end := time.Now().Add(tryFor); time.Now().Before(end); {
		list, err := h.db.Deliveries(ctx, test.Receiver, 50)
		if err != nil {
			return err
		}
		for _, d := range list {
			switch {
			case d.Message.ID != test.Message.ID:
			case d.Trouble != "":
				return wrong("it did not arrive: %s", d.Trouble)
			case !d.Done.IsZero():
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return wrong("it is not known yet whether it arrived")
		case <-time.After(100 * time.Millisecond):
		}
	}
	return wrong("it was not sent within %s; it waits, maybe behind others", tryFor)
}
