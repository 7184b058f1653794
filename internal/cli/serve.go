package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
)

func serveCommand(g *global) *cobra.Command {
	var listen, data string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the engine, the receivers and the page",
		Long: `Runs everything in this one process on one data directory: OTLP receivers (gRPC and
HTTP), the profile scraper, the stores, the engine, the JSON API and the page.

It may be killed at any moment: what was acknowledged is kept, and a plan goes on
where it was.`,
		Example: "  pitwall serve\n  pitwall serve --config pitwall.yaml --listen 127.0.0.1:8080",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := loadConfig(g)
			if err != nil {
				return err
			}
			for _, f := range []struct{ flag, key, value string }{{"--listen", "listen.http", listen}, {"--data", "data_dir", data}} {
				if f.value == "" {
					continue
				}
				if err := conf.Set(f.key, f.value, config.Origin("flag "+f.flag)); err != nil {
					return err
				}
			}
			if err := conf.Check(); err != nil {
				return err
			}
			return serve(c.Context(), g.env, conf)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "address of page and API (env PITWALL_LISTEN_HTTP)")
	cmd.Flags().StringVar(&data, "data", "", "data directory (env PITWALL_DATA_DIR)")
	return cmd
}

// loadConfig finds and reads the configuration: --config, then ./pitwall.yaml,
// then the user's, then the machine's, then defaults alone.
func loadConfig(g *global) (config.Config, error) {
	path := g.config
	if path == "" {
		for _, p := range configPaths(g.env.Getenv) {
			if _, err := os.Stat(p); err == nil {
				path = p
				break
			}
		}
	}
	return config.Load(path, g.env.Getenv)
}

func configPaths(getenv func(string) string) []string {
	xdg := orElse(getenv("XDG_CONFIG_HOME"), getenv("HOME")+"/.config")
	return []string{"pitwall.yaml", xdg + "/pitwall/config.yaml", "/etc/pitwall/pitwall.yaml"}
}

// serve wires the house, listens, and runs until ctx ends.
func serve(ctx context.Context, env Env, conf config.Config) error {
	if env.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // a little CPU for a third of the memory: most of it is columns that stay
	}
	log := slog.New(slog.NewTextHandler(env.Stderr, nil))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h, err := wire(ctx, conf, log)
	if err != nil {
		return err
	}
	defer h.close(log)
	lis, err := listen(conf.Listen)
	if err != nil {
		return err
	}
	if _, err := h.recorder.Append(ctx, pitwall.Event{Time: time.Now().UTC(), Type: pitwall.EventServerStarted, Actor: "pitwall", Data: []byte(`{"version":"` + Version + `"}`)}); err != nil {
		return fmt.Errorf("recording the start: %w", err)
	}
	log.Info("Serving", "page", "http://"+lis.http.Addr().String(), "otlp_http", lis.otlp.Addr(), "otlp_grpc", lis.grpc.Addr(), "data", conf.DataDir)

	var wg sync.WaitGroup
	failed := make(chan error, 4+len(h.loops))
	run := func(what string, f func() error) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := f(); err != nil && ctx.Err() == nil && !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("%s: %w", what, err)
			}
		}()
	}
	page := listener(h.page)
	otlp := listener(h.receiver.Handler())
	run("serving the page", func() error { return page.Serve(lis.http) })
	run("serving OTLP over HTTP", func() error { return otlp.Serve(lis.otlp) })
	run("serving OTLP over gRPC", func() error { return h.receiver.ServeGRPC(ctx, lis.grpc) })
	run("running the engine", func() error { return h.engine.Run(ctx) })
	for _, l := range h.loops {
		run(l.doing, func() error { return l.run(ctx) })
	}
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	cancel()
	stopServers(page, otlp)
	wg.Wait()
	return err
}

// listener has limits on everything a slow or hostile client could hold open; the
// event stream lifts the write limit for itself.
func listener(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
}

func stopServers(servers ...*http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	for _, s := range servers {
		if s.Shutdown(ctx) != nil {
			_ = s.Close() // clients that hold on are cut off
		}
	}
}

type listeners struct{ http, otlp, grpc net.Listener }

func listen(c config.Listen) (l listeners, err error) {
	for _, one := range []struct {
		key, addr string
		into      *net.Listener
	}{{"listen.http", c.HTTP, &l.http}, {"listen.otlp_http", c.OTLPHTTP, &l.otlp}, {"listen.otlp_grpc", c.OTLPGRPC, &l.grpc}} {
		if *one.into, err = net.Listen("tcp", one.addr); err != nil {
			return l, &pitwall.Error{Op: "listening", Kind: pitwall.Unavailable, ID: one.addr, Err: err,
				Hint: "another process may have it; set " + one.key + " in pitwall.yaml"}
		}
	}
	return l, nil
}
