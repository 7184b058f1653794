package pitwall

import "time"

// SpanKind is the OpenTelemetry span kind with OTLP's numbers.
type SpanKind uint8

// The span kinds.
const (
	SpanUnspecified SpanKind = iota
	SpanInternal
	SpanServer
	SpanClient
	SpanProducer
	SpanConsumer
)

// TraceID is the sixteen bytes of a trace id.
type TraceID [16]byte

// SpanBatch holds spans as columns; row i of every column is span i. Strings
// are numbers into one dictionary, in which 0 is always "". A SpanBatch is not
// safe for use by several goroutines while it is being filled.
type SpanBatch struct {
	// Delivery identifies the export request the spans came in: a sender that
	// heard no answer sends the same request again, and it is stored once. 0:
	// unknown.
	Delivery  uint64
	Strings   []string
	TraceID   []TraceID
	SpanID    []uint64
	ParentID  []uint64 // 0: root
	Start     []int64  // unix nanoseconds
	Duration  []int64  // nanoseconds, never negative
	Service   []uint32
	Version   []uint32
	Operation []uint32 // span name
	Peer      []uint32 // peer.service or server.address of a client span
	Statement []uint32 // db.query.text of a database span
	Kind      []SpanKind
	Failed    []bool  // status error, or HTTP status >= 500 on a server span
	ReqBytes  []int64 // body sizes; -1: unknown
	RespBytes []int64
	// AttrEnd[i] is one past span i's last entry in AttrKey and AttrValue; its
	// first is AttrEnd[i-1]. Attributes that have a column are not repeated.
	AttrEnd   []uint32
	AttrKey   []uint32
	AttrValue []uint32

	index map[string]uint32
}

// SpanRow is one span in the shape a person would write it.
type SpanRow struct {
	TraceID             TraceID
	SpanID, ParentID    uint64
	Start               time.Time
	Duration            time.Duration
	Service             ServiceName
	Version             Version
	Operation           string
	Peer                string
	Statement           string
	Kind                SpanKind
	Failed              bool
	ReqBytes, RespBytes int64 // -1: unknown
	Attrs               []Attr
}

// Attr is one attribute, its value in text.
type Attr struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Len is the number of spans.
func (b *SpanBatch) Len() int { return len(b.SpanID) }

// Intern gives the dictionary number of s, adding it if it is new.
func (b *SpanBatch) Intern(s string) uint32 {
	if b.index == nil {
		b.index = make(map[string]uint32, len(b.Strings)+16)
		for i, old := range b.Strings {
			b.index[old] = uint32(i)
		}
		if len(b.Strings) == 0 {
			b.Strings = append(b.Strings, "")
			b.index[""] = 0
		}
	}
	if id, ok := b.index[s]; ok {
		return id
	}
	id := uint32(len(b.Strings))
	b.Strings = append(b.Strings, s)
	b.index[s] = id
	return id
}

// Lookup gives the dictionary number of s without adding it.
func (b *SpanBatch) Lookup(s string) (uint32, bool) {
	if b.index == nil {
		b.Intern("")
	}
	id, ok := b.index[s]
	return id, ok
}

// Add appends one span.
func (b *SpanBatch) Add(r SpanRow) {
	b.TraceID = append(b.TraceID, r.TraceID)
	b.SpanID = append(b.SpanID, r.SpanID)
	b.ParentID = append(b.ParentID, r.ParentID)
	b.Start = append(b.Start, r.Start.UnixNano())
	b.Duration = append(b.Duration, max(0, int64(r.Duration)))
	b.Service = append(b.Service, b.Intern(string(r.Service)))
	b.Version = append(b.Version, b.Intern(string(r.Version)))
	b.Operation = append(b.Operation, b.Intern(r.Operation))
	b.Peer = append(b.Peer, b.Intern(r.Peer))
	b.Statement = append(b.Statement, b.Intern(r.Statement))
	b.Kind = append(b.Kind, r.Kind)
	b.Failed = append(b.Failed, r.Failed)
	b.ReqBytes = append(b.ReqBytes, r.ReqBytes)
	b.RespBytes = append(b.RespBytes, r.RespBytes)
	for _, a := range r.Attrs {
		b.AttrKey = append(b.AttrKey, b.Intern(a.Key))
		b.AttrValue = append(b.AttrValue, b.Intern(a.Value))
	}
	b.AttrEnd = append(b.AttrEnd, uint32(len(b.AttrKey)))
}

// Row gives span i as a row; it allocates, so hot paths read the columns.
func (b *SpanBatch) Row(i int) SpanRow {
	r := SpanRow{
		TraceID: b.TraceID[i], SpanID: b.SpanID[i], ParentID: b.ParentID[i],
		Start: time.Unix(0, b.Start[i]), Duration: time.Duration(b.Duration[i]),
		Service: ServiceName(b.Strings[b.Service[i]]), Version: Version(b.Strings[b.Version[i]]),
		Operation: b.Strings[b.Operation[i]], Peer: b.Strings[b.Peer[i]], Statement: b.Strings[b.Statement[i]],
		Kind: b.Kind[i], Failed: b.Failed[i], ReqBytes: b.ReqBytes[i], RespBytes: b.RespBytes[i],
	}
	from, to := b.attrs(i)
	for j := from; j < to; j++ {
		r.Attrs = append(r.Attrs, Attr{b.Strings[b.AttrKey[j]], b.Strings[b.AttrValue[j]]})
	}
	return r
}

// AppendFrom copies span i of src.
func (b *SpanBatch) AppendFrom(src *SpanBatch, i int) {
	str := func(id uint32) uint32 { return b.Intern(src.Strings[id]) }
	b.TraceID = append(b.TraceID, src.TraceID[i])
	b.SpanID = append(b.SpanID, src.SpanID[i])
	b.ParentID = append(b.ParentID, src.ParentID[i])
	b.Start = append(b.Start, src.Start[i])
	b.Duration = append(b.Duration, src.Duration[i])
	b.Service = append(b.Service, str(src.Service[i]))
	b.Version = append(b.Version, str(src.Version[i]))
	b.Operation = append(b.Operation, str(src.Operation[i]))
	b.Peer = append(b.Peer, str(src.Peer[i]))
	b.Statement = append(b.Statement, str(src.Statement[i]))
	b.Kind = append(b.Kind, src.Kind[i])
	b.Failed = append(b.Failed, src.Failed[i])
	b.ReqBytes = append(b.ReqBytes, src.ReqBytes[i])
	b.RespBytes = append(b.RespBytes, src.RespBytes[i])
	from, to := src.attrs(i)
	for j := from; j < to; j++ {
		b.AttrKey = append(b.AttrKey, str(src.AttrKey[j]))
		b.AttrValue = append(b.AttrValue, str(src.AttrValue[j]))
	}
	b.AttrEnd = append(b.AttrEnd, uint32(len(b.AttrKey)))
}

func (b *SpanBatch) attrs(i int) (from, to uint32) {
	if i > 0 {
		from = b.AttrEnd[i-1]
	}
	return from, b.AttrEnd[i]
}
