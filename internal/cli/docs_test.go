package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/report/storybook"
)

const docsDir = "../../docs"

// block is one fenced block of a document.
type block struct {
	info string // what stands behind the fence: "sh run"
	text string
	line int
}

// blocks are the fenced blocks of a document, in order.
func blocks(t *testing.T, doc string) []block {
	t.Helper()
	raw, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	var list []block
	var open *block
	for i, line := range strings.Split(string(raw), "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{info: strings.TrimSpace(info), line: i + 1}
		case fence:
			list = append(list, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block never ends", doc, open.line)
	}
	return list
}

// documentsOf are README.md and all of docs/.
func documentsOf(t *testing.T) []string {
	t.Helper()
	list := []string{"../../README.md"}
	err := filepath.WalkDir(docsDir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(name) == ".md" {
			list = append(list, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestDocsRun executes every block marked "sh run" of every document, in order
// and in one directory, against a served record that holds a closed plan, PIP-1,
// and one that waits for a person, PIP-3. A block marked "yaml file=NAME" (any
// language) is that file.
func TestDocsRun(t *testing.T) {
	var events []pitwall.Event
	for _, c := range storybook.Plans() {
		if c.Name == "closed" || c.Name == "asking" {
			events = append(events, c.Plan.Events...)
		}
	}
	ran := 0
	for _, doc := range documentsOf(t) {
		list := blocks(t, doc)
		if !slices.ContainsFunc(list, func(b block) bool { return b.info == "sh run" }) {
			continue
		}
		t.Run(filepath.Base(doc), func(t *testing.T) {
			dir, server := t.TempDir(), serveHouse(t, false, events...).page
			for _, b := range list {
				if _, name, ok := strings.Cut(b.info, " file="); ok {
					writeDoc(t, filepath.Join(dir, name), b.text)
				}
				if b.info == "sh run" {
					ran++
					runBlock(t, fmt.Sprintf("%s:%d", doc, b.line), dir, server, b.text)
				}
			}
		})
	}
	if ran < 8 {
		t.Errorf("only %d blocks ran: this test reads the documents wrongly", ran)
	}
}

func writeDoc(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func runBlock(t *testing.T, where, dir, server, script string) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil && strings.Contains(script, "curl ") {
		t.Skipf("%s: curl is not installed, so this was not tried", where)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PITWALL_SERVER="+server, "USER=ann", "HOME="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s\n%s", where, err, script, out)
	}
}

// TestDocsNameRealCommands holds every line of a shell block that begins with
// pitwall against the commands and flags there are.
func TestDocsNameRealCommands(t *testing.T) {
	lines := 0
	for _, doc := range documentsOf(t) {
		for _, b := range blocks(t, doc) {
			if lang, _, _ := strings.Cut(b.info, " "); !slices.Contains([]string{"sh", "console", "yaml"}, lang) {
				continue
			}
			for _, line := range strings.Split(b.text, "\n") {
				words := commandIn(line)
				if words == nil {
					continue
				}
				lines++
				if err := understood(words); err != nil {
					t.Errorf("%s:%d: %s: %v", doc, b.line, line, err)
				}
			}
		}
	}
	if lines < 20 {
		t.Errorf("only %d commands were found: this test reads the documents wrongly", lines)
	}
}

var goRun = regexp.MustCompile(`^go run \./cmd/pitwall\b`)

// commandIn gives the words after pitwall of a line that runs it, up to the
// first sign that belongs to the shell or a comment; nil for other lines.
func commandIn(line string) []string {
	line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
	line = strings.TrimPrefix(line, "- run: ")
	words := strings.Fields(goRun.ReplaceAllString(line, "pitwall"))
	if len(words) < 2 || words[0] != "pitwall" || words[1] == "lab" {
		return nil
	}
	end := slices.IndexFunc(words, func(w string) bool { return strings.ContainsAny(w, "#|&;><") || w == "\\" })
	if end >= 0 {
		words = words[:end]
	}
	return words[1:]
}

// understood asks whether the command line names a command and only flags it has.
func understood(words []string) error {
	root := newRoot(Env{Getenv: func(string) string { return "" }})
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if cmd.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return fmt.Errorf("no command %q", rest[0])
	}
	cmd.InheritedFlags() // gathers the global ones
	for _, w := range rest {
		name, _, _ := strings.Cut(w, "=")
		long, ok := strings.CutPrefix(name, "--")
		if ok && long != "help" && long != "version" && cmd.Flags().Lookup(long) == nil && cmd.InheritedFlags().Lookup(long) == nil {
			return fmt.Errorf("no flag %s", name)
		}
	}
	return nil
}

// TestDocsShowSoundConfiguration reads every configuration that is shown.
func TestDocsShowSoundConfiguration(t *testing.T) {
	shown := 0
	for _, doc := range documentsOf(t) {
		for _, b := range blocks(t, doc) {
			if b.info != "yaml file=pitwall.yaml" && !strings.HasPrefix(b.text, "# pitwall.yaml\n") {
				continue
			}
			shown++
			name := filepath.Join(t.TempDir(), "pitwall.yaml")
			writeDoc(t, name, b.text)
			if _, err := config.Load(name, func(string) string { return "" }); err != nil {
				t.Errorf("%s:%d: %v", doc, b.line, err)
			}
		}
	}
	if shown < 3 {
		t.Errorf("only %d configurations were found: this test reads the documents wrongly", shown)
	}
}
