package diagnose

import (
	"maps"
	"testing"
)

func TestFunctionName(t *testing.T) {
	for frame, want := range map[string]string{
		"example.com/pay/charge.(*Charge).sign":           "sign",
		"example.com/pay/charge.(*Charge).sign.func1":     "sign",
		"example.com/pay/charge.(*Charge).sign.func1.2":   "sign",
		"example.com/pay/charge.deviceScore":              "deviceScore",
		"example.com/pay/v2.Map[...].keep":                "keep",
		"main.work":                                       "work",
		"main.run":                                        "", // too short to tell
		"runtime.mallocgc":                                "",
		"encoding/json.Marshal":                           "",
		"go.opentelemetry.io/otel/sdk/trace.(*span).End":  "",
		"example.com/pay/charge.init.0":                   "",
		"":                                                "",
		"libc.so.6":                                       "",
		"github.com/someone/long-name/pkg.(*T[...]).Keep": "Keep",
	} {
		if got := functionName(frame); got != want {
			t.Errorf("functionName(%q) = %q, want %q", frame, got, want)
		}
	}
}

func TestWrittenIn(t *testing.T) {
	got := writtenIn("--- a/x.go\n+++ b/x.go\n@@ -1 +1,2 @@\n context(line)\n-\told := sum(a)\n+\tnew_one := deviceScore(token) + 2\n+\t// handle(x) the list\n+keep[string](v)\n+\n")
	want := map[string]bool{"sum": true, "deviceScore": true, "keep": true}
	if !maps.Equal(got, want) {
		t.Errorf("written: %v, want %v", got, want)
	}
}
