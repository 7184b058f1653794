package cli

import (
	"io/fs"
	"os"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/engine"
	"github.com/pitwall/pitwall/internal/objectives"
	"github.com/pitwall/pitwall/internal/playbook"
	"github.com/pitwall/pitwall/internal/policy"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/source/synthetic"
	"github.com/pitwall/pitwall/playbooks"
)

func settings(conf config.Config) engine.Settings {
	e := conf.Engine
	return engine.Settings{
		Tick: e.Tick, Settle: e.Settle, Baseline: e.Baseline, OnsetLookback: e.OnsetLookback,
		DiagnoseMin: e.DiagnoseMin, DiagnoseMax: e.DiagnoseMax, StepMax: e.Canary.StepMax, Watch: e.Watch,
		VerifyMin: e.Verify.MinRequests, VerifyMax: e.Verify.Max, Deadline: e.Deadline, LeaseTTL: e.LeaseTTL,
		Confirm: conf.Alerting.Confirm, Retry: e.Retry, MaxTries: e.MaxTries, MinRequests: e.Canary.MinRequests, Alpha: e.Canary.Alpha, Margin: e.Canary.Margin,
		PublicURL: orElse(conf.PublicURL, "http://"+conf.Listen.HTTP),
	}
}

// readSLOs reads the objectives, their windows scaled as configured.
func readSLOs(conf config.Config) ([]pitwall.SLO, error) {
	slos, _, err := readObjectives(conf)
	return slos, err
}

// readObjectives is readSLOs with what deserves a look.
func readObjectives(conf config.Config) ([]pitwall.SLO, []string, error) {
	files, err := conf.SLOFiles()
	if err != nil {
		return nil, nil, err
	}
	set, err := objectives.Read(objectives.Options{Preset: conf.Alerting.Preset}, files...)
	if err != nil {
		return nil, nil, err
	}
	for i := range set.SLOs {
		set.SLOs[i] = slo.Scale(set.SLOs[i], conf.TimeScale)
	}
	return set.SLOs, set.Texts(), nil
}

func readPolicy(conf config.Config) (*policy.Policy, error) {
	if conf.Policy == "" {
		return policy.Default()
	}
	data, err := os.ReadFile(conf.Policy)
	if err != nil {
		return nil, &pitwall.Error{Op: "reading policy", Kind: pitwall.Invalid, ID: conf.Policy, Err: err, Hint: "policy: in pitwall.yaml names it"}
	}
	return policy.Load(conf.Policy, data)
}

// readPlaybooks reads the shipped catalogue and, before it, the user's own.
func readPlaybooks(conf config.Config) ([]pitwall.Playbook, error) {
	var all []pitwall.Playbook
	sources := []fs.FS{playbooks.FS}
	if conf.Playbooks != "" {
		sources = []fs.FS{os.DirFS(conf.Playbooks), playbooks.FS}
	}
	for _, fsys := range sources {
		books, err := playbook.Load(fsys)
		if err != nil {
			return nil, err
		}
		all = append(all, books...)
	}
	return all, nil
}

// readJourneys reads the synthetic journeys.
func readJourneys(conf config.Config) ([]synthetic.Journey, error) {
	files, err := conf.JourneyFiles()
	if err != nil {
		return nil, err
	}
	var all []synthetic.Journey
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, &pitwall.Error{Op: "reading journey", Kind: pitwall.Invalid, ID: file, Err: err}
		}
		journeys, err := synthetic.Parse(file, data)
		if err != nil {
			return nil, err
		}
		all = append(all, journeys...)
	}
	return all, nil
}

func kpis(conf config.Config) []pitwall.KPI {
	var list []pitwall.KPI
	for _, k := range conf.KPIs {
		list = append(list, pitwall.KPI{Name: k.Name, Query: k.Query, Unit: k.Unit, Less: k.Better == "less", Service: k.Service})
	}
	return list
}
