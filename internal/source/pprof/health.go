package pprof

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/pitwall/pitwall"
)

// note records that the target does not answer as it should.
func (t *target) note(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.health.Up, t.health.Message = false, err.Error()
}

// complain records trouble, or that there is none, that leaves the target up.
func (t *target) complain(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.aside = ""
	if err != nil {
		t.aside = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
}

// rejected records a window that was scraped and then lost.
func (t *target) rejected(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.health.Rejected++
	t.health.Message = err.Error()
}

// recorded notes whether the process records a type at all.
func (t *target) recorded(typ pitwall.ProfileType, yes bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.empty[typ] = !yes
}

// switches (read-only) tell what makes a process record a type.
var switches = map[pitwall.ProfileType]string{
	pitwall.ProfileMutex: "call runtime.SetMutexProfileFraction",
	pitwall.ProfileBlock: "call runtime.SetBlockProfileRate",
	pitwall.ProfileAlloc: "runtime.MemProfileRate is 0",
}

func (t *target) state() pitwall.SourceHealth {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.health
	if !h.Up {
		h.Blind = fmt.Sprintf("which functions of %s grew dearer", t.service)
		return h
	}
	var says []string
	for _, trouble := range []string{h.Message, t.aside} {
		if trouble != "" {
			says = append(says, trouble)
		}
	}
	for _, typ := range pitwall.ProfileTypes() {
		if t.empty[typ] {
			says = append(says, fmt.Sprintf("%s: empty; %s", typ, switches[typ]))
		}
	}
	h.Message = strings.Join(says, "; ")
	if t.empty[pitwall.ProfileMutex] || t.empty[pitwall.ProfileBlock] {
		h.Blind = fmt.Sprintf("which locks %s waits for", t.service)
	}
	return h
}

// withoutURL takes the address, which the health's name tells, out of an error.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// remedy says what to do about a target that does not answer.
func remedy(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "it hangs, or is too busy to answer: look at the process"
	}
	return "check that the process runs and its address in the targets file"
}
