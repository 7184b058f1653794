package prof

import (
	"encoding/binary"
	"fmt"
	"math"
	"path"
)

// wire collects the messages of a profile whose strings come last.
type wire struct {
	flat
	strings   [][]byte
	kinds     [][2]uint64 // sample types: name and unit, as string numbers
	periodic  [2]uint64
	mappings  map[uint64]uint64 // id to file, as a string number
	names     []uint64          // of functions, as string numbers
	function  table
	locations [][]byte
	known     map[string]int32 // functions by name
}

// scan reads an uncompressed pprof profile. What it refuses is no valid one.
func scan(data []byte) (*flat, error) {
	w := wire{mappings: map[uint64]uint64{}}
	w.places = make([]uint64, 0, len(data)/4) // most of a profile is stacks
	if err := walk(data, w.message); err != nil {
		return nil, err
	}
	if err := w.resolve(); err != nil {
		return nil, err
	}
	if len(w.values) != len(w.samples)*len(w.types) {
		return nil, fmt.Errorf("%d values of %d samples of %d types", len(w.values), len(w.samples), len(w.types))
	}
	return &w.flat, nil
}

// field is one field of a message: a number, or bytes.
type field struct {
	number uint64
	value  uint64
	bytes  []byte // nil for a number
}

// walk calls f for each field of a protobuf message.
func walk(message []byte, f func(field) error) error {
	for len(message) > 0 {
		key, n := binary.Uvarint(message)
		if n <= 0 {
			return errTorn
		}
		message = message[n:]
		x := field{number: key >> 3}
		switch key & 7 {
		case 0:
			if x.value, n = binary.Uvarint(message); n <= 0 {
				return errTorn
			}
		case 1:
			n = 8
		case 2:
			size, head := binary.Uvarint(message)
			if head <= 0 || size > uint64(len(message)-head) {
				return errTorn
			}
			n = head + int(size)
			x.bytes = message[head:n:n]
		case 5:
			n = 4
		default:
			return fmt.Errorf("wire type %d: it is no pprof profile", key&7)
		}
		if n > len(message) {
			return errTorn
		}
		message = message[n:]
		if err := f(x); err != nil {
			return err
		}
	}
	return nil
}

// The fields of a profile that are read, by number.
const (
	fieldSampleType = 1
	fieldSample     = 2
	fieldMapping    = 3
	fieldLocation   = 4
	fieldFunction   = 5
	fieldString     = 6
	fieldPeriodType = 11
	fieldPeriod     = 12
)

func (w *wire) message(x field) error {
	switch x.number {
	case fieldSampleType:
		pair, err := numbers(x.bytes, 1, 2)
		w.kinds = append(w.kinds, pair)
		return err
	case fieldSample:
		return w.sample(x.bytes)
	case fieldMapping:
		pair, err := numbers(x.bytes, 1, 5) // id and file
		w.mappings[pair[0]] = pair[1]
		return err
	case fieldLocation: // its functions may come later
		w.locations = append(w.locations, x.bytes)
	case fieldFunction:
		pair, err := numbers(x.bytes, 1, 2) // id and name
		if err != nil {
			return err
		}
		w.names = append(w.names, pair[1])
		return w.function.set(pair[0], len(w.names)-1)
	case fieldString:
		w.strings = append(w.strings, x.bytes)
	case fieldPeriodType:
		var err error
		w.periodic, err = numbers(x.bytes, 1, 2)
		return err
	case fieldPeriod:
		w.every = int64(x.value)
	}
	return nil
}

// numbers reads two fields of a message; what is missing is 0.
func numbers(message []byte, first, second uint64) (pair [2]uint64, err error) {
	err = walk(message, func(x field) error {
		switch x.number {
		case first:
			pair[0] = x.value
		case second:
			pair[1] = x.value
		}
		return nil
	})
	return pair, err
}

func (w *wire) sample(message []byte) error {
	from, held := len(w.places), len(w.values)
	err := walk(message, func(x field) (err error) {
		switch x.number {
		case 1:
			w.places, err = list(w.places, x)
		case 2:
			w.values, err = list(w.values, x)
		}
		return err
	})
	if err != nil {
		return err
	}
	// Types may stand behind the samples, so equal lengths are all there is to ask.
	if n := len(w.samples); n > 0 && len(w.values)-held != held/n {
		return fmt.Errorf("a sample of %d values among samples of %d", len(w.values)-held, held/n)
	}
	if len(w.places) > math.MaxInt32 {
		return fmt.Errorf("more frames than can be counted")
	}
	w.samples = append(w.samples, span{int32(from), int32(len(w.places))})
	return nil
}

// list adds a repeated number, packed or not.
func list[T int64 | uint64](to []T, x field) ([]T, error) {
	if x.bytes == nil {
		return append(to, T(x.value)), nil
	}
	for rest := x.bytes; len(rest) > 0; {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return to, errTorn
		}
		to, rest = append(to, T(v)), rest[n:]
	}
	return to, nil
}

// resolve gives everything its name.
func (w *wire) resolve() (err error) {
	for _, k := range w.kinds {
		m, err := w.measure(k)
		if err != nil {
			return err
		}
		w.types = append(w.types, m)
	}
	if w.period, err = w.measure(w.periodic); err != nil {
		return err
	}
	w.known = map[string]int32{}
	byFunction := make([]int32, len(w.names))
	for i, s := range w.names {
		name, err := w.text(s)
		if err != nil {
			return err
		}
		byFunction[i] = w.number(plainName(name))
	}
	for i, message := range w.locations {
		id, err := w.location(message, byFunction)
		if err == nil {
			err = w.at.set(id, i)
		}
		if err != nil {
			return err
		}
	}
	for _, id := range w.places {
		if w.at.get(id) < 0 {
			return fmt.Errorf("a sample at location %d, which is missing", id)
		}
	}
	return nil
}

// number gives each name one number.
func (w *wire) number(name string) int32 {
	n, ok := w.known[name]
	if !ok {
		n = int32(len(w.functions))
		w.known[name] = n
		w.functions = append(w.functions, name)
	}
	return n
}

// location adds the functions of one location: several where calls were inlined.
func (w *wire) location(message []byte, byFunction []int32) (id uint64, err error) {
	mapping, from := uint64(0), len(w.lines)
	err = walk(message, func(x field) error {
		switch x.number {
		case 1:
			id = x.value
		case 2:
			mapping = x.value
		case 4:
			f, err := numbers(x.bytes, 1, 2)
			if err != nil {
				return err
			}
			at := w.function.get(f[0])
			if at < 0 {
				return fmt.Errorf("a line of function %d, which is missing", f[0])
			}
			w.lines = append(w.lines, byFunction[at])
		}
		return nil
	})
	if err != nil {
		return id, err
	}
	if len(w.lines) == from {
		file, err := w.text(w.mappings[mapping])
		if err != nil {
			return id, err
		}
		w.lines = append(w.lines, w.number(bracketed(file)))
	}
	w.spans = append(w.spans, span{int32(from), int32(len(w.lines))})
	return id, nil
}

func (w *wire) text(n uint64) (string, error) {
	switch {
	case n < uint64(len(w.strings)):
		return string(w.strings[n]), nil
	case n == 0:
		return "", nil
	}
	return "", fmt.Errorf("string %d of %d", n, len(w.strings))
}

func (w *wire) measure(pair [2]uint64) (m measure, err error) {
	if m.name, err = w.text(pair[0]); err != nil {
		return m, err
	}
	m.unit, err = w.text(pair[1])
	return m, err
}

// bracketed names code without symbols by the file it was loaded from.
func bracketed(file string) string {
	if file == "" {
		return "[unknown]"
	}
	return "[" + path.Base(file) + "]"
}
