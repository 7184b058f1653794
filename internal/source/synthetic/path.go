package synthetic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// hop is one step down into a JSON value: a key, or a place in a list.
type hop struct {
	key   string
	place int
	list  bool
}

// hopForm is .name, ["any name"] or [3].
var hopForm = regexp.MustCompile(`^(?:\.([A-Za-z_][A-Za-z0-9_-]*)|\["([^"\]]*)"\]|\[(-?[0-9]{1,6})\])`)

// parsePath reads a path into JSON: $ is the whole, .name and ["any name"] a
// field, [0] an item, [-1] the last one, .length how many items there are.
func parsePath(text string) ([]hop, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, fmt.Errorf("path %q does not begin with $", text)
	}
	var path []hop
	for rest != "" {
		m := hopForm.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("path %q is not understood from %q on; write $.name, $[0] or $[\"any name\"]", text, rest)
		}
		if m[3] != "" {
			place, err := strconv.Atoi(m[3])
			if err != nil {
				return nil, fmt.Errorf("path %q: %w", text, err)
			}
			path = append(path, hop{place: place, list: true})
		} else {
			path = append(path, hop{key: m[1] + m[2]})
		}
		rest = rest[len(m[0]):]
	}
	return path, nil
}

// lookUp follows a path; false: there is nothing.
func lookUp(v any, path []hop) (any, bool) {
	for _, h := range path {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[h.key]
			if h.list {
				return nil, false
			}
			if !ok && h.key == "length" {
				next, ok = json.Number(strconv.Itoa(len(at))), true
			}
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			place := h.place
			if place < 0 {
				place += len(at)
			}
			switch {
			case !h.list && h.key == "length":
				v = json.Number(strconv.Itoa(len(at)))
			case !h.list || place < 0 || place >= len(at):
				return nil, false
			default:
				v = at[place]
			}
		case string:
			if h.list || h.key != "length" {
				return nil, false
			}
			v = json.Number(strconv.Itoa(utf8.RuneCountInString(at)))
		default:
			return nil, false
		}
	}
	return v, true
}

// readJSON reads one value, numbers as they are written.
func readJSON(body []byte) (any, error) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return v, nil
}

// checkPlace says whether json:$.path or header:Name can be saved from.
func checkPlace(from string) error {
	kind, what, _ := strings.Cut(from, ":")
	switch {
	case kind == "json":
		_, err := parsePath(what)
		return err
	case kind == "header" && what != "":
		return nil
	}
	return fmt.Errorf("%q is neither json:$.path nor header:Name", from)
}

// saved reads a value to keep from an answer that checkPlace has approved.
func saved(from string, header http.Header, body []byte) (string, bool) {
	kind, what, _ := strings.Cut(from, ":")
	if kind == "header" {
		v := header.Get(what)
		return v, v != ""
	}
	path, err := parsePath(what)
	if err != nil {
		return "", false
	}
	doc, err := readJSON(body)
	if err != nil {
		return "", false
	}
	v, ok := lookUp(doc, path)
	return scalar(v), ok
}
