package scrape

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"

	"github.com/pitwall/pitwall"
)

// maxFile bounds a targets file.
const maxFile = 8 << 20

// group is one entry of a targets file.
type group struct {
	Targets []string          `json:"targets" yaml:"targets"`
	Labels  map[string]string `json:"labels" yaml:"labels"`
}

// file is a targets file that is watched. Only Run's goroutine reads it.
type file struct {
	job    Job
	yaml   func([]byte, any) error
	last   []byte // the content that groups are of
	groups []*targetgroup.Group

	mu     sync.Mutex // guards health
	health pitwall.SourceHealth
}

func newFile(c Config, j Job) *file {
	return &file{job: j, yaml: c.YAML, health: pitwall.SourceHealth{
		Name: "scrape " + j.Name + " targets", Signal: pitwall.SignalMetrics, Message: "not read yet"}}
}

func (f *file) state() pitwall.SourceHealth {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.health
	if !h.Up || h.Accepted == 0 {
		h.Blind = "metrics of the targets that the file would name"
	}
	return h
}

// read says whether the targets changed. A file that is missing or wrong changes
// nothing: somebody may be writing it.
func (f *file) read(now time.Time) (changed bool) {
	content, groups, err := f.load()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.health.Up, f.health.Message = false, err.Error()
		return false
	}
	f.health.Up, f.health.Message, f.health.LastSeen = true, "", now
	if groups == nil {
		return false
	}
	f.health.Accepted = 0
	f.groups = make([]*targetgroup.Group, 0, len(groups))
	for i, g := range groups {
		f.groups = append(f.groups, asGroup(g, f.job, fmt.Sprintf("%s:%d", f.job.FileSD, i)))
		f.health.Accepted += uint64(len(g.Targets))
	}
	f.last = content
	return true
}

// load gives the file's groups; nil when it still has its last content.
func (f *file) load() ([]byte, []group, error) {
	in, err := os.Open(f.job.FileSD)
	if err != nil {
		return nil, nil, fmt.Errorf("reading targets file: %w", err)
	}
	defer in.Close()
	content, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("reading targets file: %w", err)
	case len(content) > maxFile:
		return nil, nil, fmt.Errorf("reading targets file %s: it is larger than %d bytes", f.job.FileSD, maxFile)
	case f.last != nil && bytes.Equal(content, f.last):
		return content, nil, nil
	}
	decode := decodeJSON
	if isYAML(f.job.FileSD) {
		decode = f.yaml
	}
	groups, err := parse(content, decode)
	if err != nil {
		return nil, nil, fmt.Errorf("reading targets file %s: %w", f.job.FileSD, err)
	}
	return content, groups, nil
}

func isYAML(name string) bool {
	ext := filepath.Ext(name)
	return ext == ".yml" || ext == ".yaml"
}

// parse never gives nil groups without an error.
func parse(content []byte, decode func([]byte, any) error) ([]group, error) {
	groups := []group{}
	if err := decode(content, &groups); err != nil {
		return nil, fmt.Errorf("not a list of target groups: %w", err)
	}
	for i, g := range groups {
		if err := errors.Join(checkTargets(g.Targets), checkLabels(g.Labels)); err != nil {
			return nil, fmt.Errorf("group %d: %w", i+1, err)
		}
	}
	if groups == nil { // the file says null
		groups = []group{}
	}
	return groups, nil
}

func decodeJSON(content []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("something follows the list")
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line := 1 + bytes.Count(content[:min(syntax.Offset, int64(len(content)))], []byte("\n"))
		return fmt.Errorf("line %d: %w", line, err)
	}
	return err
}

// asGroup gives a group the labels of its job.
func asGroup(g group, j Job, source string) *targetgroup.Group {
	out := &targetgroup.Group{Source: source, Labels: model.LabelSet{}}
	for _, labels := range []map[string]string{j.Labels, g.Labels} {
		for name, value := range labels {
			out.Labels[model.LabelName(name)] = model.LabelValue(value)
		}
	}
	for _, t := range g.Targets {
		out.Targets = append(out.Targets, model.LabelSet{model.AddressLabel: model.LabelValue(t)})
	}
	return out
}
