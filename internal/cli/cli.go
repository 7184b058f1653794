// Package cli is the command line: the one place that reads flags and the
// environment, and the one place where the whole house is wired together.
//
// In come arguments and streams; out go an exit code, what was asked for on
// stdout and everything else on stderr. It judges nothing and words little:
// sentences about plans come from report, so that the terminal, the page and a
// message say the same.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	_ "time/tzdata" // calendar windows are exact on machines without zones too

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/lab"
)

// Version of this build; release builds set it with -ldflags -X.
var Version = "0.1.0-dev"

// Env is the world a command sees; tests replace it whole.
type Env struct {
	Args   []string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
}

// defaultServer is where a pitwall serves unless told otherwise.
const defaultServer = "http://127.0.0.1:8080"

// Exit codes that no kind of error stands for.
const (
	exitNo          = 1   // the answer is no: gate failed, record broken, check found faults
	exitUsage       = 2   // usage
	exitUnsure      = 3   // not enough data for a yes or a no
	exitDeadline    = 6   // --timeout passed
	exitInterrupted = 130 // interrupted by a signal
)

// exitError ends a command with a code after it has said all there is to say.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit %d", e.code) }

// Run executes one command line and gives its exit code.
func Run(ctx context.Context, env Env) int {
	if forLab(env.Args) {
		return lab.Main(ctx, env.Args[1:], env.Stdin, env.Stdout, env.Stderr)
	}
	root := newRoot(env)
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	return exitCode(ctx, env, root.ExecuteContext(ctx))
}

func exitCode(ctx context.Context, env Env, err error) int {
	var exit exitError
	var perr *pitwall.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.code
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(env.Stderr, "pitwall: interrupted")
		return exitInterrupted
	case errors.Is(err, context.DeadlineExceeded):
		fmt.Fprintln(env.Stderr, "pitwall: "+err.Error())
		return exitDeadline
	}
	fmt.Fprintln(env.Stderr, "pitwall: "+err.Error())
	if hint := pitwall.HintOf(err); hint != "" {
		fmt.Fprintln(env.Stderr, "  try: "+hint)
	}
	if errors.As(err, &perr) {
		return perr.Kind.ExitCode()
	}
	return exitUsage
}

// global holds the flags every command shares.
type global struct {
	env    Env
	server string
	output string
	json   bool
	config string
}

func newRoot(env Env) *cobra.Command {
	g := &global{env: env}
	root := group(&cobra.Command{
		Use:   "pitwall",
		Short: "From a burning SLO to a verified fix that cannot come back",
		Long: `Pitwall closes the loop from a burning SLO to a verified fix that cannot come back:

  telemetry → SLO burn → baseline → diagnosis → plan → guarded change (canary)
            → verification → enforcement → record

New here? Run "pitwall demo": a small shop breaks on cue, and you watch the loop close.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       Version,
	},
		serveCommand(g), demoCommand(g), checkCommand(g), doctorCommand(g), statusCommand(g),
		planCommand(g), sloCommand(g), alarmCommand(g), findingCommand(g), diagnosisCommand(g), detectCommand(g), gateCommand(g), recordCommand(g),
		operationCommand(g), traceCommand(g), profileCommand(g), logCommand(g), changeCommand(g), alertCommand(g), kpiCommand(g), syntheticCommand(g), labCommand(),
		exitCodesTopic(), environmentTopic(),
	)
	f := root.PersistentFlags()
	f.StringVar(&g.server, "server", orElse(env.Getenv("PITWALL_SERVER"), defaultServer), "address of a running pitwall (env PITWALL_SERVER)")
	f.StringVarP(&g.output, "output", "o", "table", "table or json; markdown and html for plan view, plan export and diagnosis; ndjson and html for detect")
	f.BoolVar(&g.json, "json", false, "the same as -o json")
	f.StringVar(&g.config, "config", env.Getenv("PITWALL_CONFIG"), "configuration file (env PITWALL_CONFIG; default ./pitwall.yaml)")
	f.Lookup("server").DefValue, f.Lookup("config").DefValue = defaultServer, "" // help must not depend on the environment
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return g.chooseOutput(c) }
	polite(root)
	return root
}

func orElse(s, otherwise string) string {
	if strings.TrimSpace(s) != "" {
		return s
	}
	return otherwise
}

// printJSON writes v for programs: indented, one final newline.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
