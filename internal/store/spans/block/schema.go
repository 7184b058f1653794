package block

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/pitwall/pitwall"
)

// The leaves every block begins with. Attribute columns follow, and the two
// leaves of the list are the last.
const (
	colTrace = iota
	colSpan
	colParent
	colStart
	colDuration
	colSelf
	colCritical
	colFailed
	colReq
	colResp
	colService
	colVersion
	colOperation
	colKind
	colPeer
	colStatement
	fixedColumns
)

const (
	attrPrefix = "attr."
	listLeaves = 2 // attrs.key, attrs.value
	// maxAttrColumns bounds how many attribute keys have a column of their own.
	maxAttrColumns = 40
	maxKeyBytes    = 256 // longer keys have none
)

// leaf is one column of the file.
type leaf struct {
	name     string
	physical format.Type
	optional bool
	list     bool // one of the two of attrs
	bytes    bool // holds text that is not UTF-8
}

// fixedLeaves lists the columns that every block has.
func fixedLeaves() []leaf {
	return []leaf{
		colTrace:     {name: "trace_id", physical: format.FixedLenByteArray},
		colSpan:      {name: "span_id", physical: format.Int64},
		colParent:    {name: "parent_id", physical: format.Int64},
		colStart:     {name: "start_ns", physical: format.Int64},
		colDuration:  {name: "duration_ns", physical: format.Int64},
		colSelf:      {name: "self_ns", physical: format.Int64, optional: true},
		colCritical:  {name: "critical_ns", physical: format.Int64, optional: true},
		colFailed:    {name: "failed", physical: format.Boolean},
		colReq:       {name: "req_bytes", physical: format.Int64, optional: true},
		colResp:      {name: "resp_bytes", physical: format.Int64, optional: true},
		colService:   {name: "service", physical: format.ByteArray},
		colVersion:   {name: "version", physical: format.ByteArray},
		colOperation: {name: "operation", physical: format.ByteArray},
		colKind:      {name: "kind", physical: format.ByteArray},
		colPeer:      {name: "peer", physical: format.ByteArray},
		colStatement: {name: "statement", physical: format.ByteArray},
	}
}

// leavesFor gives all columns of a block with these attribute columns.
func leavesFor(keys []string) []leaf {
	leaves := fixedLeaves()
	for _, key := range keys {
		leaves = append(leaves, leaf{name: attrPrefix + key, physical: format.ByteArray, optional: true})
	}
	return append(leaves,
		leaf{name: "key", physical: format.ByteArray, list: true},
		leaf{name: "value", physical: format.ByteArray, list: true})
}

// path is where a leaf is in the schema.
func (l leaf) path() []string {
	if l.list {
		return []string{"attrs", "list", "element", l.name}
	}
	return []string{l.name}
}

// schemaOf writes the leaves as Parquet's flattened tree.
func schemaOf(leaves []leaf) []format.SchemaElement {
	plain := len(leaves) - listLeaves
	group := func(name string, children int, r format.FieldRepetitionType) format.SchemaElement {
		e := format.SchemaElement{Name: name, NumChildren: thrift.New(int32(children))}
		e.RepetitionType.Set(r)
		return e
	}
	elements := []format.SchemaElement{{Name: "spans", NumChildren: thrift.New(int32(plain + 1))}}
	for _, l := range leaves[:plain] {
		elements = append(elements, l.element())
	}
	list := group("attrs", 1, format.Required)
	list.ConvertedType.Set(deprecated.List)
	list.LogicalType.Value = new(format.ListType)
	elements = append(elements, list, group("list", 1, format.Repeated), group("element", listLeaves, format.Required))
	for _, l := range leaves[plain:] {
		elements = append(elements, l.element())
	}
	return elements
}

func (l leaf) element() format.SchemaElement {
	e := format.SchemaElement{Name: l.name, Type: thrift.New(l.physical), RepetitionType: thrift.New(format.Required)}
	if l.optional {
		e.RepetitionType.Set(format.Optional)
	}
	switch {
	case l.physical == format.FixedLenByteArray:
		// As plain bytes DuckDB 1.5 finds no id that its filter holds; as UUID it does.
		e.TypeLength.Set(int32(len(pitwall.TraceID{})))
		e.LogicalType.Value = new(format.UUIDType)
	case l.physical == format.ByteArray && !l.bytes:
		e.ConvertedType.Set(deprecated.UTF8)
		e.LogicalType.Value = new(format.StringType)
	case l.name == "span_id" || l.name == "parent_id":
		e.ConvertedType.Set(deprecated.Uint64)
		e.LogicalType.Value = &format.IntType{BitWidth: 64}
	}
	return e
}

// columnKeys chooses the attribute keys that get a column: the most frequent,
// if at least one span in a thousand has them. It gives the keys, and for each
// word of the dictionary the column that it is the key of, or -1.
func columnKeys(b *pitwall.SpanBatch) (keys []string, columnOf []int32) {
	count := make([]int, len(b.Strings))
	for _, k := range b.AttrKey {
		count[k]++
	}
	least := max(1, b.Len()/1000)
	var often []uint32
	for k, n := range count {
		if n >= least && fitsColumn(b.Strings[k]) {
			often = append(often, uint32(k))
		}
	}
	sortByCount(often, count)
	columnOf = make([]int32, len(b.Strings))
	for i := range columnOf {
		columnOf[i] = -1
	}
	// Readers such as DuckDB and Spark fold the case of column names, so of two
	// keys that differ only by case the rarer stays in the list.
	folded := map[string]bool{}
	for _, k := range often {
		if len(keys) == maxAttrColumns {
			break
		}
		low := strings.ToLower(b.Strings[k])
		if folded[low] {
			continue
		}
		folded[low] = true
		columnOf[k] = int32(len(keys))
		keys = append(keys, b.Strings[k])
	}
	return keys, columnOf
}

func fitsColumn(key string) bool {
	return len(key) <= maxKeyBytes && utf8.ValidString(key) && !strings.ContainsRune(key, 0)
}

// kindNames lists the words of the column kind by OTLP's number; read-only.
var kindNames = [...]string{"unspecified", "internal", "server", "client", "producer", "consumer"}

func kindName(k pitwall.SpanKind) string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return strconv.Itoa(int(k))
}

func kindOf(name string) (pitwall.SpanKind, bool) {
	for k, word := range kindNames {
		if word == name {
			return pitwall.SpanKind(k), true
		}
	}
	k, err := strconv.ParseUint(name, 10, 8)
	return pitwall.SpanKind(k), err == nil
}
