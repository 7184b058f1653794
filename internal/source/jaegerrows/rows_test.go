package jaegerrows

import (
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
)

// TestStrictAndLoose: a server's answer has ids of digits and times after 1970;
// a made-up trace need not.
func TestStrictAndLoose(t *testing.T) {
	f := func(span, why string) {
		t.Helper()
		body := []byte(`{"data":[{"traceID":"1","spans":[` + span + `],"processes":{}}]}`)
		strict := &pitwall.SpanBatch{}
		unfit, said, err := Add(strict, body, Reading{})
		if err != nil || (unfit == 1) != (why != "") || !strings.Contains(said, why) {
			t.Errorf("%s: %d unfit for %q, %v; want %q", span, unfit, said, err, why)
		}
		loose := &pitwall.SpanBatch{}
		if unfit, said, err := Add(loose, body, Reading{Loose: true}); err != nil || unfit != 0 || loose.Len() != 1 {
			t.Errorf("%s, loosely: %d unfit for %q, %v", span, unfit, said, err)
		}
	}
	f(`{"traceID":"1","spanID":"a","startTime":5,"duration":1}`, "")
	f(`{"traceID":"1","spanID":"a","startTime":0,"duration":1}`, "no sound start time")
	f(`{"traceID":"1","spanID":"span-A","startTime":5}`, "not hexadecimal")
	f(`{"traceID":"`+strings.Repeat("1", 33)+`","spanID":"a","startTime":5}`, "too long")
	f(`{"spanID":"a","startTime":5}`, "no trace id")
}

// TestFailures: OpenTracing's flag and logs are failures, an exception that was
// only logged is none.
func TestFailures(t *testing.T) {
	f := func(what string, failed bool) {
		t.Helper()
		b := &pitwall.SpanBatch{}
		_, why, err := Add(b, []byte(`{"spans":[{"traceID":"1","spanID":"a","startTime":5,`+what+`}]}`), Reading{})
		if err != nil || b.Len() != 1 || b.Failed[0] != failed {
			t.Errorf("%s: %v, %v %s", what, b.Failed, err, why)
		}
	}
	f(`"tags":[]`, false)
	f(`"tags":[{"key":"error","type":"bool","value":true}]`, true)
	f(`"tags":[{"key":"error","type":"bool","value":false}]`, false)
	f(`"tags":[{"key":"error","type":"string","value":"timed out"}]`, true)
	f(`"tags":[{"key":"otel.status_code","type":"string","value":"ERROR"}]`, true)
	f(`"logs":[{"fields":[{"key":"event","type":"string","value":"error"}]}]`, true)
	f(`"logs":[{"fields":[{"key":"event","value":"exception"},{"key":"exception.type","value":"E"}]}]`, false)
}
