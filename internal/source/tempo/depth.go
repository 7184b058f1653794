package tempo

import (
	"encoding/binary"
	"errors"
	"math"
)

// maxDepth is how deeply values of attributes may be nested; OpenTelemetry's
// own libraries stop long before.
const maxDepth = 32

// message is a kind of message in OTLP traces.
type message uint8

const (
	leaf message = iota
	traces
	resourceSpans
	resource
	scopeSpans
	scope
	span
	event
	link
	keyValue
	anyValue
	arrayValue
	keyValueList
)

// inside says which message a field of a message holds; leaf: none of those in
// which there is a value of an attribute.
func (m message) inside(field uint64) message {
	type place struct {
		in    message
		field uint64
	}
	switch (place{m, field}) {
	case place{traces, 1}:
		return resourceSpans
	case place{resourceSpans, 1}:
		return resource
	case place{resourceSpans, 2}, place{resourceSpans, 1000}: // 1000: of old senders
		return scopeSpans
	case place{scopeSpans, 1}:
		return scope
	case place{scopeSpans, 2}:
		return span
	case place{span, 11}:
		return event
	case place{span, 13}:
		return link
	case place{resource, 1}, place{scope, 3}, place{span, 9}, place{event, 3}, place{link, 4}, place{keyValueList, 1}:
		return keyValue
	case place{keyValue, 2}, place{arrayValue, 1}:
		return anyValue
	case place{anyValue, 5}:
		return arrayValue
	case place{anyValue, 6}:
		return keyValueList
	}
	return leaf
}

// shallow refuses values nested so deeply that the decoder, which calls itself
// for each level, would end the process. It also refuses what it cannot read
// itself, so that nothing deep can hide behind it.
func shallow(body []byte, m message, depth int) error {
	if m == anyValue {
		if depth++; depth > maxDepth {
			return errors.New("a value of an attribute is nested too deeply")
		}
	}
	for len(body) > 0 {
		key, n := binary.Uvarint(body)
		if n <= 0 || key>>3 > math.MaxInt32 {
			return errNoProtobuf
		}
		field, value, rest, err := fieldOf(key, body[n:])
		if err != nil {
			return err
		}
		body = rest
		if in := m.inside(field); in != leaf && key&7 == 2 {
			if err := shallow(value, in, depth); err != nil {
				return err
			}
		}
	}
	return nil
}
