package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/pitwall/pitwall"

// file is one Go file of the tree.
type file struct {
	name  string // slash path from the top
	room  string // its folder, "." for the root
	test  bool
	lines int
	ast   *ast.File
	fset  *token.FileSet
}

// top is the root of the source tree.
func top() fs.FS { return os.DirFS("../..") }

// skipped are folders with nothing of ours in them.
func skipped(name string) bool {
	return slices.Contains([]string{".git", "node_modules", "testdata", "zzdeps", ".pitwall"}, path.Base(name)) && name != "."
}

// tree parses every Go file.
func tree(t *testing.T) []file {
	t.Helper()
	var list []file
	root := top()
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && skipped(name) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		list = append(list, file{
			name: name, room: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
			lines: strings.Count(string(src), "\n"), ast: parsed, fset: fset,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 20 {
		t.Fatalf("found %d Go files: this is not the tree", len(list))
	}
	return list
}

// imports gives the import paths of a file.
func (f file) imports() []string {
	var list []string
	for _, spec := range f.ast.Imports {
		p, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		list = append(list, p)
	}
	return list
}

func (f file) line(n ast.Node) int { return f.fset.Position(n.Pos()).Line }

// matches says whether a rule's key stands for a room: itself, or with a
// trailing slash a whole wing.
func matches(key, room string) bool {
	return key == room || strings.HasSuffix(key, "/") && strings.HasPrefix(room+"/", key)
}
