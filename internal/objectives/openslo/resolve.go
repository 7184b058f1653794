package openslo

import (
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// References says which references an operation is about; the zero value is none.
type References struct {
	SLI, Policy, Condition, Target bool
}

// AllReferences is every kind of reference.
func AllReferences() References {
	return References{SLI: true, Policy: true, Condition: true, Target: true}
}

// Inline puts the objects that are referred to in place of their references and
// leaves them out of the result. A reference that leads nowhere is an error.
func Inline(objects []Object, which References) ([]Object, error) {
	r := resolver{objects: objects, which: which, used: map[int]bool{}}
	var list []Object
	for _, o := range objects {
		n := clone(o.root.node)
		if o.Version == V1 {
			r.object = o
			r.inline(o.Kind, n, "")
		}
		if r.err != nil {
			return nil, r.err
		}
		list = append(list, o.with(n))
	}
	var kept []Object
	for i, o := range list {
		if !r.used[i] {
			kept = append(kept, o)
		}
	}
	return kept, nil
}

// Export takes inline objects out and leaves references to them. New objects
// follow the one they were taken from.
func Export(objects []Object, which References) []Object {
	var list []Object
	for _, o := range objects {
		n := clone(o.root.node)
		var out []Object
		if o.Version == V1 {
			out = export(o, o.Kind, n, which)
		}
		list = append(append(list, o.with(n)), out...)
	}
	return list
}

// joint is a place in an object where another one may stand, or its name.
type joint struct {
	list   string // the field of spec that holds several; "" if it is spec itself
	inline string // the field that holds the object; "" if the entry is the object
	ref    string // the field that holds the name
	kind   string
}

func joints(kind string, which References) []joint {
	var list []joint
	add := func(wanted bool, j joint) {
		if wanted {
			list = append(list, j)
		}
	}
	switch kind {
	case KindSLO:
		add(which.Policy, joint{list: "alertPolicies", ref: "alertPolicyRef", kind: KindPolicy})
		add(which.SLI, joint{inline: "indicator", ref: "indicatorRef", kind: KindSLI})
		add(which.SLI, joint{list: "objectives", inline: "indicator", ref: "indicatorRef", kind: KindSLI})
	case KindPolicy:
		add(which.Target, joint{list: "notificationTargets", ref: "targetRef", kind: KindNotificationTarget})
		add(which.Condition, joint{list: "conditions", ref: "conditionRef", kind: KindCondition})
	}
	return list
}

// places are the nodes at which a joint is, with their paths.
func (j joint) places(spec *yaml.Node, path string) []Field {
	f := Field{node: spec, path: path, line: spec.Line}
	if j.list == "" {
		return []Field{f}
	}
	return f.Get(j.list).Items()
}

type resolver struct {
	objects []Object
	which   References
	object  Object // that is being resolved
	used    map[int]bool
	err     error
}

// inline resolves the references of an object of a kind, in place.
func (r *resolver) inline(kind string, n *yaml.Node, path string) {
	spec := Field{node: n, path: path}.Get("spec")
	if spec.node == nil || spec.node.Kind != yaml.MappingNode {
		return
	}
	for _, j := range joints(kind, r.which) {
		for _, at := range j.places(spec.node, spec.path) {
			if ref := at.Get(j.ref); ref.Has() {
				r.put(j, at, ref)
			} else if j.inline == "" {
				r.inline(j.kind, at.node, at.path)
			}
			if r.err != nil {
				return
			}
		}
	}
}

// put replaces one reference. References lead from objectives to policies to
// conditions and never back, so there are no circles.
func (r *resolver) put(j joint, at, ref Field) {
	i := slices.IndexFunc(r.objects, func(o Object) bool {
		return o.Version == V1 && o.Kind == j.kind && o.Name == ref.Text()
	})
	if i < 0 {
		r.err = Missing(r.objects, r.object, j.kind, ref)
		return
	}
	r.used[i] = true
	body := clone(r.objects[i].root.node)
	r.inline(j.kind, body, at.path)
	content := Field{node: body}
	inline := mapping(ref.line)
	if j.inline == "" {
		set(inline, "kind", scalar(j.kind))
	}
	set(inline, "metadata", content.Get("metadata").node)
	set(inline, "spec", content.Get("spec").node)
	if j.inline == "" {
		at.node.Content = inline.Content
		return
	}
	drop(at.node, j.ref)
	set(at.node, j.inline, inline)
}

// Missing is the error of a reference that leads nowhere.
func Missing(objects []Object, from Object, kind string, ref Field) error {
	var names []string
	for _, o := range objects {
		if o.Kind == kind {
			names = append(names, o.Name)
		}
	}
	return &pitwall.Error{Op: "reading objectives", Kind: pitwall.Invalid, ID: fmt.Sprintf("%s:%d", from.File, ref.line),
		Err:  fmt.Errorf("%s: no %s is called %q%s", ref.path, kind, clip(ref.Text()), strict.Nearest(ref.Text(), names)),
		Hint: "define a kind: " + kind + " of that name in one of the files"}
}

// export takes the inline objects of n out.
func export(o Object, kind string, n *yaml.Node, which References) []Object {
	spec := Field{node: n}.Get("spec")
	if spec.node == nil || spec.node.Kind != yaml.MappingNode {
		return nil
	}
	var out []Object
	for _, j := range joints(kind, which) {
		for _, at := range j.places(spec.node, "") {
			inline := at
			if j.inline != "" {
				inline = at.Get(j.inline)
			}
			name := inline.Get("metadata", "name")
			if !inline.Has() || at.Get(j.ref).Has() || name.Text() == "" {
				continue
			}
			body := mapping(inline.line)
			set(body, "apiVersion", scalar(V1))
			set(body, "kind", scalar(j.kind))
			set(body, "metadata", inline.Get("metadata").node)
			set(body, "spec", inline.Get("spec").node)
			ref := scalar(name.Text())
			nested := Object{File: o.File, Line: inline.line, Index: o.Index, Version: V1, Kind: j.kind, Name: name.Text()}
			more := export(nested, j.kind, body, which)
			out = append(append(out, nested.with(body)), more...)
			if j.inline == "" {
				at.node.Content = nil
			} else {
				drop(at.node, j.inline)
			}
			set(at.node, j.ref, ref)
		}
	}
	return out
}

func scalar(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	return n
}

// set writes a field of an object; an empty value is left out.
func set(n *yaml.Node, key string, v *yaml.Node) {
	if v != nil {
		n.Content = append(n.Content, scalar(key), v)
	}
}

func drop(n *yaml.Node, key string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content = slices.Delete(n.Content, i, i+2)
			return
		}
	}
}

// clone copies a tree, so that an operation leaves its input alone.
func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = clone(child)
	}
	return &c
}
