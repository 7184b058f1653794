package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/enforce"
)

func gateCommand(g *global) *cobra.Command {
	return group(&cobra.Command{Use: "gate", Short: "Gates: contracts that closed plans left behind, and whether a deploy may go"}, gateRun(g), gateList(g), gateDeploy(g))
}

// gateOptions are the flags of gate run.
type gateOptions struct {
	target, samples, onInconclusive, junit string
	dryRun                                 bool
}

func gateRun(g *global) *cobra.Command {
	var o gateOptions
	cmd := &cobra.Command{
		Use:   "run GATE.yaml",
		Short: "Hold a build against a gate: exit 0 pass, 1 fail, 2 trouble, 3 inconclusive",
		Long: `Sends the gate's requests to a running build (--target), or reads sizes somebody else
captured (--samples: JSON lines with request, status, bytes), and holds the median response
against the contract. Fewer than five good answers are inconclusive, never a pass.`,
		Example: "  pitwall gate run gates/inventory-response-size.yaml --target http://127.0.0.1:9000\n" +
			"  pitwall gate run gates/inventory-response-size.yaml --samples sizes.jsonl --on-inconclusive fail",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runGate(c.Context(), g, args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.target, "target", "", "base URL of the build under test")
	f.StringVar(&o.samples, "samples", "", "JSON lines of captured responses instead of --target")
	f.StringVar(&o.onInconclusive, "on-inconclusive", "keep", "keep (exit 3), fail (exit 1), or pass (exit 0)")
	f.StringVar(&o.junit, "junit", "", "also write a JUnit XML file")
	f.BoolVar(&o.dryRun, "dry-run", false, "print the requests that would be sent, and send none")
	return cmd
}

func runGate(ctx context.Context, g *global, file string, o gateOptions) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return &pitwall.Error{Op: "reading gate", Kind: pitwall.Invalid, Err: err, Hint: "pitwall gate list DIRECTORY"}
	}
	gate, err := enforce.ParseGate(file, data)
	if err != nil {
		return err
	}
	mapped, ok := map[string]int{"keep": 3, "fail": exitNo, "pass": 0}[o.onInconclusive]
	switch {
	case !ok:
		err = fmt.Errorf("--on-inconclusive %q: there are keep, fail and pass", o.onInconclusive)
	case !o.dryRun && (o.target == "") == (o.samples == ""):
		err = fmt.Errorf("give either --target or --samples")
	}
	if err != nil {
		return &pitwall.Error{Op: "running gate", Kind: pitwall.Invalid, Err: err, Hint: "pitwall gate run --help"}
	}
	if o.dryRun {
		for _, r := range gate.Requests {
			fmt.Fprintf(g.env.Stdout, "%s %s%s\n", r.Method, strings.TrimRight(shown(o.target), "/"), r.Path)
		}
		return nil
	}
	var samples []enforce.Sample
	if o.samples != "" {
		samples, err = readSamples(o.samples)
	} else {
		samples, err = sendRequests(ctx, g.env.Stderr, gate, o.target)
	}
	if err != nil {
		return err
	}
	return sayGate(g, enforce.JudgeSizes(gate, samples), o.junit, mapped)
}

func sayGate(g *global, res enforce.GateResult, junit string, onInconclusive int) error {
	if junit != "" {
		doc, err := res.JUnit()
		if err != nil {
			return err
		}
		if err := os.WriteFile(junit, doc, 0o644); err != nil {
			return fmt.Errorf("writing JUnit file: %w", err)
		}
	}
	var err error
	if g.output == "json" {
		err = printJSON(g.env.Stdout, res)
	} else {
		_, err = fmt.Fprintln(g.env.Stdout, strings.TrimRight(res.Text(), "\n"))
	}
	code := res.ExitCode()
	if res.Verdict == enforce.Inconclusive {
		code = onInconclusive
	}
	return endWith(code, err)
}

func readSamples(file string) ([]enforce.Sample, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, &pitwall.Error{Op: "reading samples", Kind: pitwall.Invalid, Err: err}
	}
	defer f.Close()
	var list []enforce.Sample
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		if strings.TrimSpace(sc.Text()) == "" {
			continue
		}
		var s enforce.Sample
		if err := json.Unmarshal(sc.Bytes(), &s); err != nil {
			return nil, &pitwall.Error{Op: "reading samples", Kind: pitwall.Invalid, ID: fmt.Sprintf("%s:%d", file, n), Err: err,
				Hint: `one line per response: {"request":"GET /v1/items","status":200,"bytes":8123}`}
		}
		list = append(list, s)
	}
	return list, sc.Err()
}

// sendRequests asks the build under test, one request after the other.
func sendRequests(ctx context.Context, progress io.Writer, gate pitwall.Gate, target string) ([]enforce.Sample, error) {
	if !strings.HasPrefix(target, "http://") && !strings.HasPrefix(target, "https://") {
		return nil, &pitwall.Error{Op: "running gate", Kind: pitwall.Invalid, ID: shown(target), Err: fmt.Errorf("not an http or https URL"), Hint: "--target http://HOST:PORT"}
	}
	c := &http.Client{Timeout: 15 * time.Second}
	rounds := enforce.Rounds(gate)
	fmt.Fprintf(progress, "sending %d requests to %s\n", rounds*len(gate.Requests), shown(target))
	var list []enforce.Sample
	for range rounds {
		for _, r := range gate.Requests {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			list = append(list, sendOne(ctx, c, r, target))
		}
	}
	return list, nil
}

func sendOne(ctx context.Context, c *http.Client, r pitwall.GateRequest, target string) enforce.Sample {
	s := enforce.Sample{Request: r.Method + " " + r.Path}
	req, err := http.NewRequestWithContext(ctx, r.Method, strings.TrimRight(target, "/")+r.Path, strings.NewReader(r.Body))
	if err != nil {
		s.Error = unwrapURL(err).Error()
		return s
	}
	if r.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.Do(req)
	if err != nil {
		s.Error = unwrapURL(err).Error()
		return s
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	s.Status, s.Bytes = res.StatusCode, n
	if err != nil {
		s.Error = err.Error()
	}
	return s
}

func gateList(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "list [DIRECTORY]", Short: "Gates in a directory (default: the current one)", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			gates, err := findGates(dir)
			if err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(g.env.Stdout, map[string]any{"schema": "pitwall.gates/1", "gates": gates})
			}
			if len(gates) == 0 {
				fmt.Fprintln(g.env.Stderr, "Gates are born from closed plans. None in "+dir)
				return nil
			}
			w := tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "GATE\tMODE\tGUARDS\tLIMIT\tFROM\tOWNER")
			for _, x := range gates {
				fmt.Fprintf(w, "%s\t%s\t%s %s\t%s\t%s\t%s\n", x.Name, x.Mode, x.Service, x.Operation, x.Limit(), x.Plan, x.Owner)
			}
			return flushThen(w, g.env.Stderr, "pitwall gate run FILE --target URL")
		},
	}
}

// findGates reads the gate files directly in dir and in dir/gates.
func findGates(dir string) ([]pitwall.Gate, error) {
	gates := []pitwall.Gate{}
	for _, pattern := range []string{"*.yaml", "gates/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, fmt.Errorf("looking for gates: %w", err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("reading gate: %w", err)
			}
			if !strings.Contains(string(data), "pitwall.gate/") {
				continue
			}
			gate, err := enforce.ParseGate(file, data)
			if err != nil {
				return nil, err
			}
			gates = append(gates, gate)
		}
	}
	return gates, nil
}
