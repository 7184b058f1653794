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
		"github.com/redis/go-redis/v9.(*Client).Process":  "",
		"example.com/pay/charge.functional":               "functional",

		"com/acme/pay/Charge.sign":                        "sign",
		"com.acme.pay.Charge.sign(Ljava/lang/String;)V":   "sign",
		"com/acme/pay/Charge.lambda$sign$0":               "sign",
		"com/acme/pay/Charge.<init>":                      "",
		"com/fasterxml/jackson/databind/Mapper.writeTree": "",
		"java/util/HashMap.putVal":                        "",
		"Acme.Pay!Acme.Pay.Charge.SignAll(class String)":  "SignAll",
		"Acme.Pay!Charge+<SignAll>d__12.MoveNext()":       "",
		"System.Private.CoreLib!System.String.Concat":     "",
		"pay::charge::sign::h0123456789abcdef":            "sign",
		"pay::charge::sign::{{closure}}":                  "sign",
		"alloc::vec::Vec<T>::push":                        "",
		"Charge::sign(std::string const&)":                "sign",
		"sign:./src/charge.js:41":                         "sign",
		"./src/charge.js:sign:41":                         "sign",
		"pay/charge.py:41 - sign":                         "sign",
		"device_score":                                    "device_score",
		"memeqbody":                                       "",
		"type:.eq.example.com/pay.Key":                    "",
		"hash:./src/a.js:3":                               "hash",
		"core::fmt::write":                                "",
		"core::Engine::compute(int)":                      "compute",
		"<lambda>":                                        "",
		"Charge#sign":                                     "sign",
		"(garbage collector)":                             "",
	} {
		if got := functionName(frame); got != want {
			t.Errorf("functionName(%q) = %q, want %q", frame, got, want)
		}
	}
}
