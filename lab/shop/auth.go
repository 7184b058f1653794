package shop

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall/lab/mesh"
	"github.com/pitwall/pitwall/lab/telemetry"
)

// tokenKey signs session tokens. The shop is a toy; so is its secret.
const tokenKey = "shop-session-key"

// auth validates session tokens and remembers those it has seen.
type auth struct {
	flags *flagSet
	tel   *telemetry.Telemetry
	trail trail
	mu    sync.Mutex
	until map[string]time.Time
}

func newAuth(d deps) service {
	a := &auth{flags: d.flags, tel: d.tel, until: map[string]time.Time{}}
	return service{routes: []route{{"POST /validate", a.validate}}, close: func() error { return nil }}
}

// Token signs a user name: "user.signature".
func Token(user string) string {
	m := hmac.New(sha256.New, []byte(tokenKey))
	_, _ = io.WriteString(m, user) // a hash never fails
	return user + "." + hex.EncodeToString(m.Sum(nil))
}

func (a *auth) validate(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&in); err != nil {
		mesh.Fail(w, http.StatusBadRequest, "reading token: "+err.Error())
		return
	}
	user, _, _ := strings.Cut(in.Token, ".")
	if !a.known(r.Context(), in.Token, user) {
		mesh.Fail(w, http.StatusUnauthorized, "the session token's signature does not match")
		return
	}
	if a.flags.get("device_check") == "behaviour" {
		telemetry.Annotate(r.Context(), "session.device_score", deviceScore(in.Token))
	}
	if a.flags.get("trail") == "memory" {
		a.trail.keep(map[string]any{"user": user, "token": in.Token, "path": r.URL.Path})
	}
	reply(w, map[string]any{"user": user, "roles": a.roles(user)})
}

// known checks the cache, then the signature and, where sessions are bound to
// a device, the binding.
func (a *auth) known(ctx context.Context, token, user string) bool {
	now := time.Now()
	a.mu.Lock()
	hit := now.Before(a.until[token])
	a.mu.Unlock()
	rounds := int(a.flags.number("session_rounds", 0))
	if rounds > 0 {
		a.tel.CacheLookup(ctx, "sessions", hit)
	}
	if hit {
		return true
	}
	if !hmac.Equal([]byte(token), []byte(Token(user))) {
		return false
	}
	if rounds > 0 {
		telemetry.Annotate(ctx, "session.binding", stretch([]byte(token), rounds)[:8])
	}
	ttl := a.flags.number("session_cache_ttl_seconds", 300)
	a.mu.Lock()
	defer a.mu.Unlock()
	if size := int(a.flags.number("session_cache_size", 0)); size > 0 {
		evict(a.until, size)
	}
	a.until[token] = now.Add(time.Duration(ttl * float64(time.Second)))
	return true
}

// deviceScore compares a session's signature with the typing rhythms of known
// robots and gives the nearest distance.
func deviceScore(token string) string {
	nearest := math.Inf(1)
	for robot := range knownRobots {
		sum := 0.0
		for i := range len(token) {
			beat := math.Sin(float64(robot*31+i)) - math.Cos(float64(token[i])*float64(i+1))
			sum += math.Sqrt(math.Abs(beat)) * math.Exp(-beat*beat)
		}
		nearest = math.Min(nearest, math.Abs(sum-float64(robot)))
	}
	return strconv.FormatFloat(nearest, 'f', 3, 64)
}

// knownRobots is how many rhythms are on file.
const knownRobots = 5_800
