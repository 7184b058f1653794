package mask_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/mask"
)

func TestText(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := mask.Text(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		if again := mask.Text(want); again != want {
			t.Errorf("masked again, %q became %q", want, again)
		}
	}
	f("connecting to postgres://shop:hunter2@db:5432/shop", "connecting to postgres://shop:***@db:5432/shop")
	f("GET https://api.example.com:8080/v1 took 3s", "GET https://api.example.com:8080/v1 took 3s")
	f("Authorization: Bearer abcdef0123456789abcdef", "Authorization: Bearer ***")
	f("Authorization: Basic c2hvcDpodW50ZXIy", "Authorization: Basic ***")
	f("refused eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl of cart", "refused *** of cart")
	f("key AKIAABCDEFGHIJKLMNOP was refused", "key *** was refused")
	f("-DB_PASSWORD=hunter2\n+DB_PASSWORD=correcthorse\n+POOL_SIZE=5", "-DB_PASSWORD=***\n+DB_PASSWORD=***\n+POOL_SIZE=5")
	f(`+  "api_key": "abcdefgh",`, `+  "api_key": "***",`)
	f("+clientSecret: s3cr3t-value", "+clientSecret: ***")
	f("+-----BEGIN RSA PRIVATE KEY-----\n+abc\n+-----END RSA PRIVATE KEY-----\n+x: 1", "+***\n+x: 1")
	f("https://ci.example/job/5?token=hunter2hunter2&step=3", "https://ci.example/job/5?token=***&step=3")
	// What tells of a mechanism stays.
	for _, stays := range []string{
		"+token_ttl: 30s", "+max_tokens: 4096", "+password_hash_cost = 14", "+timeout: 3s", "token expired for <*>", "+secret_rotation=true",
		"pool exhausted: 20 of 20 in use", "", "+\tfor _, id := range ids {",
	} {
		f(stays, stays)
	}
}

// told is a change with a secret in every place that takes free text.
func told() pitwall.Change {
	return pitwall.Change{ID: "c1", At: time.Date(2026, 6, 20, 10, 0, 0, 0, time.UTC), Kind: pitwall.ChangeConfig, Service: "cart", Version: "v41", PreviousVersion: "v40",
		Summary: "rotate: password=hunter2", DiffHints: []string{"DB_URL=redis://:hunter2@cache", "pool"}, Diff: "-password: hunter2old\n+password: hunter2\n+pool: 5",
		Config: map[string]string{"db.password": "hunter2", "url": "http://a:hunter2@b", "pool": "5"}, Flags: map[string]string{"apiKey": "hunter2", "fast": "true"},
		Files: []string{"deploy/cart.yaml"}, Actor: "ci token=hunter2", Link: "https://kim:hunter2@ci.example/job/5?build=7", SeenBy: pitwall.SeenByWebhook}
}

// kept is a log that keeps what it is given.
type kept struct{ list []pitwall.Change }

func (k *kept) AppendChange(_ context.Context, c pitwall.Change) (bool, error) {
	k.list = append(k.list, c)
	return true, nil
}

func (k *kept) Changes(context.Context, pitwall.Period) ([]pitwall.Change, error) {
	return k.list, nil
}

// TestChanges: nothing secret is stored, what the change is about stays, and the
// sender's own is not touched.
func TestChanges(t *testing.T) {
	store, given := &kept{}, told()
	if fresh, err := (mask.Changes{ChangeLog: store}).AppendChange(t.Context(), given); !fresh || err != nil {
		t.Fatal(fresh, err)
	}
	raw, err := json.Marshal(store.list)
	if err != nil || strings.Contains(string(raw), "hunter2") {
		t.Errorf("stored is %s, %v", raw, err)
	}
	want := told()
	want.Summary, want.DiffHints, want.Diff = "rotate: password=***", []string{"DB_URL=redis://:***@cache", "pool"}, "-password: ***\n+password: ***\n+pool: 5"
	want.Config = map[string]string{"db.password": "***", "url": "http://a:***@b", "pool": "5"}
	want.Flags = map[string]string{"apiKey": "***", "fast": "true"}
	want.Actor, want.Link = "ci token=***", "https://kim:***@ci.example/job/5?build=7"
	if d := cmp.Diff(want, store.list[0]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(told(), given); d != "" {
		t.Errorf("what was given was altered: %s", d)
	}
	if d := cmp.Diff(want, mask.Change(want)); d != "" {
		t.Errorf("masked again: %s", d)
	}
	plain := pitwall.Change{ID: "c2", Kind: pitwall.ChangeDeploy, Service: "cart", Version: "v41", Summary: "faster cart", Link: "https://ci.example/secrets/5"}
	if d := cmp.Diff(plain, mask.Change(plain)); d != "" {
		t.Errorf("a change without secrets: %s", d)
	}
}
