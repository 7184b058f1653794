package config

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// Origin says where a value came from: "default", "pitwall.yaml:12",
// "env PITWALL_DATA_DIR" or "flag --data".
type Origin string

const (
	readOp = "reading configuration"
	where  = "see docs/reference/config.md"
)

// Load reads a configuration: the defaults, then the file (none if path is
// empty), then the environment. Flags come last, through Set and Check.
func Load(path string, env func(string) string) (Config, error) {
	c := Default()
	c.Origins = map[string]Origin{}
	keys := Keys()
	for _, key := range keys {
		c.Origins[key] = "default"
	}
	if path != "" {
		if err := c.file(path); err != nil {
			return c, err
		}
	}
	for _, key := range keys {
		if text := env(EnvName(key)); text != "" && lists()[key] == nil {
			if err := c.Set(key, text, Origin("env "+EnvName(key))); err != nil {
				return c, err
			}
		}
	}
	return c, c.Check()
}

// Keys lists every key in the order of the documentation.
func Keys() []string {
	var n yaml.Node
	if n.Encode(Default()) != nil {
		return nil
	}
	var keys []string
	flatten(&n, "", func(key string, _ *yaml.Node) { keys = append(keys, key) })
	return keys
}

// Values gives every value in effect as it would be written, by key.
func (c Config) Values() map[string]string {
	values := map[string]string{}
	var n yaml.Node
	if n.Encode(c) != nil {
		return values
	}
	flatten(&n, "", func(key string, v *yaml.Node) {
		values[key] = v.Value
		if v.Kind != yaml.SequenceNode {
			return
		}
		if v.Style = yaml.FlowStyle; len(v.Content) > 0 {
			if text, err := yaml.Marshal(v); err == nil {
				values[key] = strings.TrimSpace(string(text))
			}
		}
	})
	return values
}

// flatten visits every key that holds a value or a list, with its node.
func flatten(n *yaml.Node, prefix string, visit func(key string, value *yaml.Node)) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := prefix+n.Content[i].Value, n.Content[i+1]
		if value.Kind == yaml.MappingNode {
			flatten(value, key+".", visit)
			continue
		}
		visit(key, value)
	}
}

// EnvName is the environment variable of a key.
func EnvName(key string) string {
	return "PITWALL_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// Set overrides one value, such as from a flag. Lists are separated by commas.
func (c *Config) Set(key, text string, from Origin) error {
	wrong := func(err error) error {
		return &pitwall.Error{Op: readOp, Kind: pitwall.Invalid, ID: string(from), Err: err, Hint: where}
	}
	keys := Keys()
	if !slices.Contains(keys, key) {
		return wrong(fmt.Errorf("unknown key %q%s", key, strict.Nearest(key, keys)))
	}
	value := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if slices.Contains([]string{"slos", "target.services", "synthetics", "profiles.types"}, key) {
		value = &yaml.Node{}
		if err := value.Encode(strings.Split(text, ",")); err != nil {
			return wrong(err)
		}
	}
	for _, part := range slices.Backward(strings.Split(key, ".")) {
		value = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: part}, value}}
	}
	if err := c.take(value); err != nil {
		_, text := explain(err)
		return wrong(fmt.Errorf("%s: %s", key, text))
	}
	c.Origins[key] = from
	return nil
}

// Check validates the whole, and names the origin of the value at fault. Call
// it again after the last Set.
func (c *Config) Check() error {
	if key, err := c.validate(); err != nil {
		return &pitwall.Error{Op: readOp, Kind: pitwall.Invalid, ID: string(c.Origins[key]), Err: fmt.Errorf("%s: %w", key, err), Hint: where}
	}
	return nil
}

func (c *Config) file(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return &pitwall.Error{Op: readOp, Kind: pitwall.NotFound, ID: path, Err: err, Hint: "name another file with --config"}
	}
	doc := strict.Doc{Op: readOp, File: path, Hint: where}
	nodes, err := doc.Nodes(data)
	switch {
	case err != nil:
		return err
	case len(nodes) == 0:
		return nil // nothing but comments: the defaults hold
	case len(nodes) > 1:
		return doc.Wrong(nodes[1].Line, "", "only one document is read")
	}
	if err := c.take(nodes[0]); err != nil {
		line, text := explain(err)
		return doc.Wrong(line, "", "%s", text)
	}
	flatten(nodes[0], "", func(key string, v *yaml.Node) {
		if v.ShortTag() != "!!null" {
			c.Origins[key] = Origin(fmt.Sprintf("%s:%d", path, v.Line))
		}
	})
	c.resolve(path)
	return nil
}

// take reads a YAML mapping over what is set so far.
func (c *Config) take(n *yaml.Node) error {
	keys := Keys()
	var trouble error
	flatten(n, "", func(key string, v *yaml.Node) {
		if trouble == nil {
			trouble = known(key, v, keys)
		}
	})
	if trouble != nil {
		return trouble
	}
	return n.Decode(c)
}

// known refuses an unknown key.
func known(key string, v *yaml.Node, keys []string) error {
	section := slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, key+".") })
	if section && v.ShortTag() == "!!null" {
		return nil
	}
	if !slices.Contains(keys, key) {
		return fmt.Errorf("line %d: unknown field %q%s", v.Line, key, strict.Nearest(key, keys))
	}
	for _, item := range v.Content {
		fields, structured := lists()[key]
		if !structured {
			break
		}
		full := make([]string, len(fields))
		for i, f := range fields {
			full[i] = key + "." + f
		}
		for i := 0; i+1 < len(item.Content); i += 2 {
			if k := item.Content[i]; !slices.Contains(fields, k.Value) {
				return fmt.Errorf("line %d: unknown field %q%s", k.Line, key+"."+k.Value, strict.Nearest(key+"."+k.Value, full))
			}
			if err := writeOutDays(key, item.Content[i+1], slices.Contains([]string{"interval", "timeout"}, item.Content[i].Value)); err != nil {
				return err
			}
		}
	}
	return writeOutDays(key, v, isDuration(key))
}

// lists are the keys whose items have fields of their own; they can only be set
// in the file.
func lists() map[string][]string {
	return map[string][]string{
		"services":         {"name", "owner", "tier"},
		"metrics.scrape":   {"job", "service", "file_sd", "targets", "interval", "timeout", "path", "scheme", "token_file"},
		"changes.services": {"source", "service"},
		"kpis":             {"name", "query", "unit", "better", "service"},
	}
}

// writeOutDays writes days as hours, which the YAML library knows.
func writeOutDays(key string, v *yaml.Node, duration bool) error {
	head, rest, days := strings.Cut(v.Value, "d")
	if whole, err := strconv.ParseUint(head, 10, 16); err == nil && days && duration {
		part, err := time.ParseDuration(cmp.Or(rest, "0s"))
		if err != nil {
			return fmt.Errorf("line %d: %s: %q is not a duration such as 90s, 15m or 1d12h", v.Line, key, v.Value)
		}
		v.Value = (time.Duration(whole)*24*time.Hour + part).String()
	}
	return nil
}

// isDuration says whether a key's default is a duration; none of them is zero.
func isDuration(key string) (yes bool) {
	var n yaml.Node
	if n.Encode(Default()) != nil {
		return false
	}
	flatten(&n, "", func(k string, v *yaml.Node) {
		if _, err := time.ParseDuration(v.Value); err == nil && k == key && v.ShortTag() == "!!str" {
			yes = true
		}
	})
	return yes
}

// resolve makes the paths that came from the file relative to it.
func (c *Config) resolve(path string) {
	paths := map[string]*string{
		"data_dir": &c.DataDir, "policy": &c.Policy, "alerting.routes": &c.Alerting.Routes, "playbooks": &c.Playbooks, "profiles.file_sd": &c.Profiles.FileSD,
		"changes.secret_file": &c.Changes.SecretFile, "changes.github.secret_file": &c.Changes.GitHub.SecretFile,
		"changes.argocd.token_file": &c.Changes.ArgoCD.TokenFile, "changes.flagger.token_file": &c.Changes.Flagger.TokenFile,
		"changes.alertmanager.token_file": &c.Changes.Alertmanager.TokenFile, "secrets": &c.Secrets,
		"target.token_file": &c.Target.TokenFile, "enforce.repository": &c.Enforce.Repository,
	}
	join := func(p *string) {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(filepath.Dir(path), *p)
		}
	}
	for name, r := range map[string]*Remote{"prometheus": &c.Sources.Prometheus, "tempo": &c.Sources.Tempo, "jaeger": &c.Sources.Jaeger, "pyroscope": &c.Sources.Pyroscope} {
		for key, p := range map[string]*string{"token_file": &r.TokenFile, "password_file": &r.PasswordFile, "ca_file": &r.CAFile} {
			paths["sources."+name+"."+key] = p
		}
	}
	for key, p := range paths {
		if c.Origins[key] != "default" {
			join(p)
		}
	}
	for _, list := range [][]string{c.SLOs, c.Synthetics} {
		for i := range list {
			join(&list[i])
		}
	}
	for i := range c.Metrics.Scrape {
		join(&c.Metrics.Scrape[i].FileSD)
		join(&c.Metrics.Scrape[i].TokenFile)
	}
}

// explain turns an error of the YAML library into a line and words.
func explain(err error) (line int, text string) {
	line, text = strict.Explain(err)
	if strings.HasSuffix(text, "into time.Duration") {
		text += "; write 90s, 15m or 1d"
	}
	return line, text
}
