package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// TestCommandReference writes docs/reference/cli.md from the commands; with
// -update it is rewritten, otherwise it must be the same.
func TestCommandReference(t *testing.T) {
	const file = docsDir + "/reference/cli.md"
	var b bytes.Buffer
	b.WriteString("# Commands\n\nWritten by a test from the commands themselves; run `make golden` after changing one.\n\n" +
		"What was asked for goes to standard output, everything else to standard error. A file to write is always `--out`.\n")
	root := newRoot(Env{Getenv: func(string) string { return "" }})
	describe(&b, root)
	b.WriteString("\n## Flags of every command\n" + flagText(root.PersistentFlags().FlagUsages()))
	if *update {
		writeDoc(t, file, b.String())
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(have), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("%s is not what the commands say; go test ./internal/cli -run CommandReference -update\n%s", file, diff)
	}
}

func describe(b *bytes.Buffer, c *cobra.Command) {
	if c.HasParent() {
		fmt.Fprintf(b, "\n## %s\n\n%s.\n", c.UseLine(), c.Short)
	}
	if c.Long != "" {
		fmt.Fprintf(b, "\n```text\n%s\n```\n", c.Long)
	}
	if c.Example != "" {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n"))
	}
	if c.HasParent() {
		b.WriteString(flagText(c.LocalNonPersistentFlags().FlagUsages()))
	}
	for _, sub := range c.Commands() {
		describe(b, sub)
	}
}

// flagText is the flags as help prints them, without help itself.
func flagText(usages string) string {
	lines := slices.DeleteFunc(strings.Split(strings.TrimRight(usages, "\n"), "\n"), func(l string) bool { return strings.Contains(l, "--help ") })
	if len(lines) == 0 || lines[0] == "" {
		return ""
	}
	return "\n```text\n" + strings.Join(lines, "\n") + "\n```\n"
}

// TestDemoContractIsWritten holds docs/reference/demo.md against out.json.
func TestDemoContractIsWritten(t *testing.T) {
	doc, err := os.ReadFile(docsDir + "/reference/demo.md")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	var walk func(prefix string, x reflect.Type)
	walk = func(prefix string, x reflect.Type) {
		for i := range x.NumField() {
			name := prefix + x.Field(i).Tag.Get("json")
			names++
			// Fields of p99_ms and others are told in the row of the whole.
			if field := "`" + name + "`"; !bytes.Contains(doc, []byte(field)) && !bytes.Contains(doc, []byte("`"+strings.TrimPrefix(name, prefix)+"`")) {
				t.Errorf("docs/reference/demo.md does not mention %s", field)
			}
			if sub := x.Field(i).Type; sub.Kind() == reflect.Struct && sub.PkgPath() == x.PkgPath() {
				walk(name+".", sub)
			}
		}
	}
	walk("", reflect.TypeFor[demoOut]())
	if names < 25 {
		t.Errorf("only %d fields were found: this test reads the type wrongly", names)
	}
}

// TestStatisticsNameRealCode: a formula is where docs/statistics.md says it is.
func TestStatisticsNameRealCode(t *testing.T) {
	doc, err := os.ReadFile(docsDir + "/statistics.md")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, m := range regexp.MustCompile("`(stats|trace|slo|baseline|detect|canary|verify|enforce)\\.(\\w+)(?:\\.(\\w+))?`").FindAllStringSubmatch(string(doc), -1) {
		names++
		declared := fmt.Sprintf(`(?m)^(func|type) %s\b`, m[2])
		if m[3] != "" {
			declared = fmt.Sprintf(`(?m)^func \(\w+ \*?%s\) %s\(`, m[2], m[3])
		}
		if !inPackage(t, m[1], regexp.MustCompile(declared)) {
			t.Errorf("docs/statistics.md names %s, which is not in the code", m[0])
		}
	}
	if names < 30 {
		t.Errorf("only %d names were found: this test reads the document wrongly", names)
	}
}

func inPackage(t *testing.T, name string, declared *regexp.Regexp) bool {
	t.Helper()
	files, err := filepath.Glob("../" + name + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		src, err := os.ReadFile(file)
		return err == nil && declared.Match(src)
	})
}
