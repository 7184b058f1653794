package diagnose

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/pitwall/pitwall"
)

// mechanism says which words in a change (its flags, its configuration keys, its
// diff) touch a class. A change that touches nothing of the kind that was
// measured is not the cause, however well its time fits. A word of four letters
// and more also matches what begins with it. To teach a word, add it.
func mechanism(class pitwall.Bottleneck) []string {
	switch class {
	case pitwall.BottleneckPayload:
		return []string{
			"include", "full", "detail", "field", "size", "response", "payload", "body", "expand", "embed", "verbose", "page", "limit",
			"compress", "gzip", "serializ", "serialis", "projection", "select", "content", "media", "raw", "depth",
		}
	case pitwall.BottleneckNPlus1:
		return []string{
			"query", "queries", "loop", "batch", "prefetch", "preload", "eager", "lazy", "join", "each", "fetch", "dataloader", "bulk", "per",
		}
	case pitwall.BottleneckIODB:
		return []string{
			"index", "indexes", "indices", "migration", "migrate", "query", "queries", "sql", "schema", "table", "scan", "join", "statement",
			"database", "where", "order", "vacuum", "isolation", "transaction", "column", "partition", "limit",
		}
	case pitwall.BottleneckCPU:
		return []string{
			"algorithm", "regex", "hash", "bcrypt", "rounds", "crypt", "sign", "compress", "gzip", "sort", "parse", "valid", "comput", "loop",
			"calculat", "render", "template", "match", "score", "scoring", "rank", "price", "pricing", "promo", "cost", "cpu",
			"serializ", "serialis", "log", "trace", "debug",
		}
	case pitwall.BottleneckAllocation:
		return []string{
			"buffer", "pool", "gc", "gogc", "gomemlimit", "memory", "heap", "alloc", "copy", "clone", "slice", "cache", "serializ", "serialis", "json",
		}
	case pitwall.BottleneckLock:
		return []string{
			"mutex", "lock", "sync", "concurren", "semaphore", "singleflight", "serial", "transaction", "atomic", "global", "shared", "registry", "exclusive",
		}
	case pitwall.BottleneckNetwork:
		return []string{
			"timeout", "retry", "retries", "proxy", "mesh", "tls", "mtls", "dns", "route", "routing", "region", "zone", "endpoint", "keepalive",
			"connection", "mtu", "bandwidth", "policy", "network", "firewall", "waf", "sidecar",
		}
	case pitwall.BottleneckPool:
		return []string{"pool", "conns", "connection", "worker", "thread", "concurren", "queue", "max", "limit"}
	case pitwall.BottleneckCache:
		return []string{
			"cache", "ttl", "evict", "expir", "redis", "memcache", "stale", "invalid",
		}
	case pitwall.BottleneckDependency:
		return []string{"upstream", "provider", "client", "api", "endpoint", "url", "sdk", "timeout", "retry", "retries", "key", "credential", "region"}
	case pitwall.BottleneckException:
		return []string{
			"nil", "null", "panic", "error", "valid", "schema", "parse", "required", "handle", "check", "strict", "auth", "permission", "timeout",
		}
	case pitwall.BottleneckTraffic:
		return []string{"traffic", "route", "routing", "weight", "campaign", "shift", "ratelimit", "throttle"}
	case pitwall.BottleneckClient:
		return []string{"bundle", "script", "render", "frontend", "css", "image", "font", "js", "web"}
	}
	return nil
}

// kindFits says that the mere kind of a change touches a class.
func kindFits(k pitwall.ChangeKind, c pitwall.Bottleneck) bool {
	switch k {
	case pitwall.ChangeMigration:
		return c == pitwall.BottleneckIODB || c == pitwall.BottleneckLock
	case pitwall.ChangeTraffic:
		return c == pitwall.BottleneckTraffic
	case pitwall.ChangeScale:
		return c == pitwall.BottleneckTraffic || c == pitwall.BottleneckPool || c == pitwall.BottleneckCapacity
	case pitwall.ChangeDependency:
		return c == pitwall.BottleneckDependency
	}
	return false
}

// touch is how a change touches what was measured.
type touch struct {
	strength int    // 0: not at all; see the constants
	text     string // what in the change says so
	named    bool   // the trouble names what it touches
	innocent string // why it cannot be the cause, or ""
}

// How strongly a change can touch a finding: by what it says of itself, by the
// files or keys of the very operation, by the thing it switches.
const (
	touchSummary   = 1
	touchOperation = 2
	touchStrong    = 3
	touchNamed     = 4 // strong, and the trouble or a profile names what it touches
)

// touched finds the strongest sign in a change that it is of the finding's kind:
// in its diff where there is one, in its keys, flags, hints and title otherwise.
func (x *inquiry) touched(c pitwall.Change, f *finding) touch {
	s := x.look()
	r := s.reads[c.ID]
	if r.Harmless != "" {
		return touch{innocent: r.Harmless}
	}
	var t touch
	if x.noSpans == "" && (c.Diff == "" || len(r.Touches) == 0) {
		t = touches(c, f)
	}
	if d := x.does(c, r, f); d.strength > t.strength {
		t = d
	}
	if name := x.wrote(c, f); name != "" {
		t = touch{strength: touchNamed, text: "its diff writes " + name + ", which costs more per request since", named: true}
	}
	return t
}

// touches finds the strongest word in a change that says it is of the finding's
// kind. What a finding is about stands beside its class: requests told which.
func touches(c pitwall.Change, f *finding) touch {
	words := mechanism(f.class)
	var best touch
	offer := func(t touch) {
		if t.strength > best.strength {
			best = t
		}
	}
	if kindFits(c.Kind, f.class) {
		offer(touch{strength: touchStrong, text: "a " + string(c.Kind)})
	}
	for _, keys := range []map[string]string{c.Flags, c.Config} {
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			if matches(k, words) {
				offer(touch{strength: touchStrong, text: k + " = " + keys[k]})
			}
		}
	}
	for _, hint := range c.DiffHints {
		switch {
		case matches(hint, words):
			offer(touch{strength: touchStrong, text: hint})
		case matches(hint, pathWords(f.at.Name)):
			offer(touch{strength: touchOperation, text: hint})
		}
	}
	if matches(c.Summary, words) {
		offer(touch{strength: touchSummary, text: c.Summary})
	}
	return best
}

// pathWords are the telling words of an operation's name: "items" and "lookup"
// of "POST /v1/items/lookup".
func pathWords(name string) []string {
	return slices.DeleteFunc(tokens(name), func(w string) bool {
		return len(w) < 4 || slices.Contains([]string{"post", "patch", "delete", "options"}, w)
	})
}

// matches says whether a text holds one of the words.
func matches(text string, words []string) bool {
	for _, t := range tokens(text) {
		for _, w := range words {
			if t == w || len(w) >= 4 && strings.HasPrefix(t, w) {
				return true
			}
		}
	}
	return false
}

// tokens splits a text into lower-case words, at signs, digits and humps.
func tokens(text string) []string {
	var list []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			list = append(list, strings.ToLower(string(word)))
			word = nil
		}
	}
	for _, r := range text {
		switch {
		case !unicode.IsLetter(r):
			flush()
			continue
		case unicode.IsUpper(r) && len(word) > 0 && unicode.IsLower(word[len(word)-1]):
			flush()
		}
		word = append(word, r)
	}
	flush()
	return list
}
