// Package playbooks is the catalogue that ships with Pitwall, as YAML files. It
// holds data only and knows nothing of how it is read.
package playbooks

import "embed"

// FS holds the catalogue, one playbook in each .yaml file at its top.
//
//go:embed *.yaml
var FS embed.FS
