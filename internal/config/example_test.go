package config_test

import (
	"fmt"

	"github.com/pitwall/pitwall/internal/config"
)

// Defaults, then the environment, then a flag; each value knows its origin.
func Example() {
	c, err := config.Load("", func(name string) string {
		return map[string]string{"PITWALL_ENGINE_DEADLINE": "2d"}[name]
	})
	if err == nil {
		err = c.Set("data_dir", "/var/lib/pitwall", "flag --data")
	}
	if err == nil {
		err = c.Check()
	}
	fmt.Println(err)
	for _, key := range []string{"data_dir", "engine.deadline", "engine.tick"} {
		fmt.Println(key, "from", c.Origins[key])
	}
	fmt.Println(c.Engine.Deadline)
	// Output:
	// <nil>
	// data_dir from flag --data
	// engine.deadline from env PITWALL_ENGINE_DEADLINE
	// engine.tick from default
	// 48h0m0s
}
