package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// valueKind is which of an AnyValue's alternatives is set.
type valueKind uint8

const (
	valueEmpty valueKind = iota
	valueText
	valueBool
	valueInt
	valueDouble
	valueArray
	valueList // of keys and values
	valueBytes
)

// value is an AnyValue whose bytes stay where they are in the request.
type value struct {
	kind     valueKind
	num      uint64 // bool, int, or the bits of a double
	from, to int    // text, bytes, or the encoded list
}

// value reads an AnyValue into v, which may hold one that came before: the last
// alternative wins, and an empty message changes nothing.
func (w *Walker) value(b []byte, pos int, v *value) *Fault {
	if len(b)-pos > 1 && b[pos] == 1<<3|typeLen && int(b[pos+1]) == len(b)-pos-2 && b[pos+1] < 0x80 { // nothing but a short text
		*v = value{kind: valueText, from: pos + 2, to: len(b)}
		return nil
	}
	w.check.depth, w.check.elements = 1, 0
	begin := pos
	for pos < len(b) {
		next, f := w.check.field(kindAnyValue, b, begin, pos)
		if f != nil {
			return f
		}
		v.set(b[:next], pos)
		pos = next
	}
	w.check.depth = 0
	return nil
}

// set takes one checked field, which lies from pos to the end of b.
func (v *value) set(b []byte, pos int) {
	tag, pos := tagAt(b, pos)
	switch tag {
	case 1<<3 | typeLen, 5<<3 | typeLen, 6<<3 | typeLen, 7<<3 | typeLen:
		kinds := [...]valueKind{1: valueText, 5: valueArray, 6: valueList, 7: valueBytes}
		*v = value{kind: kinds[tag>>3]}
		v.from, v.to = chunk(b, pos)
	case 2<<3 | typeVarint, 3<<3 | typeVarint:
		*v = value{kind: valueInt}
		v.num, _ = varint(b, pos)
		if tag>>3 == 2 {
			v.kind, v.num = valueBool, min(v.num, 1)
		}
	case 4<<3 | typeI64:
		*v = value{kind: valueDouble}
		v.num, _ = fixed(b, pos)
	case 8<<3 | typeVarint: // an index into a table that only profiles have
		*v = value{}
	}
}

// numberOfValue gives the number of a value's text: lists as JSON, bytes in
// base64.
func (w *Walker) numberOfValue(b []byte, v *value, limit int) uint32 {
	switch v.kind {
	case valueEmpty:
		return 0
	case valueText:
		return w.number(b[v.from:v.to], limit)
	}
	w.scratch = appendText(w.scratch[:0], b, v)
	return w.number(w.scratch, limit)
}

func appendText(dst, b []byte, v *value) []byte {
	switch v.kind {
	case valueEmpty:
		return dst
	case valueText:
		return append(dst, b[v.from:v.to]...)
	case valueBool:
		return strconv.AppendBool(dst, v.num != 0)
	case valueInt:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case valueDouble:
		return appendDouble(dst, math.Float64frombits(v.num))
	case valueBytes:
		return base64.StdEncoding.AppendEncode(dst, b[v.from:v.to])
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(plain(b, v)); err != nil {
		return dst // JSON has no word for what is in it, such as NaN
	}
	return append(dst, strings.TrimRight(text.String(), "\n")...)
}

// appendDouble writes a double as JSON does, and what JSON cannot write as
// JavaScript does.
func appendDouble(dst []byte, d float64) []byte {
	switch {
	case math.IsNaN(d):
		return append(dst, "NaN"...)
	case math.IsInf(d, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(d, -1):
		return append(dst, "-Infinity"...)
	}
	text, err := json.Marshal(d)
	if err != nil {
		return dst
	}
	return append(dst, text...)
}

// plain gives a value that has been checked in Go's own types, for JSON.
func plain(b []byte, v *value) any {
	switch v.kind {
	case valueText:
		return string(b[v.from:v.to])
	case valueBool:
		return v.num != 0
	case valueInt:
		return int64(v.num)
	case valueDouble:
		return math.Float64frombits(v.num)
	case valueBytes:
		return append([]byte(nil), b[v.from:v.to]...) // none is null, as others write it
	case valueArray:
		list := []any{}
		elements(b[:v.to], v.from, func(from, to int) {
			e := plainMessage(b[:to], from)
			list = append(list, e)
		})
		return list
	case valueList:
		object := map[string]any{}
		elements(b[:v.to], v.from, func(from, to int) {
			key, e := keyValue(b[:to], from)
			object[key] = e
		})
		return object
	}
	return nil
}

// elements calls f for each element of a checked list.
func elements(b []byte, pos int, f func(from, to int)) {
	for pos < len(b) {
		tag, next := tagAt(b, pos)
		if next < 0 {
			return
		}
		if tag == 1<<3|typeLen {
			f(chunk(b, next))
		}
		if pos = skip(b, next, tag); pos < 0 {
			return
		}
	}
}

// plainMessage reads a checked AnyValue.
func plainMessage(b []byte, pos int) any {
	var v value
	merge(b, pos, &v)
	return plain(b, &v)
}

func merge(b []byte, pos int, v *value) {
	for pos < len(b) {
		tag, next := tagAt(b, pos)
		if next < 0 {
			return
		}
		if next = skip(b, next, tag); next < 0 {
			return
		}
		v.set(b[:next], pos)
		pos = next
	}
}

// keyValue reads a checked KeyValue.
func keyValue(b []byte, pos int) (key string, val any) {
	var v value
	for pos < len(b) {
		tag, next := tagAt(b, pos)
		if next < 0 {
			break
		}
		end := skip(b, next, tag)
		if end < 0 {
			break
		}
		switch tag {
		case 1<<3 | typeLen:
			from, to := chunk(b, next)
			key = string(b[from:to])
		case 2<<3 | typeLen:
			from, to := chunk(b, next)
			merge(b[:to], from, &v)
		}
		pos = end
	}
	return key, plain(b, &v)
}
