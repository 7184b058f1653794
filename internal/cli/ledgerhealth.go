package cli

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// ledgerHealth lets the ledger speak as the stores do.
type ledgerHealth struct{ ledger *slo.Ledger }

// Health says whether older counts can be read back, and what was refused.
func (h ledgerHealth) Health() []pitwall.SourceHealth {
	g := h.ledger.Growth()
	s := pitwall.SourceHealth{Name: "ledger", Signal: pitwall.SignalState, Up: g.Trouble == "", Rejected: h.ledger.Refused(),
		Blind: "what budgets were spent before the last hours"}
	if !s.Up {
		s.Message = fmt.Sprintf("older counts cannot be read, so budgets over them are not known: %s", g.Trouble)
	}
	return []pitwall.SourceHealth{s}
}
