package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/pitwall/pitwall/lab/telemetry"
)

const (
	memoryEvery  = 250 * time.Millisecond // how often the platform looks
	restartAfter = time.Second            // between a kill and the new container
)

// limitMemory is the platform's part: a container that outgrows its limit is
// killed at once, and started again a moment later.
func (d *director) limitMemory(ctx context.Context) {
	if len(d.stage.memory) == 0 {
		return
	}
	for d.until(ctx, time.Now(), d.unpaced(memoryEvery)) {
		for _, l := range d.world.running() {
			limit := int64(d.stage.memory[l.Service]) << 20
			if limit == 0 || telemetry.Resident(l.PID) <= limit || !d.family.kill(l.PID) {
				continue
			}
			d.say(event{Event: "memory-killed", Service: l.Service, Version: l.Version, Summary: fmt.Sprintf("more than %d MiB", limit>>20)})
			if !d.until(ctx, time.Now(), d.unpaced(restartAfter)) {
				return
			}
			if err := d.ctrl.Renew(ctx, l.Service, l.Version, d.world.config(l.Service, l.Version)); err != nil && ctx.Err() == nil {
				fmt.Fprintln(d.stderr, "pitwall lab:", err)
			}
		}
	}
}

// unpaced is a length of real time in story time: machines do not hurry.
func (d *director) unpaced(t time.Duration) time.Duration {
	return time.Duration(float64(t) * d.opt.pace)
}
