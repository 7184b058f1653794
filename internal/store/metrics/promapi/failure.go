package promapi

import (
	"context"
	"errors"
	"net/http"
	"runtime"

	"github.com/prometheus/prometheus/promql"

	"github.com/pitwall/pitwall"
)

// trouble is Prometheus' errorType.
type trouble string

const (
	badData     trouble = "bad_data"
	execution   trouble = "execution"
	timeout     trouble = "timeout"
	canceled    trouble = "canceled"
	unavailable trouble = "unavailable"
	notFound    trouble = "not_found"
	internal    trouble = "internal"
)

// failure is an answer that is an error.
type failure struct {
	kind trouble
	err  error
}

// status is the HTTP status of a kind of trouble, as Prometheus has it.
func (t trouble) status() int {
	switch t {
	case badData:
		return http.StatusBadRequest
	case execution:
		return http.StatusUnprocessableEntity
	case timeout, canceled, unavailable:
		return http.StatusServiceUnavailable
	case notFound:
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

// failed says whose fault an error of the engine or the store is.
func failed(err error) *failure {
	var (
		tooLong  promql.ErrQueryTimeout
		dropped  promql.ErrQueryCanceled
		broken   promql.ErrStorage
		panicked runtime.Error
	)
	switch {
	case pitwall.KindOf(err) == pitwall.Unavailable: // the store is closed or closing
		return &failure{unavailable, err}
	case errors.As(err, &tooLong), errors.Is(err, context.DeadlineExceeded):
		return &failure{timeout, err}
	case errors.As(err, &dropped), errors.Is(err, context.Canceled):
		return &failure{canceled, err}
	case errors.As(err, &broken), errors.As(err, &panicked):
		return &failure{internal, err}
	}
	return &failure{execution, err}
}
