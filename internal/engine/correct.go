package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// longestCorrection bounds one correction; more would hide a quarter.
const longestCorrection = 31 * 24 * time.Hour

// Corrections lists every correction there ever was, the newest first; those
// that were revoked say so.
func (e *Engine) Corrections() []pitwall.Correction {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := slices.Clone(e.corrections)
	slices.Reverse(list)
	return list
}

// Correct takes a stretch of time out of budgets. It is recorded with who asked
// and why. With dryRun it is only checked; the answer says what it would be.
func (e *Engine) Correct(ctx context.Context, c pitwall.Correction, dryRun bool) (pitwall.Correction, error) {
	e.record.Lock()
	defer e.record.Unlock()
	if err := e.current(ctx); err != nil {
		return c, err
	}
	c.At, c.Revoked = e.c.Now().UTC(), nil
	c.ID = fmt.Sprintf("COR-%d", len(e.Corrections())+1)
	c.By, c.Reason = strings.TrimSpace(c.By), strings.TrimSpace(c.Reason)
	if err := e.checkCorrection(c); err != nil || dryRun {
		return c, err
	}
	return c, e.write(ctx, pitwall.EventCorrected, c.By, c)
}

// Revoke takes a correction back: what it left out counts again.
func (e *Engine) Revoke(ctx context.Context, id, by, reason string, dryRun bool) (pitwall.Correction, error) {
	e.record.Lock()
	defer e.record.Unlock()
	if err := e.current(ctx); err != nil {
		return pitwall.Correction{}, err
	}
	list := e.Corrections()
	i := slices.IndexFunc(list, func(c pitwall.Correction) bool { return c.ID == id })
	wrong := func(kind pitwall.Kind, hint, format string, args ...any) error {
		return &pitwall.Error{Op: "revoking correction", Kind: kind, ID: id, Err: fmt.Errorf(format, args...), Hint: hint}
	}
	by, reason = strings.TrimSpace(by), strings.TrimSpace(reason)
	switch {
	case i < 0:
		return pitwall.Correction{}, wrong(pitwall.NotFound, "pitwall slo corrections", "no such correction")
	case by == "" || reason == "":
		return list[i], wrong(pitwall.Invalid, "give by and reason", "who and why are needed")
	case list[i].Revoked != nil:
		return list[i], wrong(pitwall.Conflict, "", "it was revoked by %s already", list[i].Revoked.By)
	}
	c := list[i]
	c.Revoked = &pitwall.Revoked{By: by, Reason: reason, At: e.c.Now().UTC()}
	if dryRun {
		return c, nil
	}
	return c, e.write(ctx, pitwall.EventUncorrected, by, c)
}

func (e *Engine) checkCorrection(c pitwall.Correction) error {
	wrong := func(kind pitwall.Kind, hint, format string, args ...any) error {
		return &pitwall.Error{Op: "correcting budgets", Kind: kind, ID: string(cmp.Or(c.SLO, pitwall.SLOName(c.Service))), Err: fmt.Errorf(format, args...), Hint: hint}
	}
	switch {
	case c.By == "" || c.Reason == "":
		return wrong(pitwall.Invalid, "give by and reason", "who and why are needed")
	case c.Period.Duration() <= 0:
		return wrong(pitwall.Invalid, "", "it ends at %s, which is not after its beginning", c.Period.To.Format(time.RFC3339))
	case c.Period.Duration() > longestCorrection:
		return wrong(pitwall.Invalid, "correct the days that were not normal, one by one", "%s is longer than 31 days", c.Period.Duration())
	case c.SLO != "" && c.Service != "":
		return wrong(pitwall.Invalid, "keep one of them", "both slo and service are given")
	case c.SLO != "" && e.slo(c.SLO).Service == "":
		return wrong(pitwall.NotFound, "pitwall slo list", "no such SLO")
	case c.Service != "" && !slices.ContainsFunc(e.c.SLOs, func(s pitwall.SLO) bool { return s.Service == c.Service }):
		return wrong(pitwall.NotFound, "pitwall slo list", "service %q has no SLO", c.Service)
	}
	return nil
}
