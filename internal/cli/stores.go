package cli

import (
	"context"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/store/logs"
	"github.com/pitwall/pitwall/internal/store/metrics"
	"github.com/pitwall/pitwall/internal/store/profiles"
	"github.com/pitwall/pitwall/internal/store/spans"
	"github.com/pitwall/pitwall/internal/store/sqlite"
)

// open opens every store of the data directory.
func (h *house) open(conf config.Config, log *slog.Logger) (err error) {
	if h.db, err = sqlite.Open(conf.DataDir); err != nil {
		return err
	}
	t := conf.Traces
	if h.spans, err = spans.Open(part(conf, "spans"), spans.Options{
		Retention: t.Retention, DiskBytes: int64(t.Disk), NoBlocks: !t.Blocks, Sample: max(t.Sample, 1e-9), HeadSpans: t.HeadSpans,
		MaxSpans: inMemory(t), RollupRetention: t.RollupRetention, Now: time.Now,
	}); err != nil {
		return err
	}
	m := conf.Metrics
	if h.metrics, err = metrics.Open(part(conf, "metrics"), metrics.Options{
		Retention: m.Retention, DiskBytes: int64(m.Disk), OutOfOrder: m.OutOfOrder, Now: time.Now, Logger: slog.New(troubles{log.Handler()}),
	}); err != nil {
		return err
	}
	if h.logs, err = logs.Open(part(conf, "logs"), logs.Options{Retention: conf.Logs.Retention, DiskBytes: int64(conf.Logs.Disk), Now: time.Now}); err != nil {
		return err
	}
	h.profiles, err = profiles.Open(part(conf, "profiles"), profiles.Options{
		Retention: conf.Profiles.Retention, MaxBytes: int64(conf.Profiles.Disk), Requests: h.spans, Now: time.Now,
	})
	return err
}

// part is a store's own place in the data directory.
func part(conf config.Config, name string) string { return filepath.Join(conf.DataDir, name) }

// inMemory bounds the spans in memory where no block takes them; 0 leaves it to
// the store.
func inMemory(t config.Traces) int {
	if t.Blocks {
		return 0
	}
	return t.HeadSpans
}

// close closes what is open, in the order in which it depends on each other.
func (h *house) close(log *slog.Logger) {
	for _, c := range []struct {
		what  string
		open  bool
		close func() error
	}{
		{"spans", h.spans != nil, func() error { return h.spans.Close() }},
		{"metrics", h.metrics != nil, func() error { return h.metrics.Close() }},
		{"logs", h.logs != nil, func() error { return h.logs.Close() }},
		{"profiles", h.profiles != nil, func() error { return h.profiles.Close() }},
		{"state", h.db != nil, func() error { return h.db.Close() }},
	} {
		if !c.open {
			continue
		}
		if err := c.close(); err != nil {
			log.Error("Store not closed", "store", c.what, "err", err)
		}
	}
}

// bytesIn is what a part of the data directory takes on the disk.
func bytesIn(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // gone meanwhile: it takes nothing
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}

// troubles passes on warnings and errors: what a database says of its daily work
// is nobody's news.
type troubles struct{ slog.Handler }

// Enabled implements slog.Handler.
func (t troubles) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && t.Handler.Enabled(ctx, level)
}

// WithAttrs and WithGroup keep the threshold.
func (t troubles) WithAttrs(attrs []slog.Attr) slog.Handler {
	return troubles{t.Handler.WithAttrs(attrs)}
}
func (t troubles) WithGroup(name string) slog.Handler { return troubles{t.Handler.WithGroup(name)} }

// Page loads are asked for by diagnoses of the last hours, alerts by people, the
// counts of an objective that is no more if it comes back.
const (
	pageLoadsFor = 7 * 24 * time.Hour
	alertsFor    = 90 * 24 * time.Hour
	countsFor    = 90 * 24 * time.Hour
)

// prune forgets page loads, alerts and counts that are too old, at the start and
// each hour.
func (h *house) prune(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		now := time.Now()
		_, err := h.db.PrunePageLoads(ctx, now.Add(-pageLoadsFor))
		if err == nil {
			_, err = h.db.PruneAlerts(ctx, now.Add(-alertsFor))
		}
		if err == nil {
			_, err = h.db.PruneLedger(ctx, now, h.retain)
		}
		if err != nil && ctx.Err() == nil {
			h.log.Warn("Old page loads, alerts and counts not deleted", "err", err) // tried again in an hour
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
