// Package notify empties the outbox: in come deliveries that were written down,
// out go messages through receivers, each receiver by itself, a thread's messages
// in their order. What fails is tried again with growing pauses, over restarts,
// for a day; then it is given up, loudly.
//
// It knows no receiver's language and decides nothing about who is told:
// internal/route does, and the packages below speak.
package notify
