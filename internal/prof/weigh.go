package prof

import (
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
	err := walk(data, func(x field) error {
		value := x.bytes
		switch x.number {
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
	_ = walk(message, func(x field) error {
		weight += max(each, weightID*elements(x.bytes))
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
