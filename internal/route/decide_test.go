package route

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

// play runs a router over time; alarms come and go by minute.
type play struct {
	t      testing.TB
	r      Router
	state  State
	now    time.Time
	alarms map[string]pitwall.Alarm
	log    []string
}

var began = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func newPlay(t testing.TB, file string) *play {
	return &play{t: t, r: Router{Routes: routes(t, file)}, now: began, alarms: map[string]pitwall.Alarm{}}
}

// fire begins an alarm: "id slo service action".
func (p *play) fire(text string) {
	w := strings.Fields(text)
	p.alarms[w[0]] = pitwall.Alarm{ID: w[0], SLO: pitwall.SLOName(w[1]), Service: pitwall.ServiceName(w[2]), Action: pitwall.Action(w[3]),
		Since: p.now, Owner: "team", Text: w[0] + " fires.", State: pitwall.TierState{Tier: pitwall.BurnTier{Name: "fast"}}}
}

func (p *play) end(id string) {
	a := p.alarms[id]
	a.Until = p.now
	p.alarms[id] = a
}

// run decides every 15 s for a while, each time with a state read back as a
// restart would read it.
func (p *play) run(d time.Duration, plans ...pitwall.Message) {
	p.t.Helper()
	for end := p.now.Add(d); p.now.Before(end); p.now = p.now.Add(15 * time.Second) {
		var list []pitwall.Alarm
		for _, a := range p.alarms {
			if a.Firing() || p.now.Sub(a.Until) < time.Minute {
				list = append(list, a)
			}
		}
		data, err := p.state.Bytes()
		if err != nil {
			p.t.Fatal(err)
		}
		before, err := ReadState(data)
		if err != nil {
			p.t.Fatal(err)
		}
		got := p.r.Decide(p.now, list, plans, before)
		// The same again gives the same: nothing was changed under our hands.
		if again := p.r.Decide(p.now, list, plans, before); cmp.Diff(got.Deliveries, again.Deliveries) != "" {
			p.t.Fatalf("decided differently the second time: %s", cmp.Diff(got.Deliveries, again.Deliveries))
		}
		p.state = got.State
		for _, v := range got.Deliveries {
			p.log = append(p.log, p.line(v))
		}
	}
}

func (p *play) line(v pitwall.Delivery) string {
	var ids []string
	for _, a := range v.Message.Alarms {
		ids = append(ids, a.ID)
	}
	what := strings.Join(ids, "+")
	if v.Message.Kind == pitwall.MessagePlan {
		what = v.Message.ID
	}
	return fmt.Sprintf("%s %s %s %s", v.At.Sub(began), v.Receiver, v.Message.Kind, what)
}

func (p *play) want(lines ...string) {
	p.t.Helper()
	if diff := cmp.Diff(lines, p.log); diff != "" {
		p.t.Errorf("told (-want +got):\n%s", diff)
	}
}

const mails = "receivers: [{name: m, email: {server: h:25, from: a@b}}, {name: p, pagerduty: {routing_key_file: k}}]\n"

func TestGroupsWaitJoinRepeatAndEnd(t *testing.T) {
	p := newPlay(t, mails+"routes: [{to: [m], wait: 30s, interval: 5m, repeat: 1h}]")
	p.fire("a slo-a checkout ticket")
	p.run(15 * time.Second)
	p.fire("b slo-b checkout ticket") // joins before the first message
	p.fire("z slo-z stock ticket")    // another service: another thread
	p.run(2 * time.Minute)
	p.fire("c slo-c checkout ticket") // told 5 minutes after the last message
	p.run(time.Hour + 10*time.Minute)
	p.end("a")
	p.end("z")
	p.run(10 * time.Minute)
	p.end("b")
	p.end("c")
	p.run(2 * time.Hour)
	p.want("30s m alarm a+b", "45s m alarm z", "5m30s m alarm a+b+c", "1h0m45s m alarm z", "1h5m30s m alarm a+b+c",
		"1h12m15s m resolved z", "1h22m15s m resolved a+b+c")
	if len(p.state.Groups) != 0 {
		t.Errorf("%d groups are left", len(p.state.Groups))
	}
}

func TestWhatIsWorseDoesNotWait(t *testing.T) {
	p := newPlay(t, mails+"routes: [{to: [m], wait: 30s, interval: 30m, repeat: 1h}]\ninhibit: []")
	p.fire("a slo-a checkout inform")
	p.run(2 * time.Minute)
	p.fire("b slo-b checkout page")
	p.run(2 * time.Minute)
	p.fire("c slo-c checkout page")
	p.run(40 * time.Minute)
	p.want("30s m alarm a", "2m30s m alarm b+a", "32m30s m alarm b+c+a")
}

func TestAPageSilencesTickets(t *testing.T) {
	p := newPlay(t, mails+"routes: [{to: [m], group_by: slo, wait: 0s}]")
	p.fire("page slo-a checkout page")
	p.fire("ticket slo-a checkout ticket")
	p.fire("other slo-b checkout ticket")
	p.run(10 * time.Minute)
	p.end("page")
	p.run(10 * time.Minute) // the ticket still fires
	p.end("ticket")
	p.run(10 * time.Minute)
	p.want("0s m alarm page", "0s m alarm other", "10m0s m alarm ticket", "20m0s m resolved page+ticket")
}

// TestAQuietPageSilencesNothing: else nobody would hear of either.
func TestAQuietPageSilencesNothing(t *testing.T) {
	p := newPlay(t, mails+"routes: [{to: [m], wait: 0s}]\nquiet: [{name: q, match: {action: page}, from: 2026-03-02T09:00, to: 2026-03-02T11:00, reason: r, by: b}]")
	p.fire("page slo-a checkout page")
	p.fire("ticket slo-a checkout ticket")
	p.run(2 * time.Hour)
	p.want("0s m alarm ticket", "1h0m0s m alarm page+ticket")
}

func TestQuietLosesNothing(t *testing.T) {
	const file = mails + "routes: [{to: [m], wait: 30s, interval: 1m, repeat: 10m}]\nquiet: [{name: q, from: 2026-03-02T10:05, to: 2026-03-02T11:00, reason: r, by: b}]"
	p := newPlay(t, file)
	p.fire("early slo-a a ticket")
	p.fire("ends slo-b b ticket")
	p.run(10 * time.Minute)
	p.end("ends") // over in the window: told after it
	p.fire("short slo-c c ticket")
	p.fire("long slo-d d ticket")
	plan := func(id string, to pitwall.State) pitwall.Message {
		return pitwall.Message{ID: id, Kind: pitwall.MessagePlan, Plan: "PIP-1", To: to, Action: pitwall.ActionInform}
	}
	p.run(time.Minute, plan("one", pitwall.Opened))
	p.run(time.Minute, plan("two", pitwall.Closed)) // the last word is kept
	p.end("short")
	p.run(time.Hour)
	p.want("30s m alarm early", "30s m alarm ends", "1h0m0s m alarm early", "1h0m0s m resolved ends", "1h0m0s m plan two",
		"1h0m30s m alarm long", "1h10m0s m alarm early", "1h10m30s m alarm long")
}

func TestTransientsAreNotTold(t *testing.T) {
	p := newPlay(t, mails+"routes: [{match: {action: page}, to: [p], after: 0s, wait: 0s}, {to: [m], after: 10m, wait: 0s, resolved: false}]\ninhibit: []")
	p.fire("short s1 a ticket")
	p.fire("long s2 b ticket")
	p.run(9 * time.Minute)
	p.end("short")
	p.run(5 * time.Minute)
	p.end("long")
	p.fire("page s3 c page")
	p.run(10 * time.Minute)
	p.want("10m0s m alarm long", "14m0s p alarm page")
}

// TestOneSpeaksForAnother: nobody hears of an alarm that another speaks for, but
// of one that was told before nobody hears that it is over until it is.
func TestOneSpeaksForAnother(t *testing.T) {
	p := newPlay(t, mails+"routes: [{to: [m], wait: 0s, interval: 1m, group_by: ['label:none', slo]}]\ninhibit: []")
	p.fire("told s1 a ticket")
	p.run(2 * time.Minute)
	p.fire("worse s2 a ticket") // an objective of its own: another group
	p.fire("never s3 a ticket")
	for _, id := range []string{"told", "never"} {
		a := p.alarms[id]
		a.SpokenBy = "worse"
		p.alarms[id] = a
	}
	p.run(20 * time.Minute)
	p.end("told")
	p.run(time.Minute)
	p.want("0s m alarm told", "2m0s m alarm worse", "22m0s m resolved told")
}

func TestCorrelationGroups(t *testing.T) {
	p := newPlay(t, mails+"routes: [{to: [m], group_by: correlation, wait: 1m, interval: 5m, repeat: 1d}]")
	p.r.Related = func(s pitwall.ServiceName) []pitwall.ServiceName {
		return map[pitwall.ServiceName][]pitwall.ServiceName{"checkout": {"stock"}, "stock": {"checkout", "db"}, "db": {"stock"}}[s]
	}
	p.fire("a s1 checkout page")
	p.fire("x s9 mail page") // nobody calls it
	p.run(30 * time.Second)
	p.fire("b s2 stock page") // called by checkout
	p.run(30 * time.Second)
	p.fire("c s3 db page") // called by stock
	p.run(10 * time.Minute)
	p.fire("d s4 stock page") // related, but long after
	p.run(5 * time.Minute)
	p.want("1m0s m alarm a+b+c", "1m0s m alarm x", "12m0s m alarm d")
}

func TestOneReceiverIsToldOnce(t *testing.T) {
	p := newPlay(t, mails+"routes: [{match: {action: page}, to: [p, m], continue: true, wait: 0s}, {to: [m], wait: 0s, group_by: slo}]")
	p.fire("a s1 checkout page")
	p.run(10 * time.Minute)
	p.want("0s m alarm a", "0s p alarm a")
}

// TestForgottenAlarms: one tick without an alarm ends nothing; five minutes do.
func TestForgottenAlarms(t *testing.T) {
	p := newPlay(t, mails+"routes: [{to: [m], wait: 0s, interval: 1m}]")
	p.fire("a s1 checkout page")
	p.run(2 * time.Minute)
	a := p.alarms["a"]
	delete(p.alarms, "a")
	p.run(4 * time.Minute)
	p.alarms["a"] = a
	p.run(4 * time.Minute)
	delete(p.alarms, "a")
	p.run(10 * time.Minute)
	p.want("0s m alarm a", "15m0s m resolved a")
}

func TestDutyInTheWordsOfTheReceiver(t *testing.T) {
	r := Router{Routes: sample(t)}
	now := at(t, "2026-01-05T12:00:00Z") // Ada's week
	a := pitwall.Alarm{ID: "1", SLO: "s", Service: "checkout", Action: pitwall.ActionPage, Since: now}
	d := r.Decide(now, []pitwall.Alarm{a}, nil, State{})
	d = r.Decide(now.Add(30*time.Second), []pitwall.Alarm{a}, nil, d.State)
	got := map[string][]string{}
	for _, v := range d.Deliveries {
		got[v.Receiver] = v.Message.OnCall
	}
	if diff := cmp.Diff(map[string][]string{"pager": {"Ada"}, "shop-chat": {"U024BE7LH"}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCurrentForAnAlertmanager(t *testing.T) {
	r := routes(t, `receivers: [{name: am, alertmanager: {urls: ["http://h"]}}]
routes: [{match: {service: shop}, to: [am], after: 10m}, {to: []}]
quiet: [{name: q, from: 2026-03-02T10:00, to: 2026-03-02T11:00, reason: r, by: b}]`)
	alarm := func(id, service string, since time.Duration) pitwall.Alarm {
		return pitwall.Alarm{ID: id, Service: pitwall.ServiceName(service), Since: began.Add(since), Action: pitwall.ActionPage}
	}
	over := alarm("over", "shop", -time.Hour)
	over.Until = began
	list := []pitwall.Alarm{alarm("before", "shop", -15*time.Minute), alarm("in", "shop", time.Minute), alarm("young", "shop", 55*time.Minute),
		alarm("elsewhere", "mail", -time.Hour), over}
	spoken, early := alarm("spoken", "shop", 2*time.Minute), alarm("early", "shop", -14*time.Minute)
	spoken.SpokenBy, early.SpokenBy = "in", "in" // early was sent before in spoke for it
	list = append(list, spoken, early)
	f := func(now time.Duration, want ...string) {
		t.Helper()
		var got []string
		for _, a := range r.Current("am", began.Add(now), list) {
			got = append(got, a.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after %s: %s", now, diff)
		}
	}
	f(20*time.Minute, "over", "before", "early") // the window hides what began in it
	f(time.Hour, "over", "before", "early", "in")
	f(2*time.Hour, "over", "before", "early", "in", "young")
	if got := (Router{Routes: r}).Decide(began.Add(2*time.Hour), list, nil, State{}); len(got.Deliveries) != 0 {
		t.Errorf("it was sent messages: %+v", got.Deliveries)
	}
}

func TestPlanMessagesAreToldOnce(t *testing.T) {
	p := newPlay(t, mails+"routes: [{match: {kind: plan, service: shop}, to: [m, p]}, {match: {kind: alarm}, to: [p]}, {to: []}]")
	m := pitwall.Message{ID: "7", Kind: pitwall.MessagePlan, Plan: "PIP-1", Service: "shop", Action: pitwall.ActionInform}
	p.run(time.Minute, m)
	p.run(time.Minute, m, pitwall.Message{ID: "8", Kind: pitwall.MessagePlan, Service: "mail"})
	p.want("0s m plan 7", "0s p plan 7")
}

// TestNobodyIsForgottenAndNobodyIsToldTwice plays random alarms over random
// routes. What fires longer than wait and interval, and is neither quiet nor
// silenced, is told; and no group is told the same within repeat.
func TestNobodyIsForgottenAndNobodyIsToldTwice(t *testing.T) {
	for seed := range int64(20) {
		rng := rand.New(rand.NewSource(seed))
		by := []string{"service", "slo", "correlation", "[]", "[owner, slo]"}[rng.Intn(5)]
		wait, interval := time.Duration(rng.Intn(5))*30*time.Second, time.Duration(1+rng.Intn(10))*time.Minute
		repeat := interval * time.Duration(1+rng.Intn(20))
		quietFrom := began.Add(time.Duration(rng.Intn(120)) * time.Minute)
		p := newPlay(t, fmt.Sprintf("%sroutes: [{to: [m], group_by: %s, wait: %s, interval: %s, repeat: %s}]\nquiet: [{name: q, match: {service: s1}, from: %q, to: %q, reason: r, by: b}]\ninhibit: []\n",
			mails, by, spanText(wait), spanText(interval), spanText(repeat), quietFrom.Format(time.RFC3339), quietFrom.Add(40*time.Minute).Format(time.RFC3339)))
		told, free := map[string]bool{}, map[string]time.Duration{}
		last := map[string]time.Time{} // thread and content -> when
		for step := range 480 {
			p.now = began.Add(time.Duration(step) * 30 * time.Second)
			if rng.Intn(10) == 0 {
				p.fire(fmt.Sprintf("a%d slo%d s%d %s", step, rng.Intn(4), rng.Intn(3), actions()[rng.Intn(4)]))
			}
			var list []pitwall.Alarm
			for id, a := range p.alarms {
				if a.Firing() && rng.Intn(30) == 0 {
					p.end(id)
				}
				list = append(list, p.alarms[id])
			}
			d := p.r.Decide(p.now, list, nil, p.state)
			p.state = d.State
			for _, v := range d.Deliveries {
				m := v.Message
				content := m.Thread + string(m.Kind)
				for _, a := range m.Alarms {
					content += " " + a.ID
					told[a.ID] = told[a.ID] || m.Kind == pitwall.MessageAlarm
				}
				if at, twice := last[content]; twice && p.now.Sub(at) < repeat {
					t.Fatalf("seed %d: %q at %s and again at %s, repeat %s", seed, content, at, p.now, repeat)
				}
				last[content] = p.now
			}
			open := p.r.Routes.open(p.now)
			for _, a := range list {
				if _, quiet := quietFor(open, ofAlarm(a)); quiet || !a.Firing() {
					free[a.ID] = 0
					continue
				}
				if free[a.ID] += 30 * time.Second; !told[a.ID] && free[a.ID] > wait+interval+30*time.Second {
					t.Fatalf("seed %d: %s fired for %s and nobody was told (wait %s, interval %s, by %s)", seed, a.ID, free[a.ID], wait, interval, by)
				}
			}
		}
		if len(told) < 20 {
			t.Fatalf("seed %d: only %d alarms were told: this test looks at nothing", seed, len(told))
		}
	}
}

func TestManyAlarmsAreCounted(t *testing.T) {
	p := newPlay(t, mails+"routes: [{to: [m], wait: 0s, group_by: []}]")
	for i := range 250 {
		p.fire(fmt.Sprintf("a%03d slo%d s page", i, i))
	}
	var list []pitwall.Alarm
	for _, a := range p.alarms {
		list = append(list, a)
	}
	d := p.r.Decide(p.now, list, nil, State{})
	if len(d.Deliveries) != 1 {
		t.Fatalf("%d messages", len(d.Deliveries))
	}
	m := d.Deliveries[0].Message
	if len(m.Alarms) != shown || m.Title != "[page] slo0: fast and 249 more" || !strings.HasSuffix(m.Text, "and 150 more") {
		t.Errorf("%d alarms, %q, …%q", len(m.Alarms), m.Title, m.Text[len(m.Text)-30:])
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := newPlay(b, mails+"routes: [{match: {action: page}, to: [p, m], group_by: correlation}, {to: [m], group_by: [service]}]")
			for i := range n {
				p.fire(fmt.Sprintf("a%d slo%d service%d %s", i, i, i%500, actions()[1+i%3]))
			}
			var list []pitwall.Alarm
			for _, a := range p.alarms {
				list = append(list, a)
			}
			state := p.r.Decide(p.now, list, nil, State{}).State
			for b.Loop() {
				p.now = p.now.Add(15 * time.Second)
				state = p.r.Decide(p.now, list, nil, state).State
			}
		})
	}
}

// TestOneTroubleIsToldOnce: a slower tier that began while a faster one of the
// same action spoke for it goes on in its group. Nobody is woken again when the
// faster one is over, and nobody hears that all is well before it is.
func TestOneTroubleIsToldOnce(t *testing.T) {
	for _, by := range []string{"", "group_by: [slo], ", "group_by: [correlation], "} {
		p := newPlay(t, mails+"routes: [{"+by+"to: [p], wait: 0s, interval: 1m, repeat: 4h}]")
		p.fire("fast slo-a checkout page")
		p.run(45 * time.Minute)
		p.fire("slow slo-a checkout page")
		p.fire("mild slo-a checkout ticket")
		for _, id := range []string{"slow", "mild"} {
			a := p.alarms[id]
			a.SpokenBy = "fast"
			p.alarms[id] = a
		}
		p.run(15 * time.Minute)
		p.end("fast")
		for _, id := range []string{"slow", "mild"} {
			a := p.alarms[id]
			a.SpokenBy = map[string]string{"mild": "slow"}[id]
			p.alarms[id] = a
		}
		p.run(30 * time.Minute)
		p.end("slow")
		a := p.alarms["mild"]
		a.SpokenBy = ""
		p.alarms["mild"] = a
		p.run(time.Minute)
		// The ticket asks for something else, and for it this is the first word.
		if len(p.log) < 2 || p.log[0] != "0s p alarm fast" || !strings.HasPrefix(p.log[1], "1h30m0s") {
			t.Errorf("%q: %q", by, p.log)
		}
	}
	// Spoken for by what nobody was told of, it is told itself.
	p := newPlay(t, mails+"routes: [{to: [p], wait: 1m, interval: 1m}]")
	p.fire("fast slo-a checkout page")
	p.fire("slow slo-a checkout page")
	a := p.alarms["slow"]
	a.SpokenBy = "fast"
	p.alarms["slow"] = a
	p.run(30 * time.Second)
	p.end("fast")
	a.SpokenBy = ""
	p.alarms["slow"] = a
	p.run(3 * time.Minute)
	p.want("1m0s p alarm slow")
}

// TestManyAreCounted: a message carries a hundred alarms, and its words are about
// all of them.
func TestManyAreCounted(t *testing.T) {
	p := newPlay(t, mails+"routes: [{group_by: [], to: [m], wait: 0s}]")
	told := 0
	p.r.Word = func(m *pitwall.Message) { told = len(m.Alarms) }
	for i := range 250 {
		p.fire(fmt.Sprintf("a%03d slo-%d s%d ticket", i, i, i))
	}
	var list []pitwall.Alarm
	for _, a := range p.alarms {
		list = append(list, a)
	}
	got := p.r.Decide(p.now, list, nil, State{})
	if len(got.Deliveries) != 1 || len(got.Deliveries[0].Message.Alarms) != shown || told != 250 {
		t.Errorf("%d deliveries, worded of %d", len(got.Deliveries), told)
	}
}

// TestCorrelationOfThousands: a storm is decided in the time of a tick. It took
// minutes when every alarm looked through every group.
func TestCorrelationOfThousands(t *testing.T) {
	p := newPlay(t, mails+"routes: [{group_by: correlation, to: [m], wait: 0s}]")
	for i := range 5000 {
		p.fire(fmt.Sprintf("a%04d slo-%d s%d page", i, i, i/2))
	}
	p.r.Related = func(s pitwall.ServiceName) []pitwall.ServiceName { return []pitwall.ServiceName{"calls-" + s} }
	var list []pitwall.Alarm
	for _, a := range p.alarms {
		list = append(list, a)
	}
	began := time.Now()
	if got := p.r.Decide(p.now, list, nil, State{}); len(got.Deliveries) != 2500 {
		t.Errorf("%d messages of 2500 services", len(got.Deliveries))
	}
	if took := time.Since(began); took > 10*time.Second { // 60 s and more, the old way
		t.Errorf("it took %s", took)
	}
}
