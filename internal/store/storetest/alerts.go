package storetest

import (
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func alerts(t *testing.T, s Store) {
	ctx := t.Context()
	put := func(want bool, a pitwall.Alert) {
		t.Helper()
		fresh, err := s.AppendAlert(ctx, a)
		must(t, err)
		if fresh != want {
			t.Errorf("%s: new is %v", a.ID, fresh)
		}
	}
	during := func(from, to int, want ...pitwall.Alert) {
		t.Helper()
		got, err := s.Alerts(ctx, pitwall.Period{From: at(from), To: at(to)})
		must(t, err)
		equal(t, want, got)
	}
	slow := pitwall.Alert{ID: "a/1", Source: "alertmanager", Firing: true, Name: "Slow", Service: "checkout", From: at(10),
		Labels: map[string]string{"severity": "page"}, Annotations: map[string]string{"summary": "p99 <b>"}, Link: "https://prom/1"}
	full := pitwall.Alert{ID: "a/2", Source: "alertmanager", Firing: true, Name: "DiskFull", From: at(20)}
	put(true, slow)
	put(false, slow) // repeated
	put(true, full)
	during(0, 10)
	during(0, 11, slow)
	during(30, 31, full, slow) // both still fire, the newest first
	over := slow
	over.Firing, over.To = false, at(40)
	put(true, over)
	put(false, over)
	put(false, slow) // told late: what is over stays over
	during(39, 41, full, over)
	during(40, 41, full) // the end is not part of it
	// Only its end was heard of.
	brief := pitwall.Alert{ID: "a/3", Source: "alertmanager", Name: "Brief", From: at(1), To: at(3)}
	put(true, brief)
	put(false, pitwall.Alert{ID: "a/3", Source: "alertmanager", Firing: true, Name: "Brief", From: at(1)})
	during(2, 3, brief)
	for _, wrong := range []pitwall.Alert{
		{Firing: true, From: at(1)}, {ID: "x", Firing: true}, {ID: "x", From: at(1)}, {ID: "x", From: at(2), To: at(1)},
	} {
		_, err := s.AppendAlert(ctx, wrong)
		kind(t, pitwall.Invalid, err)
	}
	during(0, 1)
}

// changesSeenTwice: a deploy that is announced and seen in telemetry is one.
func changesSeenTwice(t *testing.T, s Store) {
	ctx := t.Context()
	minute := func(n int) time.Time { return at(0).Add(time.Duration(n) * time.Minute) }
	for _, c := range []pitwall.Change{
		{ID: "telemetry-inventory-v41", At: minute(1), Kind: pitwall.ChangeDeploy, Service: "inventory", Version: "v41", PreviousVersion: "v40", SeenBy: pitwall.SeenByTelemetry},
		{ID: "ci-7", At: minute(20), Kind: pitwall.ChangeDeploy, Service: "inventory", Version: "v41", Summary: "details", Actor: "ci", SeenBy: pitwall.SeenByWebhook},
		{ID: "telemetry-auth-v3", At: minute(5), Kind: pitwall.ChangeDeploy, Service: "auth", Version: "v3", SeenBy: pitwall.SeenByTelemetry},
		{ID: "ci-8", At: minute(36), Kind: pitwall.ChangeDeploy, Service: "auth", Version: "v3", SeenBy: pitwall.SeenByWebhook},
	} {
		_, err := s.AppendChange(ctx, c)
		must(t, err)
	}
	ids := func(from, to int) (list []pitwall.ChangeID) {
		t.Helper()
		got, err := s.Changes(ctx, pitwall.Period{From: minute(from), To: minute(to)})
		must(t, err)
		for _, c := range got {
			list = append(list, c.ID)
			if c.ID == "ci-7" && (!c.At.Equal(minute(1)) || c.PreviousVersion != "v40" || c.SeenBy != pitwall.SeenByWebhook || c.Actor != "ci") {
				t.Errorf("joined to %+v", c)
			}
		}
		return list
	}
	equal(t, []pitwall.ChangeID{"ci-7", "telemetry-auth-v3", "ci-8"}, ids(0, 60)) // 31 minutes apart are two
	equal(t, []pitwall.ChangeID{"ci-7"}, ids(0, 2))                               // its announcement lies behind the period
	equal(t, []pitwall.ChangeID(nil), ids(10, 30))                                // it acted before the period
}
