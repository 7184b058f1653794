package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/pitwall/pitwall"
)

// prepare lays out the data directory: configuration, objectives, policy.
func (d *demo) prepare() error {
	d.dir = d.o.Data
	if d.dir == "" {
		dir, err := os.MkdirTemp("", "pitwall-demo-")
		if err != nil {
			return fmt.Errorf("making data directory: %w", err)
		}
		d.dir = dir
	}
	abs, err := filepath.Abs(d.dir)
	if err != nil {
		return fmt.Errorf("finding data directory: %w", err)
	}
	d.dir = abs
	if err := d.fresh(); err != nil {
		return err
	}
	addrs, err := chooseAddrs(d.o.Listen)
	if err != nil {
		return err
	}
	d.url = "http://" + addrs.HTTP
	d.api, d.lab = newClient(d.url), newClient("http://"+addrs.Controller)
	if err := d.writeFiles(addrs); err != nil {
		return err
	}
	return d.children(addrs)
}

// children describes the two processes; start starts them.
func (d *demo) children(addrs demoAddrs) error {
	var err error
	d.logs, err = os.OpenFile(filepath.Join(d.dir, "demo.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("opening log: %w", err)
	}
	d.pitwall = &child{name: "pitwall serve", args: []string{"serve", "--config", filepath.Join(d.dir, "pitwall.yaml")}, log: d.logs}
	d.shop = &child{name: "the shop", log: d.logs, line: d.labLine, args: []string{"lab", "run",
		"--dir", filepath.Join(d.dir, "lab"), "--controller-addr", addrs.Controller,
		"--seed", strconv.FormatInt(d.o.Seed, 10), "--pace", strconv.FormatFloat(d.o.Pace, 'g', -1, 64), "--story", d.o.Story,
		"--otlp", "http://" + addrs.OTLP, "--otlp-grpc", addrs.GRPC,
		"--changes", d.url + "/api/v1/changes", "--rum", d.url + "/api/v1/rum"}}
	if d.o.At != "" {
		d.shop.args = append(d.shop.args, "--at", d.o.At)
	}
	if d.o.OrdersDB != "" {
		d.shop.args = append(d.shop.args, "--orders-dsn", d.o.OrdersDB)
	}
	return nil
}

// fresh makes the directory and refuses one that holds a configuration already:
// an earlier demo's record tells another shop's story, and a configuration of
// somebody else's must not be overwritten.
func (d *demo) fresh() error {
	conf := filepath.Join(d.dir, "pitwall.yaml")
	if _, err := os.Stat(conf); err == nil {
		return &pitwall.Error{Op: "starting demo", Kind: pitwall.Conflict, ID: d.dir, Err: fmt.Errorf("there is a pitwall.yaml already, so a demo ran here before or this is not a demo's"),
			Hint: fmt.Sprintf("look at it: pitwall serve --config %s; or give --data a new directory", conf)}
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return fmt.Errorf("making data directory: %w", err)
	}
	if d.o.Out == "" {
		return nil
	}
	f, err := os.OpenFile(d.o.Out, os.O_CREATE|os.O_WRONLY, 0o644) // better now than in five minutes
	if err != nil {
		return &pitwall.Error{Op: "starting demo", Kind: pitwall.Invalid, Err: err, Hint: "--out FILE that can be written"}
	}
	return f.Close()
}

// chooseAddrs takes the usual ports, or free ones where somebody has them. It
// holds on to each until all are chosen, so that no two are the same.
func chooseAddrs(page string) (a demoAddrs, err error) {
	for _, one := range []struct {
		want string
		into *string
	}{{page, &a.HTTP}, {"127.0.0.1:4318", &a.OTLP}, {"127.0.0.1:4317", &a.GRPC}, {"127.0.0.1:4400", &a.Controller}} {
		l, err := listenNear(one.want)
		if err != nil {
			return a, err
		}
		defer l.Close()
		*one.into = l.Addr().String()
	}
	return a, nil
}

// listenNear listens on addr or, if it is taken, on a free port of the same host.
func listenNear(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &pitwall.Error{Op: "choosing address", Kind: pitwall.Invalid, ID: addr, Err: err, Hint: "--listen 127.0.0.1:8080"}
	}
	for _, try := range []string{addr, net.JoinHostPort(host, "0")} {
		if l, lerr := net.Listen("tcp", try); lerr == nil {
			return l, nil
		} else if err == nil {
			err = lerr
		}
	}
	return nil, &pitwall.Error{Op: "choosing address", Kind: pitwall.Unavailable, ID: addr, Err: err, Hint: "--listen 127.0.0.1:8080"}
}

// start brings up Pitwall, then the shop, so that no signal is missed.
func (d *demo) start(ctx context.Context) error {
	if err := d.pitwall.start(); err != nil {
		return err
	}
	if err := d.ready(ctx); err != nil {
		return err
	}
	d.say("\n  Open  %s  and watch.\n", d.url)
	if err := d.shop.start(); err != nil {
		return err
	}
	d.say("%s  demo       story %q, seed %d, pace %g; everything is in %s", d.clock(), d.o.Story, d.o.Seed, d.o.Pace, d.dir)
	if !d.story.Quiet {
		d.say("%s  demo       something will break in about %d s; nothing to see before", d.clock(), int(d.story.Onset.Seconds()/d.o.Pace))
	}
	return nil
}

// ready waits until the server answers.
func (d *demo) ready(ctx context.Context) error {
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if d.api.get(ctx, "/readyz", nil) == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.pitwall.exited():
			return &pitwall.Error{Op: "starting demo", Kind: pitwall.Unavailable, Err: fmt.Errorf("pitwall serve ended at once"),
				Hint: "read " + filepath.Join(d.dir, "demo.log")}
		case <-time.After(100 * time.Millisecond):
		}
	}
	return &pitwall.Error{Op: "starting demo", Kind: pitwall.Unavailable, Err: fmt.Errorf("pitwall serve did not answer within 30 s"),
		Hint: "read " + filepath.Join(d.dir, "demo.log")}
}

func (d *demo) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	d.shop.stop(ctx)
	d.pitwall.stop(ctx)
	_ = d.logs.Close() // nobody writes to it any more
}
