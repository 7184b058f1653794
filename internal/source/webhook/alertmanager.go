package webhook

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// notification is Alertmanager's webhook, version 4. Grafana sends the same.
type notification struct {
	GroupKey    string     `json:"groupKey"`
	ExternalURL string     `json:"externalURL"`
	Truncated   int        `json:"truncatedAlerts"`
	Alerts      []oneAlert `json:"alerts"`
}

type oneAlert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// alertmanager takes a group of alerts. What is wrong with one of them does not
// lose the others; when the store fails all of them come again.
func (h *Hooks) alertmanager(ctx context.Context, d delivery) (taken, *Problem) {
	n, problem := parseNotification(d.body)
	if problem != nil {
		return taken{}, problem
	}
	var t taken
	for i, one := range n.Alerts {
		a, err := h.alert(n, one, d.arrived)
		if err != nil {
			t.answer.Refused++
			t.answer.Note = fmt.Sprintf("alert %d: %v", i+1, err)
			continue
		}
		fresh, err := h.c.Alerts.AppendAlert(ctx, a)
		if err != nil {
			return taken{}, unstored("alert", err)
		}
		if fresh {
			t.answer.Stored++
			t.at = cmp.Or(a.To, a.From)
		}
	}
	t.answer.Known = t.answer.Stored == 0 && t.answer.Refused == 0 && len(n.Alerts) > 0
	if n.Truncated > 0 {
		t.answer.Note = fmt.Sprintf("%d more alerts were cut off: raise max_alerts of the receiver", n.Truncated)
	}
	return t, nil
}

func parseNotification(body []byte) (notification, *Problem) {
	var n notification
	if err := json.Unmarshal(body, &n); err != nil {
		return n, &Problem{Status: http.StatusBadRequest, Detail: "reading alerts: " + err.Error()}
	}
	if n.Alerts == nil {
		return n, unprocessable("alerts is missing: is the sender Alertmanager?")
	}
	return n, nil
}

// alert words one alert. The same firing is the same group, labels and beginning.
func (h *Hooks) alert(n notification, one oneAlert, arrived time.Time) (pitwall.Alert, error) {
	if one.StartsAt.Year() < 2000 || one.StartsAt.After(arrived.Add(maxAhead)) {
		return pitwall.Alert{}, fmt.Errorf("startsAt %s is not when something began", one.StartsAt.Format(time.RFC3339))
	}
	if one.Status != "firing" && one.Status != "resolved" {
		return pitwall.Alert{}, fmt.Errorf("status %q is neither firing nor resolved", clip(one.Status, 40))
	}
	a := pitwall.Alert{
		ID: alertID(n.GroupKey, one), Source: "alertmanager", Firing: one.Status == "firing", Name: clip(one.Labels["alertname"], 300),
		Service: h.alerting(one.Labels), Labels: one.Labels, Annotations: one.Annotations, From: one.StartsAt.UTC(),
		Link: cmp.Or(webLink(one.GeneratorURL), webLink(n.ExternalURL)),
	}
	if !a.Firing {
		a.To = one.EndsAt.UTC()
		if a.To.Year() < 2000 || a.To.After(arrived) {
			a.To = arrived.UTC()
		}
		if a.To.Before(a.From) {
			a.To = a.From
		}
	}
	return a, nil
}

func alertID(group string, one oneAlert) string {
	labels := one.Fingerprint
	if labels == "" {
		for _, name := range slices.Sorted(maps.Keys(one.Labels)) {
			labels += fmt.Sprintf("%q=%q,", name, one.Labels[name])
		}
	}
	sum := sha256.Sum256([]byte(fmt.Sprintf("%q %q %d", group, labels, one.StartsAt.UnixNano())))
	return "alertmanager/" + hex.EncodeToString(sum[:12])
}

// alerting finds the service an alert speaks of; "" when no label names one. Of a
// job named "namespace/name", as OpenTelemetry writes it, the name counts.
func (h *Hooks) alerting(labels map[string]string) pitwall.ServiceName {
	for _, label := range h.c.AlertLabels {
		value := labels[label]
		if value == "" {
			continue
		}
		return h.service("", value, value[strings.LastIndexByte(value, '/')+1:])
	}
	return ""
}
