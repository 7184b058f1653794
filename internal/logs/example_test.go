package logs_test

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/logs"
)

func ExampleTemplate() {
	fmt.Println(logs.Template("connection to 10.0.3.17:5432 refused after 30 ms"))
	fmt.Println(logs.Template(`{"level":"error","msg":"order 17 failed","user":"ada","status":503}`))
	// Output:
	// connection to <*> refused after <*> ms
	// {"level":"error","msg":"order <*> failed","user":"<*>","status":503}
}

func ExampleContrast() {
	pattern := func(template string, n int64) pitwall.LogPattern {
		return pitwall.LogPattern{Service: "checkout", Severity: pitwall.SeverityError, Template: template, Count: n}
	}
	before := []pitwall.LogPattern{pattern("payment declined", 360)}
	after := []pitwall.LogPattern{pattern("payment declined", 58), pattern("pool exhausted after <*>", 40)}
	for _, c := range logs.Contrast(before, after, time.Hour, 10*time.Minute) {
		fmt.Printf("%s: %s, %.3f/s before, %.3f/s after\n", c.Kind, c.Template, c.Before.Value, c.After.Value)
	}
	// Output:
	// new: pool exhausted after <*>, 0.000/s before, 0.067/s after
	// same: payment declined, 0.100/s before, 0.097/s after
}
