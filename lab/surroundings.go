package lab

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// refreshKey is the setting that delays a version's feature switches.
const refreshKey = "feature_refresh_seconds"

// The neighbour's threads and the priorities it computes at: beside a pinned
// service the shop's own, else the lowest.
const (
	neighborThreads = 4
	lowestNice      = 19
	sharedCPU       = 1 // the processor a pinned service shares with the neighbour
)

// surround starts what lives around the shop, before the shop.
func (w *world) surround(ctx context.Context) error {
	if !w.stage.outside {
		return nil
	}
	seed := strconv.FormatUint(w.opt.seed, 10)
	c, err := w.family.start(ctx, "acquirer", nil, "acquirer", "--seed", seed)
	if err != nil {
		return err
	}
	w.acquirer = c.said.Addr
	args := []string{"neighbor", "--threads", strconv.Itoa(neighborThreads), "--nice", strconv.Itoa(lowestNice)}
	if w.stage.pinned != "" {
		args = []string{"neighbor", "--threads", strconv.Itoa(neighborThreads), "--cpu", strconv.Itoa(sharedCPU)}
	}
	if c, err = w.family.start(ctx, "neighbor", nil, args...); err != nil {
		return err
	}
	w.neighbor = c.said.Addr
	_, err = w.family.start(ctx, "node", nil, "node", "--otlp", w.opt.otlp)
	return err
}

// placed are the arguments that put a service onto the stage.
func (w *world) placed(service string) []string {
	var args []string
	if w.stage.pinned == service {
		args = append(args, "--cpu", strconv.Itoa(sharedCPU))
	}
	if service == "edge" {
		args = append(args, "--link-rate", strconv.FormatInt(w.stage.linkRate, 10))
	}
	flags := w.stage.flags[service]
	if service == "payment" && w.acquirer != "" {
		flags = merged(flags, map[string]string{"acquirer_url": "http://" + w.acquirer})
	}
	for _, k := range slices.Sorted(maps.Keys(flags)) {
		args = append(args, "--stage", k+"="+flags[k])
	}
	return args
}

// happen asks somebody outside the shop to be different from now on.
func (w *world) happen(ctx context.Context, o outsideEvent, loadAddr string) error {
	addr := map[string]string{"acquirer": w.acquirer, "neighbor": w.neighbor, "load": loadAddr}[o.who]
	if o.who == "edge" {
		addr = w.front().Admin
	}
	if addr == "" {
		return fmt.Errorf("nobody called %q is there", o.who)
	}
	return send(ctx, http.MethodPut, "http://"+addr+o.path, exchange{in: o.body})
}
