package archtest

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
)

const (
	linesWanted  = 300
	linesMost    = 600
	funcWanted   = 60
	funcLongMost = 0.05 // share of functions that may be longer
)

// tooLong lists files over linesMost lines. It may only shrink.
func tooLong() []string { return nil }

func TestFileSize(t *testing.T) {
	for _, f := range tree(t) {
		long := slices.Contains(tooLong(), f.name)
		switch {
		case f.lines > linesMost && !long:
			t.Errorf("%s has %d lines, at most %d: split it by what it is about", f.name, f.lines, linesMost)
		case f.lines <= linesMost && long:
			t.Errorf("%s is short enough now: take it off the list", f.name)
		case f.lines > linesWanted:
			t.Logf("%s has %d lines, wanted are %d", f.name, f.lines, linesWanted)
		}
	}
}

func TestFunctionSize(t *testing.T) {
	var long []string
	all := 0
	for _, f := range tree(t) {
		if f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			all++
			if n := f.fset.Position(fn.End()).Line - f.line(fn) + 1; n > funcWanted {
				long = append(long, fmt.Sprintf("%s: %s has %d lines", f.name, fn.Name.Name, n))
			}
		}
	}
	t.Logf("%d of %d functions are longer than %d lines\n%s", len(long), all, funcWanted, strings.Join(long, "\n"))
	if float64(len(long)) > funcLongMost*float64(all) {
		t.Errorf("%d of %d functions are longer than %d lines; at most %.0f %% may be", len(long), all, funcWanted, funcLongMost*100)
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	type pkg struct{ room, name string }
	comments := map[pkg][]string{}
	for _, f := range tree(t) {
		if f.test {
			continue
		}
		key := pkg{f.room, f.ast.Name.Name}
		comments[key] = append(comments[key], "")
		if f.ast.Doc != nil {
			comments[key] = append(comments[key], f.name)
		}
	}
	for key, names := range comments {
		names = slices.DeleteFunc(names, func(s string) bool { return s == "" })
		if len(names) != 1 {
			t.Errorf("package %s in %s has %d package comments %v, want one", key.name, key.room, len(names), names)
		}
	}
}

func TestPackageNames(t *testing.T) {
	banned := []string{"util", "utils", "common", "helper", "helpers", "manager", "data", "base", "misc", "http", "errors", "json"}
	for _, f := range tree(t) {
		if slices.Contains(banned, strings.TrimSuffix(f.ast.Name.Name, "_test")) {
			t.Errorf("%s: package %s says nothing about what is in it, or hides a standard package", f.name, f.ast.Name.Name)
		}
	}
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	for _, f := range tree(t) {
		if f.test || f.ast.Name.Name == "main" {
			continue
		}
		for _, d := range f.ast.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s:%d: %s is exported and has no comment", f.name, f.line(d), name)
			}
		}
	}
}

func undocumented(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && !plainMethod(d) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					names = append(names, s.Name.Name)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
						names = append(names, n.Name)
					}
				}
			}
		}
		return names
	}
	return nil
}

// plainMethod is one whose name says it all, because a standard interface does.
func plainMethod(d *ast.FuncDecl) bool {
	return d.Recv != nil && slices.Contains([]string{"Error", "Unwrap", "Len", "Less", "Swap", "ServeHTTP"}, d.Name.Name)
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return t.IsExported()
		default:
			return true
		}
	}
}
