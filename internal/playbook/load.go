package playbook

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// ActionRollbackByWeights sends traffic back to the version before the blamed
// change, step by step.
const ActionRollbackByWeights = "rollback-by-weights"

const loadOp = "reading playbook"

// kebab is the shape of a playbook's name, which stands in records and files.
var kebab = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Load reads every .yaml file at the top of a file system, in the order of
// their names; a file may hold several documents. It is strict: an unknown
// field, class or lock is an error with file, line and the nearest name.
func Load(fsys fs.FS) ([]pitwall.Playbook, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, &pitwall.Error{Op: loadOp, Kind: pitwall.Internal, Err: err}
	}
	var books []pitwall.Playbook
	seen := map[string]string{}
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, &pitwall.Error{Op: loadOp, Kind: pitwall.Unavailable, ID: name, Err: err}
		}
		doc := strict.Doc{Op: loadOp, File: name}
		nodes, err := doc.Nodes(data)
		if err != nil {
			return nil, err
		}
		if len(nodes) == 0 {
			return nil, doc.Wrong(0, "", "the file is empty")
		}
		for _, n := range nodes {
			book, err := read(doc, n)
			if err != nil {
				return nil, err
			}
			if first, twice := seen[book.Name]; twice {
				return nil, doc.Wrong(n.Line, "", "playbook %q is defined twice, first at %s", book.Name, first)
			}
			seen[book.Name] = book.Source
			books = append(books, book)
		}
	}
	if len(books) == 0 {
		return nil, &pitwall.Error{Op: loadOp, Kind: pitwall.NotFound, Err: fmt.Errorf("no .yaml file in the catalogue"), Hint: "see playbooks in pitwall.yaml"}
	}
	return books, nil
}

func read(doc strict.Doc, n *yaml.Node) (pitwall.Playbook, error) {
	var b pitwall.Playbook
	if n.Kind != yaml.MappingNode {
		return b, doc.Wrong(n.Line, "", "expected a playbook with name, match and action")
	}
	if err := doc.Decode(n, &b); err != nil {
		return b, err
	}
	b.Source = fmt.Sprintf("%s:%d", doc.File, n.Line)
	c := checker{doc: doc, node: n}
	c.that(kebab.MatchString(b.Name), "name", "name %q must be words of small letters and digits joined by hyphens", b.Name)
	c.that(b.Title != "", "title", "title is missing")
	c.that(b.Expect != "", "expect", "expect is missing: say what will be seen if it works")
	c.that(b.Undo != "", "undo", "undo is missing: say how it is taken back")
	c.that(len(b.Match.Classes) > 0, "match", "match.classes is missing: say which bottlenecks it is for")
	c.known("match", words(b.Match.Classes), words(pitwall.Bottlenecks()))
	c.known("match", words(b.Match.ChangeKinds), words(pitwall.ChangeKinds()))
	c.known("risk", []string{string(b.Risk)}, words([]pitwall.Risk{pitwall.RiskLow, pitwall.RiskMedium, pitwall.RiskHigh}))
	c.known("action", []string{b.Action}, []string{ActionRollbackByWeights})
	c.known("enforce", b.Enforce, []string{"response-size-gate", "payload-alert", "latency-alert", "runbook"})
	rising := slices.IsSorted(b.Weights) && len(slices.Compact(slices.Clone(b.Weights))) == len(b.Weights)
	ends := len(b.Weights) > 0 && b.Weights[0] > 0 && b.Weights[len(b.Weights)-1] == 100
	c.that(rising && ends, "weights", "weights %v must rise from above 0 to 100 percent", b.Weights)
	return b, c.err
}

// checker keeps the first trouble of a playbook.
type checker struct {
	doc  strict.Doc
	node *yaml.Node
	err  error
}

// that notes trouble at a field unless ok.
func (c *checker) that(ok bool, field, format string, args ...any) {
	if ok || c.err != nil {
		return
	}
	line := c.node.Line
	for i := 0; i+1 < len(c.node.Content); i += 2 {
		if c.node.Content[i].Value == field {
			line = c.node.Content[i].Line
		}
	}
	c.err = c.doc.Wrong(line, "", format, args...)
}

// known notes trouble for a word that is not in the list.
func (c *checker) known(field string, got, list []string) {
	for _, word := range got {
		c.that(slices.Contains(list, word), field, "%s: unknown %q%s; known: %s", field, word, strict.Nearest(word, list), strings.Join(list, ", "))
	}
}

func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}
