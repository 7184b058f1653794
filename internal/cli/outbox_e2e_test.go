//go:build e2e

package cli

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// envelope is a message of the signed webhook, what we look at of it.
type envelope struct {
	ID, Type, Thread, Service, Owner, Plan, From, To, Title string
	Alarms                                                  []struct{ ID, SLO string }
}

// hookSecret signs what is sent to the webhooks of tests.
const hookSecret = "a-secret-of-the-tests"

// signedHook takes what is signed and addressed as it should be.
func signedHook(t *testing.T, got *inbox[envelope]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte(hookSecret))
		mac.Write(body)
		var e envelope
		if err == nil {
			err = json.Unmarshal(body, &e)
		}
		switch want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); {
		case err != nil:
			t.Errorf("%v: %s", err, body)
		case !hmac.Equal([]byte(want), []byte(r.Header.Get("X-Pitwall-Signature"))):
			t.Errorf("the signature of %s is wrong", e.ID)
		case e.ID == "" || r.Header.Get("X-Pitwall-Id") != e.ID:
			t.Errorf("a message %q has the header %q", e.ID, r.Header.Get("X-Pitwall-Id"))
		default:
			got.add(e)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
	})
}

// once fails for every message that came more than once.
func once(t *testing.T, list []envelope) {
	t.Helper()
	times := map[string]int{}
	for _, e := range list {
		if times[e.ID]++; times[e.ID] == 2 {
			t.Errorf("came twice: %+v", e)
		}
	}
}

// ofService are the kinds of messages about alarms of a service, in their order.
func ofService(list []envelope, service string) (types []string, threads map[string]bool) {
	threads = map[string]bool{}
	for _, e := range list {
		if e.Service == service && strings.HasPrefix(e.Type, "alarm.") {
			types, threads[e.Thread] = append(types, e.Type), true
		}
	}
	return types, threads
}

// TestKilledInABurst: many services fail at once and recover while their
// receiver is down, and Pitwall is killed in the middle of both. When the
// receiver is back every message is there once, those of a thread in their order.
func TestKilledInABurst(t *testing.T) {
	t.Parallel()
	const many = 12
	address := freeAddress(t)
	var services []string
	objectives := pagePolicy
	for i := range many {
		services = append(services, fmt.Sprintf("shop-%02d", i))
		objectives += answersSLO(services[i])
	}
	p := newServing(t, map[string]string{"pitwall.yaml": hurried, "slo.yaml": objectives, "secret": hookSecret,
		"routes.yaml": fmt.Sprintf(`receivers: [{name: hook, webhook: {url: "http://%s/", secret_file: secret}}]
routes: [{to: [hook], group_by: slo, wait: 0s, interval: 1s}]
`, address)})
	requests := startTraffic(t, p.otlp, 15*time.Second, services...)

	requests.fail(services...)
	waitAlarms(t, p, func(firing, _ int) bool { return firing > 0 })
	restart(p)
	waitAlarms(t, p, func(firing, _ int) bool { return firing == many })
	restart(p)
	requests.fail()
	waitAlarms(t, p, func(_, over int) bool { return over > 0 })
	restart(p)
	waitAlarms(t, p, func(firing, _ int) bool { return firing == 0 })

	var posted inbox[envelope]
	receive(t, address, signedHook(t, &posted))
	var sent []delivery
	eventually(t, func() (wrong string) {
		if sent, wrong = p.allSent(); wrong == "" && ofKind(sent, "resolved") < many {
			return fmt.Sprintf("%d messages, of which %d resolve", len(sent), ofKind(sent, "resolved"))
		}
		return wrong
	})
	list := posted.all()
	once(t, list)
	ids := map[string]bool{}
	for _, e := range list {
		ids[e.ID] = true
	}
	for _, d := range sent {
		if !ids[d.Message.ID] {
			t.Errorf("%s is called sent and never came", d.Message.ID)
		}
	}
	if len(ids) != len(sent) {
		t.Errorf("%d messages came, %d were written down", len(ids), len(sent))
	}
	for _, service := range services {
		types, threads := ofService(list, service)
		if diff := cmp.Diff([]string{"alarm.firing", "alarm.resolved"}, types); diff != "" || len(threads) != 1 {
			t.Errorf("of %s in %d threads (-want +got):\n%s", service, len(threads), diff)
		}
	}
	if n := plans(list); n != many {
		t.Errorf("%d plans were told of from their beginning on, want %d", n, many)
	}
	t.Logf("%d messages, each once", len(list))
}

// restart kills it at once, and starts it again.
func restart(p *serving) {
	p.t.Helper()
	p.kill()
	p.start()
}

// waitAlarms waits for so many alarms that fire, and that are over.
func waitAlarms(t *testing.T, p *serving, good func(firing, over int) bool) {
	t.Helper()
	eventually(t, func() string {
		list, err := p.alarms()
		firing, over := 0, 0
		for _, a := range list.Alarms {
			if a.Until.IsZero() {
				firing++
			} else {
				over++
			}
		}
		if err != nil || !good(firing, over) {
			return fmt.Sprintf("%d fire and %d are over, %v", firing, over, err)
		}
		return ""
	})
}

// receive opens a receiver on an address that nobody had until now.
func receive(t *testing.T, address string, h http.Handler) {
	t.Helper()
	lis, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(lis) // until it is closed
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

func ofKind(list []delivery, kind string) (n int) {
	for _, d := range list {
		if d.Message.Kind == kind {
			n++
		}
	}
	return n
}

// plans counts the plans that were told of, each from its beginning on.
func plans(list []envelope) int {
	seen := map[string][]string{}
	for _, e := range list {
		if strings.HasPrefix(e.Type, "plan.") {
			seen[e.Plan] = append(seen[e.Plan], e.To)
		}
	}
	n := 0
	for _, states := range seen {
		if slices.Index(states, "opened") == 0 {
			n++
		}
	}
	return n
}
