package synthetic

import (
	"os"
	"regexp"
	"testing"
)

// TestThePageShowsSoundJourneys reads what the documentation shows.
func TestThePageShowsSoundJourneys(t *testing.T) {
	page, err := os.ReadFile("../../../docs/howto/synthetic-journeys.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```yaml file=(journeys/[a-z.]+)\n(.*?)```").FindAllSubmatch(page, -1)
	if len(shown) == 0 {
		t.Fatal("no journey is shown: this test reads the page wrongly")
	}
	for _, m := range shown {
		if _, err := Parse(string(m[1]), m[2]); err != nil {
			t.Error(err)
		}
	}
}
