package httpd

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

//go:embed ui
var uiFS embed.FS

// embeddedUI is the built app; web/ holds its sources.
func embeddedUI() fs.FS {
	sub, err := fs.Sub(uiFS, "ui")
	if err != nil {
		return uiFS // cannot happen: "ui" is a valid path
	}
	return sub
}

// asset is one file of the app, ready to send.
type asset struct {
	body []byte
	kind string
	etag string
}

func readAssets(files fs.FS) (map[string]asset, error) {
	assets := map[string]asset{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		kind := mime.TypeByExtension(path.Ext(name))
		switch path.Ext(name) { // the machine's own tables may disagree
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		}
		sum := sha256.Sum256(raw)
		assets["/"+name] = asset{body: raw, kind: kind, etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading built pages: %w", err)
	}
	if _, ok := assets["/index.html"]; !ok {
		return nil, pitwall.Errorf(pitwall.Internal, "reading built pages", "index.html is missing; run npm run build in web/")
	}
	return assets, nil
}

// pages registers the app's files, its addresses, and the plan without script.
func (s *server) pages(r chi.Router, assets map[string]asset) {
	for name, a := range assets {
		if name != "/index.html" {
			r.Get(name, a.serve)
		}
	}
	shell := assets["/index.html"]
	for _, p := range []string{"/", "/plans", "/slos", "/slos/{name}", "/findings", "/findings/{id}", "/settings"} {
		r.Get(p, shell.serve)
	}
	s.diagnosisPages(r, shell)
	r.Get("/plans/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, document := strings.CutSuffix(chi.URLParam(r, "id"), ".html")
		if !document {
			shell.pointing("/plans/"+url.PathEscape(id)+".html").serve(w, r)
			return
		}
		s.document(w, r, pitwall.PlanID(id))
	})
}

// pointing adds the way to the page that reads without script.
func (a asset) pointing(path string) asset {
	a.body = bytes.Replace(a.body, []byte(`<a href="/plans">`), []byte(`<a href="`+template.HTMLEscapeString(path)+`">`), 1)
	return a
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("ETag", a.etag)
	h.Set("Cache-Control", "no-cache") // ask each time; the answer is usually 304
	if strings.Contains(r.Header.Get("If-None-Match"), a.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", a.kind)
	_, _ = w.Write(a.body) // the client may be gone
}

// document serves a plan that reads without script.
func (s *server) document(w http.ResponseWriter, r *http.Request, id pitwall.PlanID) {
	v, err := s.view(r.Context(), id)
	if err != nil {
		plain(w, pitwall.KindOf(err).HTTPStatus(), err.Error())
		return
	}
	page, err := report.HTML(v)
	if err != nil {
		s.Log.Error("Plan not rendered", "plan", id, "err", err)
		plain(w, http.StatusInternalServerError, "this plan cannot be shown; the log says why")
		return
	}
	sendDocument(w, page)
}

// sendDocument sends a page that reads without script.
func sendDocument(w http.ResponseWriter, page []byte) {
	h := w.Header()
	h.Set("Content-Security-Policy", documentPolicy())
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(page) // the client may be gone
}
