package fold

import (
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/trace"
)

// names remembers what the numbers of one batch's dictionary are in the graph,
// so that no text is looked at twice.
type names struct {
	ops      map[[2]uint32]int32 // by service and operation
	calls    map[callKey]int32
	shapes   map[uint32]string
	versions map[[2]uint32]int // spans by service and version
	dbKeys   []uint32
}

// callKey is a Call in numbers of the batch's dictionary.
type callKey struct {
	from, to              int32
	peer, name, statement uint32
	db                    bool
}

func newNames(b *pitwall.SpanBatch) names {
	n := names{ops: map[[2]uint32]int32{}, calls: map[callKey]int32{}, shapes: map[uint32]string{}, versions: map[[2]uint32]int{}}
	for _, key := range []string{"db.system.name", "db.system"} {
		if id, ok := b.Lookup(key); ok {
			n.dbKeys = append(n.dbKeys, id)
		}
	}
	return n
}

// opOf is the operation that a span opens.
func (f *folder) opOf(i int) int32 {
	key := [2]uint32{f.b.Service[i], f.b.Operation[i]}
	id, ok := f.names.ops[key]
	if !ok {
		id = int32(f.g.op(Operation{pitwall.ServiceName(f.b.Strings[key[0]]), f.b.Strings[key[1]]}))
		f.names.ops[key] = id
	}
	return id
}

// callID is the call that a client span makes; server is the row that answers
// it, or -1.
func (f *folder) callID(i, server int) int {
	key := callKey{from: f.owner[i], to: Leaf, peer: f.b.Peer[i], name: f.b.Operation[i]}
	if server >= 0 {
		key.to, key.peer = f.opOf(server), f.b.Service[server]
	} else {
		key.statement = f.b.Statement[i]
		key.db = key.statement != 0 || f.database(i)
	}
	id, ok := f.names.calls[key]
	if !ok {
		id = int32(f.g.call(Call{From: int(key.from), To: int(key.to), Peer: f.b.Strings[key.peer], Name: f.b.Strings[key.name],
			Statement: f.shape(key.statement), DB: key.db}))
		f.names.calls[key] = id
	}
	return int(id)
}

// shape is the shape of a statement by its number.
func (f *folder) shape(statement uint32) string {
	text, ok := f.names.shapes[statement]
	if !ok {
		text = trace.StatementShape(f.b.Strings[statement])
		f.names.shapes[statement] = text
	}
	return text
}

func (f *folder) database(i int) bool {
	from := uint32(0)
	if i > 0 {
		from = f.b.AttrEnd[i-1]
	}
	for _, key := range f.b.AttrKey[from:f.b.AttrEnd[i]] {
		if slices.Contains(f.names.dbKeys, key) {
			return true
		}
	}
	return false
}

// seen counts the version that a span ran.
func (f *folder) seen(i int) {
	if v := f.b.Version[i]; v != 0 {
		f.names.versions[[2]uint32{f.b.Service[i], v}]++
	}
}

func (f *folder) tellVersions() {
	for key, n := range f.names.versions {
		name := pitwall.ServiceName(f.b.Strings[key[0]])
		if f.Versions[name] == nil {
			f.Versions[name] = map[pitwall.Version]int{}
		}
		f.Versions[name][pitwall.Version(f.b.Strings[key[1]])] += n
	}
}
