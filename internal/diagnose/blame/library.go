package blame

import (
	"path"
	"regexp"
	"strconv"
	"strings"
)

// manifest says that a file lists libraries with their versions.
func manifest(file string) bool {
	b := strings.ToLower(path.Base(file))
	switch b {
	case "go.mod", "package.json", "pom.xml", "gemfile", "cargo.toml", "build.gradle", "build.gradle.kts", "pyproject.toml", "pipfile",
		"composer.json", "setup.py", "setup.cfg", "mix.exs", "build.sbt", "libs.versions.toml":
		return true
	}
	return strings.HasPrefix(b, "requirements") && strings.HasSuffix(b, ".txt") || strings.HasSuffix(b, ".csproj")
}

// locked says that a file is written by a tool from a manifest.
func locked(file string) bool {
	b := strings.ToLower(path.Base(file))
	return b == "go.sum" || strings.HasSuffix(b, ".lock") || strings.HasSuffix(b, "-lock.json") || strings.HasSuffix(b, "-lock.yaml")
}

var version = regexp.MustCompile(`\bv?(\d+)\.(\d+)(?:\.(\d+))?`)

// bump compares two lines of a manifest. By the rules of semantic versioning a
// new major version may break, and so may a minor one before 1.0; a minor one
// can; a patch hardly does.
func bump(e *edit, from, to int) (Touch, bool) {
	a, b := version.FindStringSubmatch(e.lines[from].text), version.FindStringSubmatch(e.lines[to].text)
	if a == nil || b == nil || a[0] == b[0] {
		return Touch{}, false
	}
	t := Touch{Kind: Library, Way: Raises, Name: nameBefore(normal(e.lines[from].text[:strings.Index(e.lines[from].text, a[0])])),
		From: a[0], To: b[0], File: e.file, Line: squash(e.lines[to].text)}
	x, y := parts(a), parts(b)
	switch {
	case x[0] != y[0] || x[0] == 0 && x[1] != y[1]:
		t.Way = Alters
	case y[1] < x[1]:
		t.Way = Lowers
	case x[1] == y[1]:
		t.Factor = 1.01 // a patch: Slight
	}
	return t, true
}

func parts(m []string) [3]int {
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1]) // digits by the pattern; a missing patch is 0
	}
	return n
}

// withoutVersion is a line of a manifest by which its two forms are one.
func withoutVersion(s string) string { return squeeze(version.ReplaceAllString(s, "#")) }
