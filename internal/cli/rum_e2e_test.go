//go:build e2e

package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
)

// TestSnippetInARealBrowser opens a page of another origin with the snippet in
// Chromium; when the page is left, its beacon is there.
func TestSnippetInARealBrowser(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("no Chromium is here: the RUM snippet was NOT tested")
	}
	server, _ := serveEmpty(t, "")
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>Shop</title><meta name="traceparent" content="00-0102030405060708090a0b0c0d0e0f10-0102030405060708-01">
<script defer src="%s/api/v1/rum.js"></script><h1>Order %s</h1>
<script>addEventListener('load', () => { if (location.pathname !== '/left') setTimeout(() => { location.href = '/left' }, 500) })</script>`, server, r.URL.Path)
	}))
	t.Cleanup(shop.Close)
	cmd := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", shop.URL+"/orders/4711")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, func() string {
		var status struct {
			Sources []struct{ Name, Accepted, Rejected, Message string }
		}
		if err := newClient(server).get(t.Context(), "/api/v1/status", &status); err != nil {
			return err.Error()
		}
		for _, s := range status.Sources {
			if strings.HasPrefix(s.Name, "rum") && s.Accepted == "1" && s.Rejected == "0" {
				return ""
			}
		}
		return fmt.Sprintf("no beacon: %+v", status.Sources)
	})
}
