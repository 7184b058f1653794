package route

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func page(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestTheExamplesOfThePages reads every routing file that the documents show.
func TestTheExamplesOfThePages(t *testing.T) {
	f := func(name, fence string, want int) {
		t.Helper()
		blocks := regexp.MustCompile("(?s)```"+fence+"\n(.*?)```").FindAllStringSubmatch(page(t, name), -1)
		if len(blocks) != want {
			t.Errorf("%s shows %d files, want %d", name, len(blocks), want)
		}
		for _, b := range blocks {
			if _, err := Parse(name, []byte(b[1])); err != nil {
				t.Errorf("%v in\n%s", err, b[1])
			}
		}
	}
	f("reference/routing.md", "yaml", 1)
	f("howto/send-alerts.md", "yaml routes", 3)
}

// TestThePageHasEveryKey: a key that the page does not name is unknown to users.
func TestThePageHasEveryKey(t *testing.T) {
	text := page(t, "reference/routing.md")
	keys := 0
	var walk func(reflect.Type)
	walk = func(v reflect.Type) {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return
		}
		for i := range v.NumField() {
			key, _, _ := strings.Cut(v.Field(i).Tag.Get("yaml"), ",")
			if key == "" || key == "-" {
				continue
			}
			keys++
			if !strings.Contains(text, "`"+key+"`") {
				t.Errorf("%s: key %q is not on the page", v, key)
			}
			walk(v.Field(i).Type)
		}
	}
	for _, v := range []any{Receiver{}, fileRoute{}, fileRotation{}, fileQuiet{}, Inhibit{}} {
		walk(reflect.TypeOf(v))
	}
	if keys < 60 {
		t.Errorf("only %d keys found: this test reads the types wrongly", keys)
	}
	// What the page says of defaults is what a file without them gets.
	r := routes(t, "receivers: [{name: m, email: {server: h:25, from: a@b}}]\nroutes: [{to: [m]}]").Routes[0]
	for key, got := range map[string]string{"wait": spanText(r.Wait), "interval": spanText(r.Interval), "repeat": spanText(r.Repeat), "after": spanText(r.After)} {
		if !strings.Contains(text, "| `"+key+"` | `"+got+"` |") {
			t.Errorf("the page has another default for %s than %s", key, got)
		}
	}
}
