package controller_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall/lab/controller"
)

// world is a World in memory that can be told to break.
type world struct {
	mu     sync.Mutex
	routes map[string]controller.Weights
	flags  map[string]string
	broken bool
}

func (w *world) Start(_ context.Context, service, version string, _ map[string]string) (string, error) {
	if version == "v-broken" {
		return "", errors.New("it does not start")
	}
	return service + "-" + version + ":1", nil
}

func (w *world) Route(_ context.Context, services []controller.Service) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken {
		return errors.New("the edge does not answer")
	}
	w.routes = map[string]controller.Weights{}
	for _, s := range services {
		w.routes[s.Service] = s.Weights
	}
	return nil
}

func (w *world) Retire() {}

func (w *world) SetFlag(_ context.Context, service, flag, value string) error {
	w.flags[service+"/"+flag] = value
	return nil
}

// bench is a controller over real HTTP with inventory v40 and v41 running,
// v41 having all the traffic.
type bench struct {
	t       *testing.T
	url     string
	world   *world
	ctrl    *controller.Controller
	changes []controller.Change
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, world: &world{flags: map[string]string{}}}
	b.ctrl = controller.New(controller.Config{World: b.world, Announce: func(c controller.Change) { b.changes = append(b.changes, c) }})
	if err := b.ctrl.Boot(context.Background(), "inventory", "v40"); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(b.ctrl.Handler())
	t.Cleanup(srv.Close)
	b.url = srv.URL
	b.do("POST", "/v1/deploys", `{"service":"inventory","version":"v41","summary":"s"}`, nil).want(200, "")
	return b
}

type result struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// want checks the status and a piece of the body.
func (r result) want(status int, piece string) result {
	r.t.Helper()
	if r.status != status || !strings.Contains(r.body, piece) {
		r.t.Errorf("got %d %s, want %d with %q", r.status, r.body, status, piece)
	}
	return r
}

func (b *bench) do(method, path, body string, header map[string]string) result {
	b.t.Helper()
	req, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return result{b.t, res.StatusCode, res.Header, string(raw)}
}

func (b *bench) weights(key, fencing, body string) result {
	b.t.Helper()
	h := map[string]string{"X-Actor": "pitwall"}
	if key != "" {
		h["Idempotency-Key"] = key
	}
	if fencing != "" {
		h["X-Fencing-Token"] = fencing
	}
	return b.do("PUT", "/v1/services/inventory/weights", body, h)
}

const ten = `{"weights":{"v40":10,"v41":90},"reason":"canary"}`

func TestWeightsTakeEffectOnce(t *testing.T) {
	b := newBench(t)
	before := len(b.ctrl.Effects())
	first := b.weights("k1", "7", ten).want(200, `"generation":3`)
	if got := b.world.routes["inventory"]; !cmp.Equal(got, controller.Weights{"v40": 10, "v41": 90}) {
		t.Fatalf("the world routes %v", got)
	}
	again := b.weights("k1", "8", ten).want(200, "")
	if again.header.Get("Idempotent-Replay") != "true" || first.header.Get("Idempotent-Replay") != "" {
		t.Error("only the second answer may be marked as a replay")
	}
	if first.body != again.body {
		t.Errorf("the replay answered differently:\n%s%s", first.body, again.body)
	}
	e := b.ctrl.Effects()[before:]
	if len(e) != 2 || e[0].Replay || !e[1].Replay || e[0].Key != "k1" || e[0].Actor != "pitwall" || e[0].Fencing != 7 {
		t.Errorf("effects are %+v, want one effect and one replay", e)
	}
	if !cmp.Equal(e[0].From, controller.Weights{"v40": 0, "v41": 100}) || e[1].Generation != 3 {
		t.Errorf("effects are %+v", e)
	}
	b.weights("k1", "", `{"weights":{"v40":100}}`).want(422, "used for another request")
}

func TestFencingRefusesTheOlderOwner(t *testing.T) {
	b := newBench(t)
	b.weights("k1", "7", ten).want(200, `"fencing_token":7`)
	b.weights("k2", "6", ten).want(409, `"highest":7`)
	b.weights("k3", "7", ten).want(200, "")
	b.weights("k4", "", ten).want(200, `"fencing_token":7`) // a person, unfenced
	b.weights("k5", "many", ten).want(400, "not an unsigned number")
}

func TestBadWeightsChangeNothing(t *testing.T) {
	b := newBench(t)
	before := len(b.ctrl.Effects())
	b.weights("", "", ten).want(400, "Idempotency-Key")
	b.weights("k", "", `{"weights":{"v40":10,"v41":80}}`).want(422, "sum to 90")
	b.weights("k", "", `{"weights":{"v40":-10,"v41":110}}`).want(422, "choose 0 to 100")
	b.weights("k", "", `{"weights":{}}`).want(422, "sum to 0")
	b.weights("k", "", `{"weights":{"v4O":100}}`).want(422, `no version \"v4O\": nearest are v40`)
	b.weights("k", "", `{"wieghts":{"v40":100}}`).want(400, "wieghts")
	b.weights("k", "", `nonsense`).want(400, "reading body")
	b.do("PUT", "/v1/services/invent/weights", ten, map[string]string{"Idempotency-Key": "k"}).want(404, "there are inventory")
	b.do("PUT", "/v1/services/inventory/weights?dry_run=true", ten, map[string]string{"Idempotency-Key": "k"}).want(200, `"v40":10`)
	if n := len(b.ctrl.Effects()); n != before || b.world.routes["inventory"]["v41"] != 100 {
		t.Errorf("%d effects more, routes %v", n-before, b.world.routes)
	}
	b.weights("k", "", ten).want(200, "") // the dry run did not use the key up
}

func TestABrokenEdgeLeavesTheStateAsItWas(t *testing.T) {
	b := newBench(t)
	b.world.broken = true
	b.weights("k1", "", ten).want(502, "ask again")
	b.do("GET", "/v1/services/inventory", "", nil).want(200, `"weights":{"v40":0,"v41":100}`)
	b.world.broken = false
	if r := b.weights("k1", "", ten).want(200, `"v40":10`); r.header.Get("Idempotent-Replay") != "" {
		t.Error("a failed attempt was stored as an answer")
	}
}

func TestADeadVersionGetsNoWeight(t *testing.T) {
	b := newBench(t)
	b.ctrl.Gone("inventory", "v40")
	b.weights("k1", "", ten).want(422, "v40 is not ready")
	b.do("POST", "/v1/deploys", `{"service":"inventory","version":"v40","summary":"again"}`, nil).want(200, `"ready":true`)
}

func TestChangesAreAnnouncedButNotPitwalls(t *testing.T) {
	b := newBench(t)
	b.weights("k1", "", ten)
	b.do("PUT", "/v1/flags/inventory/some_flag", `{"value":true}`, nil).want(200, `"value":"true"`)
	b.do("PUT", "/v1/services/inventory/weights", `{"weights":{"v41":100}}`, map[string]string{"Idempotency-Key": "k2", "X-Actor": "ann"}).want(200, "")
	var kinds []string
	for _, c := range b.changes {
		kinds = append(kinds, c.Kind+" by "+c.Actor)
	}
	if diff := cmp.Diff([]string{"deploy by ci", "flag by ci", "config by ann"}, kinds); diff != "" {
		t.Error(diff)
	}
	if d := b.changes[0]; d.Version != "v41" || d.Previous != "v40" || d.ID == b.changes[1].ID {
		t.Errorf("announced %+v", d)
	}
	if b.world.flags["inventory/some_flag"] != "true" {
		t.Error("the flag did not reach the world")
	}
	var h struct {
		History []controller.Entry `json:"history"`
	}
	if err := json.Unmarshal([]byte(b.do("GET", "/v1/history", "", nil).body), &h); err != nil || len(h.History) != 4 {
		t.Errorf("history %+v, %v; want all four", h.History, err)
	}
}

func TestDeploysThatCannotBe(t *testing.T) {
	b := newBench(t)
	f := func(body string, status int, piece string) {
		t.Helper()
		b.do("POST", "/v1/deploys", body, nil).want(status, piece)
	}
	f(`{"service":"nobody","version":"v1"}`, 404, "no service")
	f(`{"service":"inventory"}`, 422, "needs a version")
	f(`{"service":"inventory","version":"v41"}`, 409, "running already")
	f(`{"service":"inventory","version":"v-broken"}`, 502, "traffic is unchanged")
	f(`{"service":"inventory","version":"v42","strategy":"hope"}`, 422, "only replace")
	b.do("GET", "/v1/services/inventory", "", nil).want(200, `"weights":{"v40":0,"v41":100}`)
}

func TestSettingsChangeWithoutARestart(t *testing.T) {
	b := newBench(t)
	before := len(b.changes)
	b.do("POST", "/v1/config/inventory", `{"summary":"second site","config":{"egress":"b","size":"3"},"files":["a.yaml"],"diff":"-a\n+b"}`, nil).want(200, `"egress":"b"`)
	if b.world.flags["inventory/egress"] != "b" || b.world.flags["inventory/size"] != "3" {
		t.Errorf("the world has %v", b.world.flags)
	}
	got := b.changes[before:]
	if len(got) != 1 || got[0].Kind != "config" || got[0].Diff != "-a\n+b" || len(got[0].Files) != 1 || got[0].Config["size"] != "3" {
		t.Errorf("announced %+v", got)
	}
	b.do("POST", "/v1/config/inventory", `{"summary":"nothing"}`, nil).want(422, "at least one setting")
	b.do("POST", "/v1/config/nobody", `{"summary":"x","config":{"a":"b"}}`, nil).want(404, "there are inventory")
}

func TestRenewingIsUnannounced(t *testing.T) {
	b := newBench(t)
	before := len(b.changes)
	if err := b.ctrl.Renew(context.Background(), "inventory", "v41", nil); err != nil {
		t.Fatal(err)
	}
	if len(b.changes) != before || b.world.routes["inventory"]["v41"] != 100 {
		t.Errorf("%d changes, routes %v", len(b.changes)-before, b.world.routes)
	}
	if err := b.ctrl.Renew(context.Background(), "inventory", "v-broken", nil); err == nil {
		t.Error("a version that does not start was renewed")
	}
}
