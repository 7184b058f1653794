package report_test

import (
	"strings"
	"testing"

	"github.com/pitwall/pitwall/internal/report"
)

// TestPage: what Markdown escapes in a cell is shown as it was meant, and cannot
// become markup.
func TestPage(t *testing.T) {
	text, err := report.Page("a <b>", "# All\n\n- one\n- `x`\n\n| name | n |\n|---|---|\n| a \\| &lt;b> | |\n\nIt is **so**, <i>not</i>.\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<title>a &lt;b&gt; · Pitwall</title>", "<h1>All</h1>", "<li>one</li><li><code>x</code></li>",
		"<table><tr><th>name</th><th>n</th></tr><tr><td>a | &lt;b&gt;</td><td></td></tr></table>", "<p>It is <b>so</b>, &lt;i&gt;not&lt;/i&gt;.</p>",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}
