package git

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pitwall/pitwall"
)

// planName is what may become the last part of a branch name.
var planName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$`)

// check refuses what must not be written, before git is asked.
func check(plan pitwall.PlanID, files []pitwall.EnforcedFile) error {
	if !planName.MatchString(string(plan)) || strings.HasSuffix(string(plan), ".lock") {
		return fmt.Errorf("the plan %q cannot name a branch", plan)
	}
	if len(files) == 0 {
		return fmt.Errorf("there are no files")
	}
	seen := map[string]bool{}
	for _, f := range files {
		if err := checkPath(f.Path); err != nil {
			return err
		}
		// Some file systems do not tell case apart.
		if low := strings.ToLower(f.Path); seen[low] {
			return fmt.Errorf("path %q comes twice", f.Path)
		} else {
			seen[low] = true
		}
	}
	return nil
}

// checkPath allows only clean relative paths with slashes that stay inside and
// away from git's own files.
func checkPath(p string) error {
	switch {
	case p == "" || path.IsAbs(p) || path.Clean(p) != p || !filepath.IsLocal(filepath.FromSlash(p)) || p == ".":
		return fmt.Errorf("path %q does not stay inside the repository", p)
	case strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`\:"*?<>|`, r) }):
		return fmt.Errorf("path %q has characters that not every file system can keep", p)
	}
	for part := range strings.SplitSeq(p, "/") {
		low := strings.ToLower(strings.TrimRight(part, ". "))
		if low == ".git" || strings.HasPrefix(low, "git~") || part != strings.TrimRight(part, ". ") {
			return fmt.Errorf("path %q uses a name that git or a file system keeps for itself", p)
		}
	}
	return nil
}
