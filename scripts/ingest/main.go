// Command ingest measures what taking spans in costs a whole pitwall process,
// as the operating system counts it: CPU seconds for a million spans, spans per
// second of one core, and memory after it.
//
// In come one or two built binaries; each round starts every binary afresh on an
// empty directory, one after the other, so that a noisy machine is noisy for
// both. Out goes a Markdown table on stdout (progress on stderr) with the median
// round of each row and the ratio to the peer.
//
// A body is 500 spans in 50 traces over 8 services, 8 attributes to a span, 380
// bytes to a span; bodies are encoded before the clock starts, and only their
// trace ids are patched in place between sends.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

// setup is one row of the table: a configuration and a way of sending.
type setup struct {
	name   string
	config string // pitwall.yaml beside addresses and data directory
	gzip   bool
}

// result is what one run cost.
type result struct {
	cpu     float64 // user and system seconds of the server, draining included
	wall    float64 // seconds of sending
	rss     float64 // MB after draining
	peak    float64 // MB
	disk    float64 // bytes a span in the data directory
	spans   int
	refused int // times the server asked to send again later
}

func (r result) perMillion() float64 { return r.cpu / float64(r.spans) * 1e6 }

func main() {
	binary := flag.String("binary", "./pitwall", "the pitwall binary")
	peer := flag.String("peer", "", "another binary to compare with, such as an older one; its rows use its defaults")
	spans := flag.Int("spans", 1_000_000, "spans of a run")
	rounds := flag.Int("rounds", 3, "rounds")
	senders := flag.Int("senders", 2, "connections")
	only := flag.String("only", "", "only rows whose name contains this")
	flag.Parse()
	rows := []setup{
		{name: "counted, newest in memory", config: "traces: {blocks: false}\n"},
		{name: "kept on disk", config: ""},
		{name: "kept on disk, gzip", config: "", gzip: true},
	}
	table := map[string][]result{}
	var names []string
	measure := func(name, binary string, s setup) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		r, err := run(binary, s, *spans, *senders)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		table[name] = append(table[name], r)
		fmt.Fprintf(os.Stderr, "%-28s %6.0f k spans/s/core  %5.2f CPU-s/M  %4.0f MB (peak %.0f)  %3.0f B/span  %.1f s  %d refusals\n",
			name, 1e3/r.perMillion(), r.perMillion(), r.rss, r.peak, r.disk, r.wall, r.refused)
	}
	for range *rounds {
		for _, s := range rows {
			if strings.Contains(s.name, *only) {
				measure(s.name, *binary, s)
			}
		}
		if *peer != "" {
			measure("peer", *peer, setup{name: "peer"})
		}
	}
	print(names, table)
}

// print writes the table, the median round of each row.
func print(names []string, table map[string][]result) {
	median := func(name string) result {
		rs := slices.Clone(table[name])
		slices.SortFunc(rs, func(a, b result) int { return cmp.Compare(a.perMillion(), b.perMillion()) })
		return rs[len(rs)/2]
	}
	fmt.Println("| row | spans/s per core | CPU-s per million | rounds | MB after | MB peak | bytes/span on disk | times the peer |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, name := range names {
		r := median(name)
		var all []string
		for _, one := range table[name] {
			all = append(all, fmt.Sprintf("%.2f", one.perMillion()))
		}
		ratio := "–"
		if len(table["peer"]) > 0 {
			ratio = fmt.Sprintf("%.1f", median("peer").perMillion()/r.perMillion())
		}
		fmt.Printf("| %s | %.0f k | %.2f | %s | %.0f | %.0f | %.0f | %s |\n",
			name, 1e3/r.perMillion(), r.perMillion(), strings.Join(all, ", "), r.rss, r.peak, r.disk, ratio)
	}
}
