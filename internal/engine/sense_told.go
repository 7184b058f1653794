package engine

import (
	"cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
)

// planned are the stretches that people took out of budgets: what begins and
// ends in them is known.
func (e *Engine) planned() (list []detect.Planned) {
	for _, c := range e.Corrections() {
		if c.Revoked != nil {
			continue
		}
		service := c.Service
		if c.SLO != "" {
			of := e.slo(c.SLO)
			if service = cmp.Or(of.SLI.Service, of.Service); service == "" {
				continue // of an objective that is gone: it says nothing about all services
			}
		}
		list = append(list, detect.Planned{Period: c.Period, Service: service, Why: c.Reason})
	}
	return list
}

// troubles are what open plans are about.
func (e *Engine) troubles() (list []detect.Trouble) {
	for _, p := range e.open() {
		list = append(list, detect.Trouble{Plan: p.ID, Regression: p.Opened.Regression})
	}
	return list
}

// ended tells the monitor of plans that ended since it was told last. After a fix
// that was proven the old level stands; one that people let go leaves the present
// one as normal.
func (e *Engine) ended() {
	s := &e.sensing
	latest := s.ended
	for _, p := range e.shown() {
		if !p.State.Final() || !p.Since.After(s.ended) {
			continue
		}
		if p.Since.After(latest) {
			latest = p.Since
		}
		var keep pitwall.Period
		if p.State == pitwall.ClosedWithoutCause {
			keep = pitwall.Period{From: p.Opened.Regression.Onset.Latest, To: p.Since}
		}
		s.with(func() { e.c.Monitor.Closed(p.Service, keep) })
	}
	s.ended = latest
}
