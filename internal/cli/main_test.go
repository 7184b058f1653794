package cli

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// asPitwall makes a child process of the tests behave as the real command.
const asPitwall = "TEST_AS_PITWALL"

func TestMain(m *testing.M) {
	if os.Getenv(asPitwall) != "" {
		pitwallMain()
	}
	testscript.Main(m, map[string]func(){"pitwall": pitwallMain})
}

// pitwallMain is cmd/pitwall.
func pitwallMain() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Run(ctx, Env{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv})
	stop()
	os.Exit(code)
}

// said is what one command line gave.
type said struct {
	code        int
	out, errout string
}

// run executes a command line in this process.
func run(t *testing.T, args ...string) said {
	t.Helper()
	return runEnv(t, map[string]string{"USER": "ann"}, args...)
}

func runEnv(t *testing.T, env map[string]string, args ...string) said {
	t.Helper()
	var out, errout bytes.Buffer
	code := Run(t.Context(), Env{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errout,
		Getenv: func(k string) string { return env[k] }})
	return said{code, out.String(), errout.String()}
}

// wants checks the exit code and that all texts appear in stdout or stderr.
func (s said) wants(t *testing.T, code int, texts ...string) {
	t.Helper()
	if s.code != code {
		t.Errorf("exit code %d, want %d\n%s%s", s.code, code, s.out, s.errout)
	}
	for _, text := range texts {
		if !strings.Contains(s.out+s.errout, text) {
			t.Errorf("%q is missing in\n%s%s", text, s.out, s.errout)
		}
	}
}
