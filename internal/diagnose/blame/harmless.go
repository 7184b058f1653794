package blame

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// setting reads one key of a change that names only what it is now.
func setting(key, value string) Touch {
	t := Touch{Kind: knobOf(key), Way: Alters, Name: key, Line: key + " = " + value}
	if t.Kind == "" {
		t.Kind = Value
	}
	if from, to, ok := strings.Cut(value, "→"); ok {
		e := edit{lines: []line{{sign: '+', text: t.Line}}}
		return e.turn(turned{key, strings.TrimSpace(from), strings.TrimSpace(to)}, 0, nil)
	}
	return t
}

// hint reads one line that somebody else took out of a diff.
func hint(s string) []Touch {
	if s == "" {
		return nil
	}
	e := edit{lines: []line{{sign: '+', text: s}}}
	if p, ok := match(s, false); ok {
		return []Touch{e.touch(p.kind, p.way, 0)}
	}
	if k := knobOf(s); k != "" {
		return []Touch{{Kind: k, Way: Alters, Line: s}}
	}
	return nil
}

// ofKind is what the mere kind of a change does.
func ofKind(c pitwall.Change) []Touch {
	switch c.Kind {
	case pitwall.ChangeMigration:
		return []Touch{{Kind: Schema, Way: Adds, Line: "a migration: " + c.Summary}}
	case pitwall.ChangeTraffic:
		return []Touch{{Kind: Route, Way: Alters, Line: "traffic was moved: " + c.Summary}}
	case pitwall.ChangeScale:
		way := Alters
		if v := valueIn.FindAllString(c.Summary, -1); len(v) == 2 {
			a, _ := amount(v[0], Replicas)
			b, _ := amount(v[1], Replicas)
			if way = Raises; b < a {
				way = Lowers
			}
		}
		return []Touch{{Kind: Replicas, Way: way, Line: c.Summary}}
	case pitwall.ChangeFlag:
		name := c.Summary
		for _, k := range slices.Sorted(keys(c.Flags)) {
			name = k
		}
		t := Touch{Kind: knobOf(name), Way: Adds, Name: name, Line: c.Summary}
		if t.Kind == "" {
			t.Kind = Switch
		}
		return []Touch{t}
	}
	return nil
}

func keys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// inertPath are files that never run in production; inertEnd are kinds of file
// that cannot make a server slow; read-only.
var (
	inertPath = regexp.MustCompile(`(?i)(^|/)(docs?|documentation|tests?|__tests__|testdata|spec|specs|fixtures|\.github|\.circleci|\.gitlab|\.buildkite|\.idea|\.vscode|examples?|dashboards?|grafana|runbooks?|bench(marks?)?|e2e)/|` +
		`_test\.\w+$|(_|\.)spec\.\w+$|\.test\.\w+$|Tests?\.(java|kt|cs|scala)$|(^|/)test_\w+\.py$|_bench\.\w+$|\.stories\.\w+$`)
	inertEnd = regexp.MustCompile(`(?i)\.(md|rst|adoc|txt|png|jpe?g|gif|svg|ico|css|scss|less|snap|golden|drawio|pdf|po|pot)$|` +
		`(^|/)(CODEOWNERS|LICENSE|NOTICE|AUTHORS|CHANGELOG[^/]*|README[^/]*|\.gitignore|\.editorconfig|\.gitlab-ci\.yml|Jenkinsfile|\.golangci\.ya?ml|\.eslintrc[^/]*|\.prettierrc[^/]*|\.pre-commit-config\.yaml|\.travis\.yml|Makefile|renovate\.json|dependabot\.yml)$`)
	elsewhere = regexp.MustCompile(`(?i)(^|[/_.-])(staging|stage|dev|develop|local|sandbox|qa|preview)([/_.-]|$)`)
)

// inert says that what a file holds is not part of what runs.
func inert(file string) bool {
	if manifest(file) {
		return false
	}
	return file != "" && (inertPath.MatchString(file) || inertEnd.MatchString(file) || locked(file) || elsewhere.MatchString(file))
}

// data says that a file holds settings, not a program.
func data(file string) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".yaml", ".yml", ".json", ".toml", ".ini", ".env", ".properties", ".conf", ".cfg", ".tf", ".tfvars", ".hcl", ".xml", ".cnf", ".cue", ".jsonnet":
		return true
	case "":
		return strings.Contains(strings.ToLower(path.Base(file)), "config") || strings.HasPrefix(path.Base(file), ".env")
	}
	return false
}

// harmless says why a change cannot have done anything; "" when it may have.
func harmless(c pitwall.Change, edits []edit, touches []Touch) string {
	files := c.Files
	if len(files) == 0 {
		for _, e := range edits {
			files = append(files, e.file)
		}
	}
	files = slices.DeleteFunc(slices.Clone(files), func(f string) bool { return f == "" })
	if len(files) > 0 && !slices.ContainsFunc(files, func(f string) bool { return !inert(f) }) {
		return fmt.Sprintf("it changes only %s, which is not part of what runs", files[0])
	}
	if strings.TrimSpace(c.Diff) == "" || len(touches) > 0 {
		return ""
	}
	for i := range edits {
		if e := &edits[i]; !inert(e.file) && !e.same() {
			return ""
		}
	}
	return "its diff changes nothing but form: blanks, comments, names or where lines stand"
}

// quoted is a text in a program, speaks a line that writes one for people to
// read; read-only.
var (
	quoted = regexp.MustCompile("\"[^\"]*\"|'[^']*'|`[^`]*`")
	speaks = regexp.MustCompile(`(?i)\b(log\w*|print\w*|console|errorf|fmt|message|label|help|metric\w*|span|describe|title)\b`)
)

// same says that an edit leaves the program as it was: nothing is left of it
// once what moved is taken out, or names were exchanged one for one.
func (e *edit) same() bool {
	if len(e.removed) == 0 && len(e.came) == 0 {
		return true
	}
	if len(e.removed) != len(e.came) || data(e.file) {
		return false
	}
	names := map[string]string{}
	for n, i := range e.removed {
		a, b := e.lines[i].text, e.lines[e.came[n]].text
		if !slices.Equal(quoted.FindAllString(a, -1), quoted.FindAllString(b, -1)) && !speaks.MatchString(a) {
			return false // a name on the wire, not in the program
		}
		x, y := identifier.FindAllString(a, -1), identifier.FindAllString(b, -1)
		if len(x) != len(y) || squeeze(identifier.ReplaceAllString(a, "#")) != squeeze(identifier.ReplaceAllString(b, "#")) {
			return false
		}
		for k := range x {
			if was, ok := names[x[k]]; ok && was != y[k] {
				return false
			}
			names[x[k]] = y[k]
		}
	}
	return true
}
