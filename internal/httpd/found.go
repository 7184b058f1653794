package httpd

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// Findings are the questions about changes that were found without an objective
// burning. A nil one answers "not here".
type Findings struct {
	Sensed func(ctx context.Context) pitwall.Sensed
	One    func(ctx context.Context, id string) (pitwall.Finding, []pitwall.Chart, error)
	Accept func(ctx context.Context, a pitwall.Accepted, dryRun bool) (pitwall.Accepted, error)
}

func (s *server) findings(a huma.API) {
	huma.Register(a, huma.Operation{OperationID: "list-findings", Method: http.MethodGet, Path: "/api/v1/findings",
		Summary: "Changes of operations that were found, and those seen and not reported, each with its reason"}, s.listFindings)
	huma.Register(a, huma.Operation{OperationID: "view-finding", Method: http.MethodGet, Path: "/api/v1/findings/{id}",
		Summary: "One finding with its charts and what changed beside it"}, s.viewFinding)
	huma.Register(a, huma.Operation{OperationID: "accept-finding", Method: http.MethodPost, Path: "/api/v1/findings/{id}/accept", MaxBodyBytes: maxBody,
		Summary: "Take note of a finding: its level is normal from now on; with dry_run only say what would happen"}, s.acceptFinding)
}

func (s *server) listFindings(ctx context.Context, _ *struct{}) (*body[report.FindingsView], error) {
	if s.Findings.Sensed == nil {
		return nil, absent("listing findings", "")
	}
	return ok(report.FindingsOf(s.Findings.Sensed(ctx)), nil)
}

func (s *server) viewFinding(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"100"`
}) (*body[report.FindingView], error) {
	if s.Findings.One == nil {
		return nil, absent("reading finding", "")
	}
	f, charts, err := s.Findings.One(ctx, in.ID)
	if err != nil {
		return nil, fail(err)
	}
	return ok(report.FindingDetail(f, charts), nil)
}

func (s *server) acceptFinding(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"100"`
	Body struct {
		By     string `json:"by" minLength:"1" maxLength:"200"`
		Reason string `json:"reason" minLength:"1" maxLength:"2000"`
		DryRun bool   `json:"dry_run,omitempty"`
	}
}) (*body[pitwall.Accepted], error) {
	if s.Findings.Accept == nil {
		return nil, absent("accepting finding", "")
	}
	if err := s.readOnly("accepting finding", in.ID, in.Body.DryRun); err != nil {
		return nil, err
	}
	return ok(s.Findings.Accept(ctx, pitwall.Accepted{Finding: in.ID, By: in.Body.By, Reason: in.Body.Reason}, in.Body.DryRun))
}
