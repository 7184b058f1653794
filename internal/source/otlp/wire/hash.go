package wire

import (
	"encoding/binary"
	"math/bits"

	"github.com/pitwall/pitwall"
)

// Odd numbers with about as many ones as zeros; never change them, for stored
// deliveries are compared across versions.
const (
	mixA = 0x8ebc6af09c88c6e3
	mixB = 0x589965cc75374cc3
	mixC = 0x1d8e4e27c47d124f
	mixD = 0xeb44accab455d165
)

// fold multiplies to 128 bits and folds the halves together, so that each bit
// of both goes into about half of the result.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// Delivery is a number for the bytes of one request of one signal: the same for
// the same bytes in every process and version, never 0, and different bytes have
// the same one by chance only once in 2^64. It is no defence against somebody
// who wants two of his own requests to look alike.
func Delivery(body []byte, signal pitwall.SignalKind) uint64 {
	seed := uint64(mixA)
	for i := range len(signal) {
		seed = fold(seed^uint64(signal[i]), mixB)
	}
	n := uint64(len(body))
	left, right := seed, seed^mixC
	for len(body) >= 32 {
		left = fold(binary.LittleEndian.Uint64(body)^mixA, binary.LittleEndian.Uint64(body[8:])^left)
		right = fold(binary.LittleEndian.Uint64(body[16:])^mixB, binary.LittleEndian.Uint64(body[24:])^right)
		body = body[32:]
	}
	var tail [32]byte
	copy(tail[:], body)
	left = fold(binary.LittleEndian.Uint64(tail[:])^mixC, binary.LittleEndian.Uint64(tail[8:])^left)
	right = fold(binary.LittleEndian.Uint64(tail[16:])^mixD, binary.LittleEndian.Uint64(tail[24:])^right)
	h := fold(fold(left^mixD, right^mixB)^n, mixA)
	if h == 0 {
		return mixB
	}
	return h
}
