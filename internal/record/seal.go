package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// Seal gives e its place behind prev: sequence number, the hash of the event
// before, and its own hash. A zero prev makes it the first event. Time and data
// are brought into the form that is hashed, so that what is stored is what was
// sealed.
func Seal(prev, e pitwall.Event) pitwall.Event {
	e.Seq = prev.Seq + 1
	e.Prev = prev.Hash
	e.Time = e.Time.UTC().Round(0)
	e.Plan = pitwall.PlanID(valid(string(e.Plan)))
	e.Type = pitwall.EventType(valid(string(e.Type)))
	e.Actor = valid(e.Actor)
	e.Data = canonical(e.Data)
	e.Hash = Hash(e)
	return e
}

// Hash is the SHA-256 in hex of the canonical form of an event: the JSON array
//
//	[seq, time, plan, type, actor, from, to, data, prev]
//
// without white space, time in RFC 3339 with nanoseconds and in UTC, the data
// compacted (null when there is none), and <, > and & escaped as \u003c and so
// on, as Go's encoding/json writes it. Anybody can recompute it from an export.
func Hash(e pitwall.Event) string {
	data := canonical(e.Data)
	if len(data) == 0 {
		data = json.RawMessage("null")
	}
	line, err := json.Marshal([]any{
		e.Seq, e.Time.UTC().Format(time.RFC3339Nano), e.Plan, e.Type, e.Actor, e.From, e.To, data, e.Prev,
	})
	if err != nil { // the data is no JSON; it gets a hash of its own that no good event has
		line = append([]byte("not json:"), data...)
	}
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// canonical brings JSON into the one form that survives every way through
// encoding/json. What is not JSON stays as it is, and JSON null is no data.
func canonical(data json.RawMessage) json.RawMessage {
	if len(data) == 0 {
		return nil
	}
	var compact, escaped bytes.Buffer
	if err := json.Compact(&compact, bytes.ToValidUTF8(data, []byte("\ufffd"))); err != nil {
		return data
	}
	if compact.String() == "null" {
		return nil
	}
	json.HTMLEscape(&escaped, compact.Bytes())
	return escaped.Bytes()
}

func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
