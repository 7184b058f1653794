// Package catalogue is the list of standard indicators that ships with Pitwall,
// as YAML files: one each, with formula, window, starting target and what to
// mind. It holds data only and knows nothing of how it is read.
package catalogue

import "embed"

// FS holds the catalogue, one entry in each .yaml file at its top.
//
//go:embed *.yaml
var FS embed.FS
