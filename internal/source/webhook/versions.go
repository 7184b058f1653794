package webhook

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

var _ pitwall.Health = (*VersionWatch)(nil)

// VersionWatch sees deploys in telemetry: a service.version that was not there
// before. What it sees is recorded unless somebody announced it.
type VersionWatch struct {
	log pitwall.ChangeLog
	now func() time.Time

	mu       sync.Mutex
	services map[pitwall.ServiceName]*history
	hour     time.Time // since when the two below count
	fresh    int       // versions recorded
	flooding string    // what was left out for being too much
	recorded uint64
	last     time.Time
	trouble  string
}

// A sender whose version is another one for each process must neither fill the
// log nor hold up those whose batches wait behind it.
const (
	mostServices = 5_000 // followed
	mostFresh    = 20    // versions of one service recorded in an hour
	mostRecorded = 500   // and of all services
)

// history is what is known of one service's versions.
type history struct {
	known  map[pitwall.Version]bool
	newest pitwall.Version // the one introduced last
	hour   time.Time       // the watch's, in which fresh was counted
	fresh  int             // versions recorded
}

// NewVersionWatch makes a watch that records into log.
func NewVersionWatch(log pitwall.ChangeLog, now func() time.Time) *VersionWatch {
	return &VersionWatch{log: log, now: now, services: map[pitwall.ServiceName]*history{}}
}

// Observe looks for new versions in a batch; it is cheap when there are none.
// The first version of a service that nothing in the log speaks of is where
// watching begins, not a change. When the log cannot be read or written, the
// trouble shows in Health and the next batch tries again.
func (w *VersionWatch) Observe(ctx context.Context, b *pitwall.SpanBatch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := w.now(); now.Sub(w.hour) >= time.Hour {
		w.hour, w.fresh, w.flooding = now, 0, ""
	}
	list := w.unknown(b)
	if len(list) == 0 {
		return
	}
	changes, err := w.log.Changes(ctx, pitwall.Period{From: time.Unix(0, 0), To: w.now().Add(24 * time.Hour)})
	if err != nil {
		w.trouble = fmt.Sprintf("reading changes of %s: %v", list[0].service, err)
		return
	}
	of := map[pitwall.ServiceName][]pitwall.Change{}
	for _, c := range changes {
		of[c.Service] = append(of[c.Service], c)
	}
	for _, s := range list {
		if w.tooMuch(s.service) {
			continue // a batch may bring many at once
		}
		if err := w.meet(ctx, s, of[s.service]); err != nil {
			w.trouble = err.Error()
			return
		}
		w.trouble = ""
	}
}

// tooMuch says whether new versions of a service are left out for now.
func (w *VersionWatch) tooMuch(name pitwall.ServiceName) bool {
	h := w.services[name]
	switch {
	case h == nil && len(w.services) >= mostServices:
		w.flooding = fmt.Sprintf("more than %d services: versions of the others are not followed", mostServices)
	case h != nil && h.hour.Equal(w.hour) && h.fresh >= mostFresh:
		w.flooding = fmt.Sprintf("more than %d new versions of %s in an hour: is its service.version another one for each process?", mostFresh, name)
	case w.fresh >= mostRecorded:
		w.flooding = fmt.Sprintf("more than %d new versions in an hour: further ones are left out", mostRecorded)
	default:
		return false
	}
	return true
}

// sighting is a version's earliest span of a batch.
type sighting struct {
	service pitwall.ServiceName
	version pitwall.Version
	at      time.Time
}

// known stands for a place in a list of what is not known.
const known = -1

// unknown lists versions not seen before, in order of their rows, unless they
// are too many.
func (w *VersionWatch) unknown(b *pitwall.SpanBatch) []sighting {
	var list []sighting
	row := map[uint64]int{}            // pair of dictionary numbers -> place in list, or known
	last, at := uint64(1<<64-1), known // of the row before: batches come in runs
	for i, service := range b.Service {
		pair := uint64(service)<<32 | uint64(b.Version[i])
		if pair != last {
			met := false
			if at, met = row[pair]; !met {
				at = known
				name, version := pitwall.ServiceName(b.Strings[service]), pitwall.Version(b.Strings[b.Version[i]])
				if h := w.services[name]; version != "" && (h == nil || !h.known[version]) && !w.tooMuch(name) {
					at = len(list)
					list = append(list, sighting{pitwall.ServiceName(strings.Clone(string(name))), pitwall.Version(strings.Clone(string(version))), time.Unix(0, b.Start[i])}) // the batch's words are parts of something large
				}
				row[pair] = at
			}
			last = pair
		}
		if at == known {
			continue
		}
		if start := time.Unix(0, b.Start[i]); start.Before(list[at].at) {
			list[at].at = start
		}
	}
	return list
}

// meet decides what a new version means, given what the log says of its service: an announced
// deploy is not recorded twice, and after a restart it tells which versions are
// old, so that an old version still running is not taken for a deploy.
func (w *VersionWatch) meet(ctx context.Context, s sighting, changes []pitwall.Change) error {
	h := w.services[s.service]
	if h == nil {
		h = &history{known: map[pitwall.Version]bool{}}
	}
	var newest time.Time
	for _, c := range changes {
		for _, v := range []pitwall.Version{c.PreviousVersion, c.Version} {
			if v != "" {
				h.known[v] = true
			}
		}
		if c.Version != "" && c.Version != s.version && !c.At.Before(newest) && !c.At.After(s.at) {
			newest, h.newest = c.At, c.Version
		}
	}
	if len(h.known) > 0 && !h.known[s.version] {
		if err := w.record(ctx, s, h.newest); err != nil {
			return err
		}
		w.fresh++
		if !h.hour.Equal(w.hour) {
			h.hour, h.fresh = w.hour, 0
		}
		h.fresh++
	}
	h.known[s.version], h.newest = true, s.version
	w.services[s.service] = h
	return nil
}

func (w *VersionWatch) record(ctx context.Context, s sighting, previous pitwall.Version) error {
	fresh, err := w.log.AppendChange(ctx, pitwall.Change{
		ID: pitwall.ChangeID(fmt.Sprintf("telemetry-%s-%s", s.service, s.version)), At: s.at.UTC(), Kind: pitwall.ChangeDeploy,
		Service: s.service, Version: s.version, PreviousVersion: previous,
		Summary: fmt.Sprintf("%s %s began to send telemetry", s.service, s.version), SeenBy: pitwall.SeenByTelemetry,
	})
	if err != nil {
		return fmt.Errorf("recording version %s of %s: %w", s.version, s.service, err)
	}
	if fresh {
		w.recorded++
		w.last = s.at
	}
	return nil
}

// Health tells how many deploys only telemetry told of.
func (w *VersionWatch) Health() []pitwall.SourceHealth {
	w.mu.Lock()
	defer w.mu.Unlock()
	return []pitwall.SourceHealth{{
		Name: "changes/telemetry", Signal: pitwall.SignalChanges, Up: w.trouble == "", LastSeen: w.last, Accepted: w.recorded, Message: cmp.Or(w.trouble, w.flooding),
		Blind: "deploys that nobody announces",
	}}
}
