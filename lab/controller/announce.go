package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Announcer posts changes to a receiver, in order, until each is accepted.
type Announcer struct {
	url   string
	queue chan Change
	fail  func(error)
}

// NewAnnouncer returns an announcer for url; "" drops everything. fail hears
// of attempts that did not work, which are then repeated.
func NewAnnouncer(url string, fail func(error)) *Announcer {
	return &Announcer{url: url, queue: make(chan Change, 1024), fail: fail}
}

// Announce queues a change without waiting. The queue is far longer than a
// story; beyond it changes are dropped, and fail hears of it.
func (a *Announcer) Announce(c Change) {
	if a.url == "" {
		return
	}
	select {
	case a.queue <- c:
	default:
		a.fail(fmt.Errorf("announcing change %s: the queue is full", c.ID))
	}
}

// Run posts until ctx ends. The receiver may be down for a while: the waits
// grow from 100 ms to one second.
func (a *Announcer) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-a.queue:
			a.deliver(ctx, c)
		}
	}
}

func (a *Announcer) deliver(ctx context.Context, c Change) {
	wait := 100 * time.Millisecond
	for {
		again, err := a.post(ctx, c)
		if err == nil {
			return
		}
		a.fail(err)
		if !again {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			wait = min(2*wait, time.Second)
		}
	}
}

// post sends once. again says whether another try may help.
func (a *Announcer) post(ctx context.Context, c Change) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	body, err := json.Marshal(c)
	if err != nil {
		return false, fmt.Errorf("encoding change %s: %w", c.ID, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, bytes.NewReader(body))
	if err != nil {
		return false, fmt.Errorf("announcing change %s: %w", c.ID, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", c.ID)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return true, fmt.Errorf("announcing change %s: %w", c.ID, err)
	}
	_ = res.Body.Close()
	switch {
	case res.StatusCode < 300:
		return false, nil
	case res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests:
		return true, fmt.Errorf("announcing change %s: receiver answered %s", c.ID, res.Status)
	default:
		return false, fmt.Errorf("announcing change %s: receiver refused with %s", c.ID, res.Status)
	}
}
