package pprof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/pitwall/pitwall"
)

// endpoint is one process to scrape.
type endpoint struct {
	address  string // host:port
	service  pitwall.ServiceName
	version  pitwall.Version
	instance string
}

// group is one entry of a file_sd file.
type group struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// readTargets reads the file; a nil list means that it still has the content
// last, an empty one that it names nobody.
func readTargets(path string, last []byte) (content []byte, list []endpoint, err error) {
	content, err = os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading targets file: %w", err)
	}
	if last != nil && bytes.Equal(content, last) {
		return content, nil, nil
	}
	list, err = parseTargets(content)
	if err != nil {
		return nil, nil, fmt.Errorf("reading targets file %s: %w", path, err)
	}
	return content, list, nil
}

// parseTargets takes the first of several entries with the same address: a
// process can be profiled only once at a time.
func parseTargets(content []byte) ([]endpoint, error) {
	var groups []group
	if err := json.Unmarshal(content, &groups); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line := 1 + bytes.Count(content[:min(syntax.Offset, int64(len(content)))], []byte("\n"))
			return nil, fmt.Errorf("line %d: not a JSON list of target groups: %w", line, err)
		}
		return nil, fmt.Errorf("not a JSON list of target groups: %w", err)
	}
	list, seen := []endpoint{}, map[string]bool{}
	for i, g := range groups {
		service := g.Labels["service"]
		if service == "" {
			return nil, fmt.Errorf(`group %d: no label "service"`, i+1)
		}
		for _, address := range g.Targets {
			if _, _, err := net.SplitHostPort(address); err != nil {
				return nil, fmt.Errorf("group %d: target %q is not host:port", i+1, address)
			}
			if seen[address] {
				continue
			}
			seen[address] = true
			instance := g.Labels["instance"]
			if instance == "" {
				instance = address
			}
			list = append(list, endpoint{address, pitwall.ServiceName(service), pitwall.Version(g.Labels["version"]), instance})
		}
	}
	return list, nil
}
