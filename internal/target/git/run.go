package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// patience bounds one call of git.
const patience = 30 * time.Second

// call is one call of git.
type call struct {
	args  []string
	stdin string
	env   []string
}

// git runs git and gives its output without the last line end. The lock file is
// handed on to the child: an orphan of a killed Pitwall keeps the repository
// locked until it has ended.
func (r *Repo) git(ctx context.Context, c call) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	args := append([]string{"-C", r.dir,
		"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "gc.auto=0",
		"-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false", "-c", "diff.renames=false", "-c", "core.autocrlf=false",
	}, c.args...)
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = append(environment(), c.env...)
	cmd.Stdin = strings.NewReader(c.stdin)
	cmd.WaitDelay = time.Second
	if r.lock != nil {
		cmd.ExtraFiles = []*os.File{r.lock}
	}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return strings.TrimSuffix(out.String(), "\n"), nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("git %s: %w", c.args[0], ctx.Err())
	case errors.As(err, &exit):
		return out.String(), &exitError{verb: c.args[0], code: exit.ExitCode(), said: strings.TrimSpace(said.String())}
	case errors.Is(err, exec.ErrNotFound):
		return "", &pitwall.Error{Op: "calling git", Kind: pitwall.Unavailable, Err: err, Hint: "install git"}
	default:
		return "", fmt.Errorf("git %s: %w", c.args[0], err)
	}
}

// exitError is git's own no.
type exitError struct {
	verb string
	code int
	said string
}

func (e *exitError) Error() string {
	return fmt.Sprintf("git %s (exit %d): %s", e.verb, e.code, strings.ReplaceAll(e.said, "\n", "; "))
}

// no says whether git answered with this exit code.
func no(err error, code int) bool {
	var e *exitError
	return errors.As(err, &e) && e.code == code
}

// environment is ours without anything that points git elsewhere or changes
// what it does.
func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "GIT_") {
			env = append(env, kv)
		}
	}
	return append(env, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_LITERAL_PATHSPECS=1")
}

// ref gives the commit a ref points to, "" when there is no such ref.
func (r *Repo) ref(ctx context.Context, name string) (string, error) {
	out, err := r.git(ctx, call{args: []string{"rev-parse", "--verify", "--quiet", name + "^{commit}"}})
	if no(err, 1) {
		return "", nil
	}
	return out, err
}

func (r *Repo) ancestor(ctx context.Context, old, young string) (bool, error) {
	_, err := r.git(ctx, call{args: []string{"merge-base", "--is-ancestor", old, young}})
	if no(err, 1) {
		return false, nil
	}
	return err == nil, err
}

func trouble(op, id string, err error) error {
	var p *pitwall.Error
	if errors.As(err, &p) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", op, err)
	}
	e := &pitwall.Error{Op: op, Kind: pitwall.Unavailable, ID: id, Err: err, Hint: "git -C " + id + " status"}
	if strings.Contains(err.Error(), ".lock': File exists") {
		e.Hint = "another git program works there, or left that lock file behind: remove it if none runs"
	}
	return e
}
