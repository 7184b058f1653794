package cli

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func TestTroubleIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	h := &house{log: slog.New(slog.NewTextHandler(&log, nil))}
	down := map[string]bool{}
	seen := time.Unix(1, 0)
	f := func(up bool, message, wants string) {
		t.Helper()
		log.Reset()
		h.compare(down, []pitwall.SourceHealth{{Name: "store/spans", Up: up, LastSeen: seen, Message: message}, {Name: "rum"}})
		if wants == "" && log.Len() > 0 || !strings.Contains(log.String(), wants) {
			t.Errorf("logged %q, want %q", log.String(), wants)
		}
	}
	f(true, "", "")
	f(false, "writing: no space left", `level=WARN msg="Source in trouble" source=store/spans says="writing: no space left"`)
	f(false, "writing: no space left", "")
	f(true, "", `level=INFO msg="Source well again" source=store/spans`)
	f(true, "", "")
}
