package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/pitwall/pitwall/lab/controller"
	"github.com/pitwall/pitwall/lab/mesh"
	"github.com/pitwall/pitwall/lab/shop"
)

// world is the shop as the deploy controller can act on it.
type world struct {
	opt     runOptions
	stage   stage
	family  *family
	changed func() error // told after an instance came up

	acquirer, neighbor string // addresses; "" where there is none

	mu        sync.Mutex
	edge      *shop.Listening
	instances []shop.Listening
	configs   map[string]map[string]string // by "service@version": what it was deployed with
	old       []int                        // processes whose place another instance of the same version took
}

var _ controller.World = (*world)(nil)

// Start brings one version of a service up as a process.
func (w *world) Start(ctx context.Context, service, version string, config map[string]string) (string, error) {
	args := []string{
		"service", service, "--version", version, "--seed", strconv.FormatUint(w.opt.seed, 10),
		"--otlp", w.opt.otlp, "--dir", w.opt.dir, "--orders-dsn", w.opt.ordersDSN,
	}
	if service == "payment" {
		args = append(args, "--otlp-grpc", w.opt.otlpGRPC) // one service speaks gRPC, as in any real fleet
	}
	if e := w.front(); e != nil {
		args = append(args, "--mesh", "http://"+e.Mesh)
	}
	args = append(args, w.placed(service)...)
	for _, k := range slices.Sorted(maps.Keys(config)) {
		args = append(args, "--set", k+"="+config[k])
	}
	if late, err := strconv.Atoi(config[refreshKey]); err == nil && late > 0 {
		args = append(args, "--refresh", time.Duration(float64(late)/w.opt.pace*float64(time.Second)).String())
	}
	c, err := w.family.start(ctx, service+"@"+version, w.container(service), args...)
	if err != nil {
		return "", err
	}
	w.mu.Lock()
	if service == "edge" && w.edge == nil {
		w.edge = &c.said
	}
	for _, l := range w.instances {
		if l.Service == service && l.Version == version {
			w.old = append(w.old, l.PID)
		}
	}
	w.instances = slices.DeleteFunc(w.instances, func(l shop.Listening) bool { return l.Service == service && l.Version == version })
	w.instances = append(w.instances, c.said)
	if w.configs == nil {
		w.configs = map[string]map[string]string{}
	}
	w.configs[service+"@"+version] = config
	w.mu.Unlock()
	return c.said.Addr, w.changed()
}

// config is what a version was deployed with, without the wait for its feature
// switches: the platform starts it again as it last was.
func (w *world) config(service, version string) map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := merged(w.configs[service+"@"+version], nil)
	delete(c, refreshKey)
	return c
}

// Retire ends the processes whose place was taken, after what they still do.
func (w *world) Retire() {
	w.mu.Lock()
	old := w.old
	w.old = nil
	w.mu.Unlock()
	for _, pid := range old {
		w.family.retire(pid)
	}
}

// container is what each service's container allows it: one processor; for
// checkout, which holds big tables under a tight memory limit, a collector that
// lets the heap grow by 30 % between cycles instead of 100 %; and where the
// stage says so a limit of memory.
func (w *world) container(service string) []string {
	env := []string{"GOMAXPROCS=1"}
	if service == "checkout" {
		env = append(env, "GOGC=30")
	}
	if limit := w.stage.memory[service]; limit > 0 {
		env = append(env, "GOMEMLIMIT="+strconv.Itoa(limit*3/4)+"MiB") // a quarter is left for what is not heap
	}
	return env
}

// Route gives the edge its routing table.
func (w *world) Route(ctx context.Context, services []controller.Service) error {
	e := w.front()
	if e == nil {
		return nil // the edge itself is still starting
	}
	t := mesh.Table{}
	for _, s := range services {
		for _, v := range s.Versions {
			t[s.Service] = append(t[s.Service], mesh.Backend{Version: v.Version, Addr: v.Addr, Weight: v.Weight})
		}
	}
	return put(ctx, "http://"+e.Admin+"/routes", t)
}

// SetFlag sets a flag on every running version of a service.
func (w *world) SetFlag(ctx context.Context, service, flag, value string) error {
	for _, l := range w.running() {
		if l.Service != service {
			continue
		}
		if err := put(ctx, "http://"+l.Admin+"/flags/"+flag, map[string]string{"value": value}); err != nil {
			return fmt.Errorf("telling %s %s: %w", l.Service, l.Version, err)
		}
	}
	return nil
}

// forget drops an instance whose process ended.
func (w *world) forget(pid int) (shop.Listening, error) {
	w.mu.Lock()
	i := slices.IndexFunc(w.instances, func(l shop.Listening) bool { return l.PID == pid })
	if i < 0 {
		w.mu.Unlock()
		return shop.Listening{}, nil
	}
	l := w.instances[i]
	w.instances = slices.Delete(w.instances, i, i+1)
	w.mu.Unlock()
	return l, w.changed()
}

func (w *world) front() *shop.Listening {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.edge
}

func (w *world) running() []shop.Listening {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.instances)
}

// put sends JSON and wants a 2xx within three seconds.
func put(ctx context.Context, target string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return send(ctx, http.MethodPut, target, exchange{in: v})
}

// exchange is what is sent and, if out is not nil, what the answer becomes.
type exchange struct{ in, out any }

// send sends JSON and wants a 2xx.
func send(ctx context.Context, method, target string, x exchange) error {
	body, err := json.Marshal(x.in)
	if err != nil {
		return fmt.Errorf("encoding request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("reading answer: %w", err)
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s answered %s: %.200s", method, target, res.Status, raw)
	}
	if x.out == nil {
		return nil
	}
	if err := json.Unmarshal(raw, x.out); err != nil {
		return fmt.Errorf("decoding answer: %w", err)
	}
	return nil
}
