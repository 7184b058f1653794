package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
)

// group makes a command that only holds others. Alone it prints its help; with
// a word it does not know it says so, and exits with 2 rather than 0.
func group(c *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	c.Args, c.SuggestionsMinimumDistance, c.DisableFlagsInUseLine = cobra.ArbitraryArgs, 2, true
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		why := fmt.Sprintf("unknown command %q", args[0])
		if near := strict.Nearest(args[0], c.SuggestionsFor(args[0])); near != "" {
			why += strings.Replace(near, ":", ";", 1)
		}
		return &pitwall.Error{Op: c.CommandPath(), Kind: pitwall.Invalid, Err: fmt.Errorf("%s", why), Hint: c.CommandPath() + " --help"}
	}
	c.AddCommand(subs...)
	return c
}

// polite gives every complaint about flags and arguments the command it is
// about and a next step.
func polite(c *cobra.Command) {
	c.SetFlagErrorFunc(misused)
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return misused(c, err)
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		polite(sub)
	}
}

func misused(c *cobra.Command, err error) error {
	return &pitwall.Error{Op: c.CommandPath(), Kind: pitwall.Invalid, Err: err, Hint: c.CommandPath() + " --help"}
}

// outputs marks commands that can print more than a table and JSON; documents
// is what it holds for those that answer with a document.
const (
	outputs   = "outputs"
	documents = "markdown html"
)

// chooseOutput settles --json and refuses a format that nobody would print: a
// table where JSON was meant breaks the script that reads it.
func (g *global) chooseOutput(c *cobra.Command) error {
	if g.json {
		g.output = "json"
	}
	if g.output == "md" {
		g.output = "markdown"
	}
	known := append([]string{"table", "json"}, strings.Fields(c.Annotations[outputs])...)
	if !slices.Contains(known, g.output) {
		return misused(c, fmt.Errorf("no output %q here: there are %s", g.output, strings.Join(known, ", ")))
	}
	return nil
}

// forLab says whether a command line is the lab's own; its help is ours.
func forLab(args []string) bool {
	return len(args) > 0 && args[0] == "lab" && (len(args) == 1 || !slices.Contains([]string{"-h", "--help", "help"}, args[1]))
}

// labCommand only stands in help; Run hands other lines to the lab before cobra sees them.
func labCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lab",
		Short: "The demo's shop, piece by piece: services, load, deploy controller",
		Long: `The fault lab behind the demo: a real shop of small services that break on cue. It knows
nothing of Pitwall. "pitwall demo" starts all of it; these are its pieces:

  pitwall lab run --dir DIR [--story NAME] [--at SERVICE] [--seed N] [--pace 1..4]
  pitwall lab stories
  pitwall lab record --story NAME --out DIR [--at SERVICE] [--seed N]
  pitwall lab service NAME --version V [--addr 127.0.0.1:0]
  pitwall lab load --edge URL [--rps N]

Each prints its flags with --help, such as: pitwall lab service inventory --help`,
		Example: "  pitwall lab service inventory --version v41   # prints where it listens",
		Run:     func(*cobra.Command, []string) {},
	}
}

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: `Exit codes, like those of diff: 0 yes, 1 no, 2 trouble, then reasons.

  0    done; gate passed; record intact
  1    the answer is no: gate failed, record broken, check found faults
  2    trouble: usage, configuration, input, server unreachable
  3    inconclusive: not enough data for a yes or a no
  5    denied: by policy, or by a server that is read-only
  6    deadline passed (--timeout)
  130  interrupted`,
	}
}

func environmentTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "environment",
		Short: "Environment variables Pitwall reads",
		Long: `Every flag wins over its variable, every variable over the configuration file.

  PITWALL_SERVER   address of a running pitwall (--server)
  PITWALL_CONFIG   configuration file (--config)
  PITWALL_…        any key of pitwall.yaml in upper case, dots as underscores:
                   PITWALL_DATA_DIR, PITWALL_LISTEN_HTTP, PITWALL_TIME_SCALE …

Secrets are read from files named in the configuration, never from flags.`,
	}
}
