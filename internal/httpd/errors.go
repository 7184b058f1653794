package httpd

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pitwall/pitwall"
)

// apiError is the one shape of trouble: {"error":{op,kind,id,message,hint}}.
type apiError struct {
	status  int
	headers http.Header
	Body    errorBody `json:"error"`
}

type errorBody struct {
	Op      string       `json:"op" doc:"what was being done"`
	Kind    pitwall.Kind `json:"kind" doc:"invalid, not-found, conflict, denied, unavailable, inconclusive or internal"`
	ID      string       `json:"id" doc:"the thing it happened to"`
	Message string       `json:"message" doc:"the whole story in one line"`
	Hint    string       `json:"hint" doc:"what to do next"`
}

// Error words the trouble.
func (e *apiError) Error() string { return e.Body.Message }

// GetStatus is the HTTP status of the answer.
func (e *apiError) GetStatus() int { return e.status }

// GetHeaders says when to ask again, where that is known.
func (e *apiError) GetHeaders() http.Header { return e.headers }

var (
	_ huma.StatusError  = (*apiError)(nil)
	_ huma.HeadersError = (*apiError)(nil)
)

// fail turns any error into an answer. What is our own defect says so; its
// details are for the log, not for the wire.
func fail(err error) error {
	if err == nil {
		return nil
	}
	kind := pitwall.KindOf(err)
	a := &apiError{status: kind.HTTPStatus(), headers: retryAfter(err), Body: errorBody{Kind: kind, Message: err.Error(), Hint: pitwall.HintOf(err)}}
	if kind == pitwall.Inconclusive {
		a.status = http.StatusConflict // an error answer may not look like success
	}
	var p *pitwall.Error
	if errors.As(err, &p) {
		a.Body.Op, a.Body.ID = p.Op, p.ID
	}
	return a
}

// retryAfter is the header of a refusal that is a matter of seconds.
func retryAfter(err error) http.Header {
	if !errors.Is(err, errBusy) {
		return nil
	}
	return http.Header{"Retry-After": {strconv.Itoa(int(askAgain.Seconds()))}}
}

// oneErrorShape rewrites the framework's own errors (bad parameter, body not
// JSON) into ours.
func oneErrorShape(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	ctx.SetHeader("Content-Type", "application/json")
	e := &apiError{status: m.Status, Body: errorBody{Op: "reading request", Kind: kindOfStatus(m.Status), ID: ctx.URL().Path, Message: m.Detail, Hint: "see /openapi.json"}}
	for _, d := range m.Errors {
		e.Body.Message += "; " + d.Error()
	}
	return e, nil
}

func kindOfStatus(status int) pitwall.Kind {
	switch {
	case status == http.StatusNotFound:
		return pitwall.NotFound
	case status == http.StatusForbidden:
		return pitwall.Denied
	case status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return pitwall.Unavailable
	case status >= 500:
		return pitwall.Internal
	}
	return pitwall.Invalid
}

// documentErrors makes the OpenAPI document name our error shape.
func documentErrors(o *huma.OpenAPI, op *huma.Operation) {
	schema := o.Components.Schemas.Schema(reflect.TypeFor[apiError](), true, "Error")
	for code, r := range op.Responses {
		if code == "default" || code >= "400" {
			r.Content = map[string]*huma.MediaType{"application/json": {Schema: schema}}
		}
	}
}

// writeError answers outside the framework.
func writeError(w http.ResponseWriter, err error) {
	var a *apiError
	if !errors.As(err, &a) {
		if !errors.As(fail(err), &a) {
			return
		}
	}
	maps.Copy(w.Header(), a.headers)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	// The client may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(a)
}
