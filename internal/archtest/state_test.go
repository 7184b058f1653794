package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

func TestNoInitAndNoMutablePackageVariables(t *testing.T) {
	for _, f := range tree(t) {
		if f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s:%d: init functions hide what runs; call it from cli", f.name, f.line(fn))
			}
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				if v := spec.(*ast.ValueSpec); !constant(g, v) {
					t.Errorf("%s:%d: package variable %s can change; make it a function or a constant, or say \"read-only\" in its comment if nothing writes it", f.name, f.line(v), v.Names[0].Name)
				}
			}
		}
	}
}

// constant says whether a package variable is one that nothing changes: a
// guard, an error, something compiled, an embedded file, the version that the
// linker sets, or a table marked read-only.
func constant(g *ast.GenDecl, v *ast.ValueSpec) bool {
	if v.Names[0].Name == "_" {
		return true
	}
	for _, group := range []*ast.CommentGroup{g.Doc, v.Doc, v.Comment} {
		if group == nil {
			continue
		}
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:embed ") || strings.Contains(c.Text, "read-only") || strings.Contains(c.Text, "-ldflags") {
				return true
			}
		}
	}
	if len(v.Values) == 0 {
		return false
	}
	for _, value := range v.Values {
		call, ok := value.(*ast.CallExpr)
		if !ok || !slices.Contains([]string{"errors.New", "fmt.Errorf", "regexp.MustCompile", "template.Must"}, name(call.Fun)) {
			return false
		}
	}
	return true
}

func name(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok {
			return x.Name + "." + s.Sel.Name
		}
	}
	return ""
}

// TestClocksAreGiven: a stage that reads the clock cannot be tested with another.
func TestClocksAreGiven(t *testing.T) {
	for _, f := range tree(t) {
		if f.test || !slices.Contains(append(stages(), "internal/engine"), f.room) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if ok && slices.Contains([]string{"time.Now", "time.Since", "time.Until", "time.Sleep"}, name(call.Fun)) {
				t.Errorf("%s:%d: %s in %s; the clock is passed in", f.name, f.line(call), name(call.Fun), f.room)
			}
			return true
		})
	}
}

// TestGoroutinesHaveARoom: they start only where somebody waits for them.
func TestGoroutinesHaveARoom(t *testing.T) {
	rooms := []string{"internal/engine", "internal/httpd", "internal/cli", "internal/source/", "internal/target/", "internal/store/",
		"internal/notify/", "internal/load/", "lab/", "cmd/pitwall", "scripts/ingest", "scripts/pairs"}
	for _, f := range tree(t) {
		if f.test || slices.ContainsFunc(rooms, func(key string) bool { return matches(key, f.room) }) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s:%d: %s starts a goroutine; that is the engine's or an adapter's", f.name, f.line(g), f.room)
			}
			return true
		})
	}
}
