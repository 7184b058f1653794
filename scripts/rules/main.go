// Command rules measures how dear it is to turn objectives into Prometheus
// rules: it writes documents in Sloth's format, runs the commands given, each as
// a whole process and in turn, and prints their CPU time and peak memory as
// Markdown, the first one being what the others are held against.
//
//	go run ./scripts/rules -- pitwall slo rules --dialect sloth --out OUT IN -- promtool check rules OUT
//
// IN and OUT stand for the directory of documents and the file of rules.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	docs := flag.Int("docs", 100, "documents")
	each := flag.Int("slos", 10, "objectives of each document")
	rounds := flag.Int("rounds", 5, "times that every command is run")
	flag.Parse()
	if err := measure(*docs, *each, *rounds, commands(flag.Args())); err != nil {
		fmt.Fprintln(os.Stderr, "rules:", err)
		os.Exit(1)
	}
}

// commands splits the arguments at each "--".
func commands(args []string) [][]string {
	var all [][]string
	for len(args) > 0 {
		end := slices.Index(args, "--")
		if end < 0 {
			end = len(args)
		}
		all = append(all, args[:end])
		args = args[min(len(args), end+1):]
	}
	return all
}

// figures are what one process took.
type figures struct {
	cpu time.Duration
	rss int64 // kB
}

func measure(docs, each, rounds int, commands [][]string) error {
	if len(commands) == 0 {
		return fmt.Errorf("no command; try: go run ./scripts/rules -- pitwall slo rules --dialect sloth --out OUT IN")
	}
	dir, err := os.MkdirTemp("", "rules")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out.yaml")
	if err := write(in, docs, each); err != nil {
		return err
	}
	seen := make([][]figures, len(commands))
	for range rounds {
		for i, c := range commands {
			f, err := run(c, in, out)
			if err != nil {
				return err
			}
			seen[i] = append(seen[i], f)
		}
	}
	size, err := os.Stat(out)
	if err != nil {
		return err
	}
	fmt.Printf("%d objectives in %d documents, %.1f MB of rules, median of %d rounds\n\n| command | CPU-s | peak MB | CPU against the first |\n|---|---|---|---|\n",
		docs*each, docs, float64(size.Size())/1e6, rounds)
	first := median(seen[0], func(f figures) float64 { return f.cpu.Seconds() })
	for i, c := range commands {
		cpu := median(seen[i], func(f figures) float64 { return f.cpu.Seconds() })
		fmt.Printf("| `%s` | %.2f | %.0f | %.2f |\n", strings.Join(c, " "), cpu, median(seen[i], func(f figures) float64 { return float64(f.rss) / 1000 }), cpu/first)
	}
	return nil
}

func run(command []string, in, out string) (figures, error) {
	var args []string
	for _, a := range command {
		switch a {
		case "IN":
			files, err := filepath.Glob(filepath.Join(in, "*.yaml"))
			if err != nil {
				return figures{}, err
			}
			args = append(args, files...)
		case "OUT":
			args = append(args, out)
		default:
			args = append(args, a)
		}
	}
	cmd := exec.Command(args[0], args[1:]...)
	text, err := cmd.CombinedOutput()
	if err != nil {
		return figures{}, fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, text)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return figures{cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), usage.Maxrss}, nil
}

// write makes documents in Sloth's format.
func write(dir string, docs, each int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for d := range docs {
		var b strings.Builder
		fmt.Fprintf(&b, "version: prometheus/v1\nservice: service-%03d\nlabels: {team: team-%d}\nslos:\n", d, d%7)
		for i := range each {
			fmt.Fprintf(&b, `  - name: requests-%d
    objective: 99.9
    description: "Requests of handler %d"
    sli:
      events:
        error_query: sum(rate(http_request_duration_seconds_count{job="service-%03d",handler="h%d",code=~"(5..|429)"}[{{.window}}]))
        total_query: sum(rate(http_request_duration_seconds_count{job="service-%03d",handler="h%d"}[{{.window}}]))
    alerting:
      name: Service%03dHigh%d
      labels: {category: availability}
      annotations: {summary: "High error rate"}
      page_alert: {labels: {severity: page}}
      ticket_alert: {labels: {severity: ticket}}
`, i, i, d, i, d, i, d, i)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("service-%03d.yaml", d)), []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func median(all []figures, of func(figures) float64) float64 {
	var list []float64
	for _, f := range all {
		list = append(list, of(f))
	}
	slices.Sort(list)
	return list[len(list)/2]
}
