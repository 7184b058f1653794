// Package outside is the world beyond the shop's walls: the card acquirer that
// payment asks, and the neighbour on the same machine.
//
// In: a seed, addresses, and a state the lab's director sets. Out: an acquirer
// that answers over its own thin link, and a process that only computes. It
// refuses to know the shop: it reports nothing, keeps no trace, and belongs to
// nobody's deploy.
package outside
