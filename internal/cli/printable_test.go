package cli

import (
	"context"
	"strings"
	"testing"
)

// TestATableStaysATable: a column's name from a file breaks no row and does not
// steer the terminal.
func TestATableStaysATable(t *testing.T) {
	var out, said strings.Builder
	text := "time,\"p95\nof\tall\",b\n0,1,2\n1,2,3\n"
	Run(context.Background(), Env{Args: []string{"detect", "-"}, Getenv: func(string) string { return "" }, Stdin: strings.NewReader(text), Stdout: &out, Stderr: &said})
	if strings.ContainsAny(out.String(), "\x1b\t") || strings.Count(out.String(), "\n") != 3 || !strings.Contains(out.String(), "of all") {
		t.Errorf("%q %s", out.String(), said.String())
	}
	said.Reset()
	code := Run(context.Background(), Env{Args: []string{"detect", "-"}, Getenv: func(string) string { return "" }, Stdin: strings.NewReader("time,\"p95\x1b[2J\"\n0,1\n"), Stdout: &out, Stderr: &said})
	if code != 2 || strings.Contains(said.String(), "\x1b") {
		t.Errorf("escape codes: %d %q", code, said.String())
	}
}
