package prof

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pitwall/pitwall"
)

// maxWeight bounds what a profile may take once it is parsed. Two bytes on the
// wire can become 200 in memory, so the size of a body says little.
const maxWeight = 256 << 20

// What the parser makes of pprof's messages, in bytes, by field number: rounded
// up from the sizes of its structs with their maps and pointers.
const (
	weightSample   = 168
	weightMapping  = 152
	weightLocation = 96
	weightFunction = 120
	weightLine     = 40
	weightLabel    = 200
	weightID       = 24 // one element of a packed list: number and pointer
	weightOther    = 48
)

var errTorn = errors.New("it ends in the middle of a field") // read-only

// weigh walks over a profile without building anything and refuses one that
// would take too much memory.
func weigh(data []byte) error {
	total := 0
	err := fields(data, func(number uint64, value []byte) error {
		switch number {
		case 2:
			total += weightSample + inside(value, weightLabel)
		case 3:
			total += weightMapping
		case 4:
			total += weightLocation + inside(value, weightLine)
		case 5:
			total += weightFunction
		default:
			total += weightOther + len(value)
		}
		if total > maxWeight {
			return fmt.Errorf("it would take more than %s of memory", pitwall.Bytes(maxWeight))
		}
		return nil
	})
	return err
}

// inside weighs a message's own messages, each so much, and its lists of numbers.
// A field is a list when it holds no message; taking the greater of both is safe.
func inside(message []byte, each int) int {
	weight := 0
	// A message that cannot be walked is left to the parser, which refuses it.
	_ = fields(message, func(_ uint64, value []byte) error {
		weight += max(each, weightID*elements(value))
		return nil
	})
	return weight
}

// elements counts varints: each ends in a byte without the top bit.
func elements(packed []byte) int {
	n := 0
	for _, b := range packed {
		if b < 0x80 {
			n++
		}
	}
	return n
}

// fields calls f for each field of a protobuf message; value is nil for numbers.
func fields(message []byte, f func(number uint64, value []byte) error) error {
	for len(message) > 0 {
		key, n := binary.Uvarint(message)
		if n <= 0 {
			return errTorn
		}
		message = message[n:]
		var value []byte
		switch key & 7 {
		case 0:
			if _, n = binary.Uvarint(message); n <= 0 {
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
			value = message[head:n]
		case 5:
			n = 4
		default:
			return fmt.Errorf("wire type %d: it is no pprof profile", key&7)
		}
		if n > len(message) {
			return errTorn
		}
		message = message[n:]
		if err := f(key>>3, value); err != nil {
			return err
		}
	}
	return nil
}
