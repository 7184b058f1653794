package rum

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the snippet
	"encoding/hex"
	"net/http"
	"time"
)

// snippet is what web/rum builds.
//
//go:embed snippet/rum.js
var snippet []byte

// Snippet serves the script that measures a page with Google's web-vitals and
// sends one beacon beside it when the page is hidden.
func Snippet() http.Handler {
	sum := sha256.Sum256(snippet)
	etag := `"` + hex.EncodeToString(sum[:12]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the script is fetched by GET", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("ETag", etag)
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("Cache-Control", "public, max-age=3600")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin") // pages of other origins load it
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(snippet))
	})
}
