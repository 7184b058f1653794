package archtest

import (
	"bytes"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// texts walks every text file of ours, Go or not.
func texts(t *testing.T, f func(name string, src []byte)) {
	t.Helper()
	root := top()
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && slices.Contains([]string{".git", "node_modules", "zzdeps", ".pitwall"}, path.Base(name)) {
			return fs.SkipDir
		}
		if d.IsDir() || !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > 4<<20 {
			return err
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		if !bytes.ContainsRune(src[:min(len(src), 8000)], 0) {
			f(name, src)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNoPathsOfOneMachine: a path that exists on one desk is a bug on every other.
func TestNoPathsOfOneMachine(t *testing.T) {
	// Put together so that this file does not find itself.
	machine := regexp.MustCompile(`(^|[^\w.])/(wo` + `rk|ro` + `ot|ho` + `me/\w+|Use` + `rs/\w+)/[\w.]`)
	texts(t, func(name string, src []byte) {
		for i, line := range strings.Split(string(src), "\n") {
			if machine.MatchString(line) {
				t.Errorf("%s:%d: a path of one machine: %s", name, i+1, strings.TrimSpace(line))
			}
		}
	})
}

// TestLockFilesNameNoHost: a lock file pins versions and checksums, not a mirror.
func TestLockFilesNameNoHost(t *testing.T) {
	texts(t, func(name string, src []byte) {
		if path.Base(name) == "package-lock.json" && bytes.Contains(src, []byte(`"resolved": "http`)) {
			t.Errorf("%s names a host; set omit-lockfile-registry-resolved in .npmrc and install again", name)
		}
	})
}

// TestDocsExplainDependencies: every direct module has a line saying what it buys.
func TestDocsExplainDependencies(t *testing.T) {
	mod, err := fs.ReadFile(top(), "go.mod")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := fs.ReadFile(top(), "docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllSubmatch(doc, -1) {
		listed[string(m[1])] = true
	}
	direct := 0
	for _, m := range regexp.MustCompile(`(?m)^(?:require )?\t?([a-z0-9.]+\.[a-z]+/\S+) v\S+$`).FindAllSubmatch(mod, -1) {
		direct++
		if !listed[string(m[1])] {
			t.Errorf("docs/dependencies.md does not say what %s buys", m[1])
		}
	}
	if direct < 10 {
		t.Errorf("only %d direct modules found in go.mod: this test reads it wrongly", direct)
	}
}

// TestDocsLinksLeadSomewhere follows every relative link of every document.
func TestDocsLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s#]+)[^)]*\)`)
	root, links := top(), 0
	texts(t, func(name string, src []byte) {
		if path.Ext(name) != ".md" || strings.Contains(name, "testdata/") {
			return
		}
		for _, m := range link.FindAllSubmatch(src, -1) {
			to := string(m[1])
			if strings.Contains(to, ":") {
				continue
			}
			links++
			if _, err := fs.Stat(root, path.Join(path.Dir(name), to)); err != nil {
				t.Errorf("%s links to %s, which is not there", name, to)
			}
		}
	})
	if links == 0 {
		t.Error("no link found: this test reads documents wrongly")
	}
}
