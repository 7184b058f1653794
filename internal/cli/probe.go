package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
)

// reachPatience bounds the reaching for one address.
const reachPatience = 2 * time.Second

// probe is one thing that was tried without a server.
type probe struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Says string `json:"says"`
	Next string `json:"next,omitempty"`
}

// tried words the outcome of a probe.
func tried(what, fine string, err error) probe {
	if err != nil {
		return probe{What: what, Says: err.Error(), Next: pitwall.HintOf(err)}
	}
	return probe{What: what, OK: true, Says: fine}
}

// probeAll tries what the configuration names, without keeping anything.
func probeAll(ctx context.Context, g *global) []probe {
	conf, err := loadConfig(g)
	list := []probe{tried("configuration", "valid", err)}
	if err != nil {
		return list // nothing else is known
	}
	slos, err := readSLOs(conf)
	objective := tried("objectives", countObjectives(len(slos)), err)
	if err == nil && len(slos) == 0 {
		objective = probe{What: "objectives", Says: "none, so nothing is watched", Next: "slos: [slos/*.yaml] in pitwall.yaml"}
	}
	list = append(list, objective)
	_, err = readPolicy(conf)
	list = append(list, tried("policy", cmp.Or(conf.Policy, "the built-in one"), err))
	_, err = readPlaybooks(conf)
	list = append(list, tried("playbooks", "valid", err))
	list = append(list, tried("secrets", "those that are named can be read", allReadable(conf)))
	list = append(list, tried("data directory", conf.DataDir+" can be written", writable(conf.DataDir)))
	for _, l := range []struct{ key, addr string }{{"listen.http", conf.Listen.HTTP}, {"listen.otlp_http", conf.Listen.OTLPHTTP}, {"listen.otlp_grpc", conf.Listen.OTLPGRPC}} {
		list = append(list, tried("address "+l.key, l.addr+" is free", free(ctx, l.key, l.addr)))
	}
	list = append(list, remotes(ctx, conf)...)
	return append(list, changeable(ctx, conf)...)
}

// free asks whether an address can be listened on.
func free(ctx context.Context, key, addr string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return &pitwall.Error{Op: "listening", Kind: pitwall.Unavailable, ID: addr, Err: cause(err), Hint: "another process has it; is that a pitwall? try --server, or set " + key + " in pitwall.yaml"}
	}
	return l.Close()
}

// writable asks whether files can be made in a directory, or in the nearest one
// above it that is there; nothing stays behind.
func writable(dir string) error {
	there := dir
	for {
		info, err := os.Stat(there)
		if err == nil && info.IsDir() {
			break
		}
		up := filepath.Dir(there)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || up == there {
			return &pitwall.Error{Op: "reading data directory", Kind: pitwall.Invalid, ID: dir, Err: fmt.Errorf("%s is no directory that can be read", there), Hint: "set data_dir in pitwall.yaml"}
		}
		there = up
	}
	f, err := os.CreateTemp(there, ".pitwall-doctor-*")
	if err != nil {
		return &pitwall.Error{Op: "writing data directory", Kind: pitwall.Denied, ID: dir, Err: errors.Unwrap(err), Hint: "let this user write there, or set data_dir in pitwall.yaml"}
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// remotes reaches for the stores elsewhere.
func remotes(ctx context.Context, conf config.Config) (list []probe) {
	s := conf.Sources
	for _, r := range []struct {
		key string
		at  string
	}{{"sources.prometheus", s.Prometheus.URL}, {"sources.tempo", s.Tempo.URL}, {"sources.jaeger", s.Jaeger.URL}, {"sources.pyroscope", s.Pyroscope.URL}} {
		if r.at != "" {
			list = append(list, tried(r.key, shown(r.at)+" can be reached", reach(ctx, r.key, r.at)))
		}
	}
	return list
}

// reach opens a connection and closes it; it asks nothing.
func reach(ctx context.Context, key, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return &pitwall.Error{Op: "reading address", Kind: pitwall.Invalid, ID: key, Err: fmt.Errorf("it is no address such as http://HOST:PORT")}
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
	}
	ctx, cancel := context.WithTimeout(ctx, reachPatience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(port, "80")))
	if err != nil {
		return &pitwall.Error{Op: "reaching", Kind: pitwall.Unavailable, ID: shown(address), Err: cause(err), Hint: "does it run, and is " + key + " right?"}
	}
	return conn.Close()
}

// changeable tries what Pitwall could change: the controller and the repository.
func changeable(ctx context.Context, conf config.Config) []probe {
	target := probe{What: "target", Says: "none, so no fix can be tried", Next: "target.url and target.services in pitwall.yaml"}
	if conf.Target.URL != "" {
		_, err := readTarget(conf)
		if err == nil {
			err = reach(ctx, "target.url", conf.Target.URL)
		}
		target = tried("target", shown(conf.Target.URL)+" can be reached", err)
	}
	repository := probe{What: "repository", Says: "none, so nothing is left behind that keeps it fixed", Next: "enforce.repository in pitwall.yaml"}
	if conf.Enforce.Repository != "" {
		_, err := readRepository(ctx, conf)
		repository = tried("repository", conf.Enforce.Repository+" can be read", err)
	}
	return []probe{target, repository}
}
