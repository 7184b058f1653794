package engine

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/pitwall/pitwall"
)

// mostDefinitions bounds how many earlier texts of an objective are remembered;
// the record keeps all of them.
const mostDefinitions = 10

// Define records what the objectives say, those alone that are new or read
// differently than when they were last recorded.
func (e *Engine) Define(ctx context.Context) error {
	e.record.Lock()
	defer e.record.Unlock()
	if err := e.current(ctx); err != nil {
		return err
	}
	var events []pitwall.Event
	for _, s := range e.c.SLOs {
		if s.YAML == "" || s.YAML == e.lastText(s.Name) {
			continue
		}
		raw, err := json.Marshal(pitwall.Definition{SLO: s.Name, At: e.c.Now().UTC(), Source: s.Source, YAML: s.YAML})
		if err != nil {
			return pitwall.Errorf(pitwall.Internal, "recording objective", "%w", err)
		}
		events = append(events, pitwall.Event{Time: e.c.Now().UTC(), Type: pitwall.EventDefined, Actor: Actor, Data: raw})
	}
	return e.append(ctx, events...)
}

func (e *Engine) lastText(name pitwall.SLOName) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.definitions[name]
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1].YAML
}

// Definitions gives the texts an objective had, newest first.
func (e *Engine) Definitions(name pitwall.SLOName) []pitwall.Definition {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := slices.Clone(e.definitions[name])
	slices.Reverse(list)
	return list
}

// write records an event that belongs to no plan; the caller holds e.record.
func (e *Engine) write(ctx context.Context, kind pitwall.EventType, actor string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return pitwall.Errorf(pitwall.Internal, "recording "+string(kind), "%w", err)
	}
	return e.append(ctx, pitwall.Event{Time: e.c.Now().UTC(), Type: kind, Actor: actor, Data: raw})
}

// append records events that belong to no plan and folds them in; the caller
// holds e.record.
func (e *Engine) append(ctx context.Context, events ...pitwall.Event) error {
	if len(events) == 0 {
		return nil
	}
	sealed, err := e.c.Recorder.Append(ctx, events...)
	if err != nil {
		return err
	}
	for _, ev := range sealed {
		if err := e.foldWorld(ev); err != nil {
			return err
		}
		e.folded = ev.Seq
	}
	return nil
}

// foldWorld takes in a recorded event that belongs to no plan.
func (e *Engine) foldWorld(ev pitwall.Event) error {
	switch ev.Type {
	case pitwall.EventCorrected, pitwall.EventUncorrected:
		return e.foldCorrection(ev)
	case pitwall.EventAccepted:
		var a pitwall.Accepted
		if err := decode(ev, &a); err != nil {
			return err
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.accepted = append(e.accepted, a)
	case pitwall.EventDefined:
		var d pitwall.Definition
		if err := decode(ev, &d); err != nil {
			return err
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		list := append(e.definitions[d.SLO], d)
		e.definitions[d.SLO] = list[max(0, len(list)-mostDefinitions):]
	}
	return nil
}

func (e *Engine) foldCorrection(ev pitwall.Event) error {
	var c pitwall.Correction
	if err := decode(ev, &c); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := slices.IndexFunc(e.corrections, func(old pitwall.Correction) bool { return old.ID == c.ID }); i >= 0 {
		e.corrections[i] = c
	} else {
		e.corrections = append(e.corrections, c)
	}
	e.c.Ledger.Correct(slices.Clone(e.corrections))
	return nil
}
