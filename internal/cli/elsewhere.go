package cli

import (
	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/engine"
	"github.com/pitwall/pitwall/internal/source/jaeger"
	"github.com/pitwall/pitwall/internal/source/prometheus"
	"github.com/pitwall/pitwall/internal/source/pyroscope"
	"github.com/pitwall/pitwall/internal/source/remote"
	"github.com/pitwall/pitwall/internal/source/tempo"
)

// readElsewhere lets the engine ask the stores that are configured in place of
// the embedded ones.
func (h *house) readElsewhere(conf config.Config, c *engine.Config) error {
	if r := conf.Sources.Prometheus; r.URL != "" {
		client, err := prometheus.New(prometheus.Config{Server: server(r)})
		if err != nil {
			return err
		}
		h.keep("asking Prometheus", client, client.Run)
		c.Metrics, c.Cardinality = client, nil // whose series are not ours to count
	}
	if r := conf.Sources.Tempo; r.URL != "" {
		client, err := tempo.New(tempo.Config{Server: server(r)})
		if err != nil {
			return err
		}
		h.keep("asking Tempo", client, client.Run)
		c.Spans, c.Operations = client, nil
	}
	if r := conf.Sources.Jaeger; r.URL != "" {
		client, err := jaeger.New(jaeger.Config{Server: server(r)})
		if err != nil {
			return err
		}
		h.keep("asking Jaeger", client, client.Run)
		c.Spans, c.Operations = client, nil
	}
	if r := conf.Sources.Pyroscope; r.URL != "" {
		client, err := pyroscope.New(pyroscope.Config{Server: server(r), Requests: h.spans})
		if err != nil {
			return err
		}
		h.keep("asking Pyroscope", client, client.Run)
		c.Profiles = client
	}
	return nil
}

// server is a store elsewhere as its client takes it.
func server(r config.Remote) remote.Server {
	s := remote.Server{URL: r.URL, TokenFile: r.TokenFile, User: r.User, PasswordFile: r.PasswordFile, CAFile: r.CAFile, Timeout: r.Timeout}
	if r.Tenant != "" {
		s.Headers = map[string]string{"X-Scope-OrgID": r.Tenant}
	}
	return s
}
