package cli

import (
	"context"
	"time"

	"github.com/pitwall/pitwall"
)

// watch logs a line whenever a source that had been well is in trouble, and when
// it is well again: whoever reads only the log learns of a full disk from it.
func (h *house) watch(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	down := map[string]bool{}
	for {
		h.compare(down, h.engine.Health())
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// compare notes which sources are in trouble now. One that was never seen and
// says nothing is not there, rather than down.
func (h *house) compare(down map[string]bool, now []pitwall.SourceHealth) {
	for _, s := range now {
		bad := !s.Up && !(s.LastSeen.IsZero() && s.Message == "")
		switch {
		case bad && !down[s.Name]:
			h.log.Warn("Source in trouble", "source", s.Name, "says", s.Message)
		case !bad && down[s.Name]:
			h.log.Info("Source well again", "source", s.Name)
		}
		down[s.Name] = bad
	}
}
