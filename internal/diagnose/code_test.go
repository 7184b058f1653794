package diagnose

import "testing"

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
