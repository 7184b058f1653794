package httpd

import (
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// diagnosisPages registers the addresses of diagnoses, in the app and without
// script.
func (s *server) diagnosisPages(r chi.Router, shell asset) {
	r.Get("/plans/{id}/diagnosis", func(w http.ResponseWriter, r *http.Request) {
		shell.pointing("/plans/"+url.PathEscape(chi.URLParam(r, "id"))+"/diagnosis.html").serve(w, r)
	})
	r.Get("/plans/{id}/diagnosis.html", func(w http.ResponseWriter, r *http.Request) {
		v, err := s.diagnosisOf(r.Context(), pitwall.PlanID(chi.URLParam(r, "id")))
		s.diagnosisDocument(w, v, err)
	})
	r.Get("/diagnose", func(w http.ResponseWriter, r *http.Request) {
		shell.pointing("/diagnose.html?"+r.URL.RawQuery).serve(w, r)
	})
	r.Get("/diagnose.html", func(w http.ResponseWriter, r *http.Request) {
		in, err := queryOf(r)
		if err != nil {
			s.diagnosisDocument(w, report.DiagnosisView{}, err)
			return
		}
		v, err := s.asked(r.Context(), in)
		s.diagnosisDocument(w, v, err)
	})
}

// queryOf reads a question outside the framework.
func queryOf(r *http.Request) (DiagnoseQuery, error) {
	get := r.URL.Query().Get
	q := DiagnoseQuery{Service: pitwall.ServiceName(get("service")), Operation: get("operation"), Signal: pitwall.Signal(get("signal"))}
	q.Since = get("since")
	for name, into := range map[string]*time.Time{"from": &q.From, "to": &q.To, "baseline_from": &q.BaselineFrom, "baseline_to": &q.BaselineTo} {
		if get(name) == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, get(name))
		if err != nil {
			return q, pitwall.Errorf(pitwall.Invalid, "reading "+name, "%q is no instant such as 2026-03-02T14:05:00Z", get(name))
		}
		*into = t
	}
	return q, nil
}

func (s *server) diagnosisDocument(w http.ResponseWriter, v report.DiagnosisView, err error) {
	if err != nil {
		text := err.Error()
		if hint := pitwall.HintOf(err); hint != "" {
			text += "\nnext: " + hint
		}
		maps.Copy(w.Header(), retryAfter(err))
		plain(w, pitwall.KindOf(err).HTTPStatus(), text)
		return
	}
	page, err := report.DiagnosisHTML(v)
	if err != nil {
		s.Log.Error("Diagnosis not rendered", "plan", v.Plan, "err", err)
		plain(w, http.StatusInternalServerError, "this diagnosis cannot be shown; the log says why")
		return
	}
	sendDocument(w, page)
}
