package cli

import (
	"context"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
	"github.com/pitwall/pitwall/internal/source/casefile"
)

// profileOptions are the flags of profile diff.
type profileOptions struct {
	base, head                 []string
	requestsBase, requestsHead string
	caseDir, service           string
	kind                       string
	count                      bool
	part, rise                 float64
	top                        int
}

func profileCommand(g *global) *cobra.Command {
	return group(&cobra.Command{Use: "profile", Short: "Profiles: which function costs more per request than before"}, profileDiff(g))
}

func profileDiff(g *global) *cobra.Command {
	var o profileOptions
	cmd := &cobra.Command{
		Use:   "diff --base FILES --head FILES",
		Short: "What costs more per request than before: exit 0 nothing grew, 1 something did, 3 inconclusive",
		Long: `Compares pprof profiles taken before (--base) with profiles taken after (--head). Each file is
one window: a function is named only when its windows after differ from its windows before by
more than windows of one side differ among themselves. Give several a side; eight and more are
good, three the least. Record both sides in turn (base, head, base, head …) if you can: what else
the machine does meanwhile then meets both alike.

Requests served in each window make the figures per request. They come from --requests-base and
--requests-head, from a profiles.json beside the files (file, type, from, to, requests), or from
names such as w01_req1546.pb.gz. Without them windows are scaled to each other by their typical
function, and a change common to all functions cannot be seen.

CPU profiles are a window each. Profiles that count since the start of the process (allocs, mutex,
block, fetched without ?seconds=) are subtracted from each other in order of time: n files are
n-1 windows. A heap profile tells what is held at its moment.

The answer is one of: changed (and what, first named first), same (a change that matters would
have been seen), inconclusive (with how many more windows a side would decide), no data.`,
		Example: `  pitwall profile diff --base 'before/*.pb.gz' --head 'after/*.pb.gz'
  pitwall profile diff --base v41 --head v42 --type mutex -o json
  pitwall profile diff --base a.pb.gz --base b.pb.gz --base c.pb.gz --requests-base 910,955,930 --head after --requests-head 880,897,912
  pitwall profile diff --case cases/lab-cpu-07 --service inventory`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%q stands alone: quote patterns (--head 'after/*.pb.gz') or repeat the flag", args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return diffProfiles(c.Context(), g, o) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.base, "base", nil, "profiles before: a file, a folder or a pattern; may be repeated")
	f.StringArrayVar(&o.head, "head", nil, "profiles after, likewise")
	f.StringVar(&o.requestsBase, "requests-base", "", "requests served in each file of --base: N,N,… in the order of their names")
	f.StringVar(&o.requestsHead, "requests-head", "", "requests served in each file of --head, likewise")
	f.StringVar(&o.caseDir, "case", "", "a recorded case instead: its baseline against its window")
	f.StringVar(&o.service, "service", "", "with --case: whose profiles (default: the service in question)")
	f.StringVar(&o.kind, "type", "", "cpu, alloc, mutex, block, heap or goroutine (default: what the files say)")
	f.BoolVar(&o.count, "count", false, "compare how often (objects allocated, waits) instead of how much")
	f.Float64Var(&o.part, "part", 0.05, "the part of the profile a function has that matters, in (0, 1)")
	f.Float64Var(&o.rise, "rise", 0.3, "the rise of such a function that must not be overlooked")
	f.IntVar(&o.top, "top", 10, "functions shown beside those that are named")
	return cmd
}

// compared is a comparison with what went into it.
type compared struct {
	Schema   string          `json:"schema"`
	Before   profileSum      `json:"base"`
	After    profileSum      `json:"head"`
	Type     string          `json:"type"`
	Notes    []string        `json:"notes,omitempty"`
	Compared prof.Comparison `json:"diff"`
}

// profileSum is what a side holds.
type profileSum struct {
	Windows  int   `json:"windows"`
	Requests int64 `json:"requests"` // 0: not all are known
}

func diffProfiles(ctx context.Context, g *global, o profileOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	base, head, notes, err := o.read(ctx)
	if err != nil {
		return err
	}
	if one, ok := inTurn(base, head); !ok {
		notes = append(notes, one)
	}
	d, err := prof.Diff(base, head, prof.Options{Count: o.count, Part: o.part, Rise: o.rise})
	if err != nil {
		return err
	}
	v := compared{"pitwall.profile-diff/1", summed(base), summed(head), string(d.Type), notes, d}
	if g.output == "json" {
		err = printJSON(g.env.Stdout, v)
	} else {
		err = v.print(g, o.top)
	}
	return endWith(v.exit(), err)
}

func (o profileOptions) check() error {
	var why string
	switch {
	case o.caseDir != "" && len(o.base)+len(o.head) > 0:
		why = "give either --case or --base and --head"
	case o.caseDir == "" && (len(o.base) == 0 || len(o.head) == 0):
		why = "give --base (before) and --head (after), or --case"
	case o.caseDir == "" && o.service != "":
		why = "--service goes with --case"
	case !(o.part > 0 && o.part < 1):
		why = fmt.Sprintf("--part %g is no part of a profile: above 0, below 1", o.part)
	case !(o.rise > 0) || math.IsInf(o.rise, 0):
		why = fmt.Sprintf("--rise %g: 0.3 is 30 %% more", o.rise)
	case o.top < 0:
		why = fmt.Sprintf("--top %d", o.top)
	default:
		return nil
	}
	return &pitwall.Error{Op: "comparing profiles", Kind: pitwall.Invalid, Err: fmt.Errorf("%s", why), Hint: "pitwall profile diff --help"}
}

// read gets both sides' windows.
func (o profileOptions) read(ctx context.Context) (base, head []pitwall.ProfileWindow, notes []string, err error) {
	if o.caseDir != "" {
		base, head, err = o.readCase(ctx)
		return base, head, nil, err
	}
	before, err := profileSide("base", o.base, o.requestsBase)
	if err != nil {
		return nil, nil, nil, err
	}
	after, err := profileSide("head", o.head, o.requestsHead)
	if err != nil {
		return nil, nil, nil, err
	}
	t, err := profileType(o.kind, before)
	if err != nil {
		return nil, nil, nil, err
	}
	base, notes, err = profileWindows(t, before)
	if err != nil {
		return nil, nil, nil, err
	}
	head, more, err := profileWindows(t, after)
	return base, head, append(notes, more...), err
}

func (o profileOptions) readCase(ctx context.Context) (base, head []pitwall.ProfileWindow, err error) {
	c, err := casefile.Open(o.caseDir)
	if err != nil {
		return nil, nil, err
	}
	q := pitwall.ProfileQuery{Service: pitwall.ServiceName(orElse(o.service, string(c.Question.Service))), Type: pitwall.ProfileType(orElse(o.kind, string(pitwall.ProfileCPU)))}
	q.Period = c.Baseline
	if base, err = c.Profiles(ctx, q); err != nil {
		return nil, nil, err
	}
	q.Period = c.Window
	head, err = c.Profiles(ctx, q)
	return base, head, err
}

// inTurn says what to mind when all of one side was recorded before the other.
func inTurn(base, head []pitwall.ProfileWindow) (note string, ok bool) {
	for _, b := range base {
		for _, h := range head {
			if b.Period.From.IsZero() || h.Period.From.IsZero() || b.Period.From.After(h.Period.From) {
				return "", true
			}
		}
	}
	return "all of the base was recorded before the head: what else the machine did meanwhile can look like a change; recorded in turn it cannot", false
}

func summed(ws []pitwall.ProfileWindow) profileSum {
	s := profileSum{Windows: len(ws)}
	for _, w := range ws {
		if w.Requests <= 0 {
			return profileSum{Windows: len(ws)}
		}
		s.Requests += w.Requests
	}
	return s
}

func (s profileSum) String() string {
	text := fmt.Sprintf("%d windows", s.Windows)
	if s.Windows == 1 {
		text = "1 window"
	}
	if s.Requests > 0 {
		text += fmt.Sprintf(" with %d requests", s.Requests)
	}
	return text
}

// exit follows the answer: whoever asks in a pipeline wants to know what grew.
func (v compared) exit() int {
	switch v.Compared.Verdict.Answer {
	case prof.Inconclusive, prof.NoData:
		return pitwall.Inconclusive.ExitCode()
	case prof.Changed:
		if v.Compared.Verdict.Grew {
			return exitNo
		}
	}
	return 0
}
