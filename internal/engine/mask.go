package engine

import (
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose"
	"github.com/pitwall/pitwall/internal/mask"
)

// maskAnswer takes secrets out of what a diagnosis will read: it goes into the
// record, which nobody can take anything out of again. Announced changes come
// without them; what a recorded case or another reader brings need not. What the
// sources gave is left as it was.
func maskAnswer(a *diagnose.Answer) {
	a.Changes = slices.Clone(a.Changes)
	for i := range a.Changes {
		a.Changes[i] = mask.Change(a.Changes[i])
	}
	a.Logs = slices.Clone(a.Logs)
	for i := range a.Logs {
		a.Logs[i].Template, a.Logs[i].Example = mask.Text(a.Logs[i].Template), mask.Text(a.Logs[i].Example)
	}
	a.Status = slices.Clone(a.Status)
	for i := range a.Status {
		a.Status[i].Title, a.Status[i].Text = mask.Text(a.Status[i].Title), mask.Text(a.Status[i].Text)
	}
	a.Missing = mask.Tokens(a.Missing) // words of ours, which may hold an address
}

func maskAlarm(a diagnose.Alarm) diagnose.Alarm {
	a.Monitor, a.Summary, a.Detail = mask.Text(a.Monitor), mask.Text(a.Summary), mask.Text(a.Detail)
	return a
}

// maskContrasts takes secrets out of the values of attributes.
func maskContrasts(list []pitwall.AttributeContrast) {
	for i := range list {
		for j := range list[i].Values {
			v := &list[i].Values[j]
			if mask.Secret(list[i].Key, v.Value) {
				v.Value = mask.Masked
			} else {
				v.Value = mask.Text(v.Value)
			}
		}
	}
}
