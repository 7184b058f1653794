package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

// Bounds of questions asked by hand: how many are worked on at a time, how many
// different ones wait for that, how many answers are kept, and for how long, so
// that printing what one sees does not ask again. A question takes seconds: the
// last of 16 that wait is answered in about the time an answer may take.
const (
	askedAtOnce  = 2
	askedWaiting = 16
	answersKept  = 16
	answersStand = 2 * time.Minute
	askAgain     = 10 * time.Second // one that is worked on is answered by then, as a rule
)

// errBusy is why a question is not taken now. It is a matter of seconds.
var errBusy = errors.New("too many other questions wait to be answered")

// inquiries are the questions being worked on and those just answered. The same
// question asked twice is worked on once; one that nobody waits for is stopped.
type inquiries struct {
	work  func(context.Context, AskDiagnosis) (pitwall.Diagnosis, error)
	now   func() time.Time
	log   *slog.Logger
	slots chan struct{}

	mu   sync.Mutex
	list []*inquiry // the oldest first
	open int        // that wait or are worked on; work that nobody waits for counts until it stops
}

// inquiry is one question. All but done is guarded by the list's lock.
type inquiry struct {
	key     string
	cancel  context.CancelFunc
	done    chan struct{} // closed when answered
	waiting int           // how many wait for it
	running bool
	left    bool // it is not counted as open any more
	words   string
	since   time.Time
	at      time.Time // when it was answered; zero: not yet
	answer  pitwall.Diagnosis
	err     error
}

func newInquiries(c Config) *inquiries {
	return &inquiries{work: c.Diagnosing.Ask, now: c.Now, log: c.Log, slots: make(chan struct{}, askedAtOnce)}
}

// key tells questions apart.
func (q AskDiagnosis) key() string {
	at := func(p pitwall.Period) string { return fmt.Sprint(p.From.UnixNano(), p.To.UnixNano()) }
	return strings.Join([]string{string(q.Service), q.Operation, string(q.Signal), at(q.Window), at(q.Baseline)}, "\x00")
}

// ask gives the answer to a question and when it was found. It returns early
// with ctx's error; the work stops when the last who waited is gone. A new
// question is refused, as Unavailable, where too many wait already.
func (l *inquiries) ask(ctx context.Context, q AskDiagnosis) (pitwall.Diagnosis, time.Time, error) {
	i, err := l.join(q)
	if err != nil {
		return pitwall.Diagnosis{}, time.Time{}, err
	}
	select {
	case <-i.done:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i.waiting--
	if !i.at.IsZero() {
		return i.answer, i.at, i.err
	}
	if i.waiting == 0 {
		i.cancel()
		l.drop(i)
		if !i.running {
			l.leave(i)
		}
	}
	return pitwall.Diagnosis{}, time.Time{}, ctx.Err()
}

// join finds the question among those being asked or just answered, or begins it
// where there is room.
func (l *inquiries) join(q AskDiagnosis) (*inquiry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget()
	if i := l.find(q.key()); i != nil {
		i.waiting++
		return i, nil
	}
	if l.open >= askedAtOnce+askedWaiting {
		return nil, &pitwall.Error{Op: "asking for a diagnosis", Kind: pitwall.Unavailable, ID: string(q.Service), Err: errBusy, Hint: "ask again in " + askAgain.String()}
	}
	ctx, cancel := context.WithCancel(context.Background())
	i := &inquiry{key: q.key(), cancel: cancel, done: make(chan struct{}), waiting: 1, words: "waiting for another question to be answered", since: l.now()}
	l.list, l.open = append(l.list, i), l.open+1
	go l.run(ctx, i, q)
	return i, nil
}

func (l *inquiries) find(key string) *inquiry {
	for _, i := range l.list {
		if i.key == key {
			return i
		}
	}
	return nil
}

// leave makes the room of a question free.
func (l *inquiries) leave(i *inquiry) {
	if !i.left {
		i.left, l.open = true, l.open-1
	}
}

func (l *inquiries) drop(gone *inquiry) {
	l.list = slices.DeleteFunc(l.list, func(i *inquiry) bool { return i == gone })
}

// forget drops answers that are old, that are too many, or that were troubles.
func (l *inquiries) forget() {
	answered, now := 0, l.now()
	for n := len(l.list) - 1; n >= 0; n-- {
		i := l.list[n]
		if i.at.IsZero() {
			continue
		}
		if answered++; answered > answersKept || i.err != nil || now.Sub(i.at) > answersStand {
			l.list = slices.Delete(l.list, n, n+1)
		}
	}
}

// run works on one question, once there is room for it.
func (l *inquiries) run(ctx context.Context, i *inquiry, q AskDiagnosis) {
	defer i.cancel()
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done(): // nobody waits, so nobody asks for an answer
		return
	}
	say := func(words string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		i.running, i.words = true, words
	}
	say("beginning")
	q.Say = say
	answer, err := l.answer(ctx, q)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave(i)
	i.answer, i.err, i.at = answer, err, l.now()
	close(i.done)
}

// answer keeps a defect in the work from ending the process: it runs outside of
// any request.
func (l *inquiries) answer(ctx context.Context, q AskDiagnosis) (d pitwall.Diagnosis, err error) {
	defer func() {
		if p := recover(); p != nil {
			l.log.Error("Diagnosis panicked", "service", q.Service, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = pitwall.Errorf(pitwall.Internal, "diagnosing", "a defect of ours; it is in the log")
		}
	}()
	return l.work(ctx, q)
}

// progress says how far a question is.
func (l *inquiries) progress(q AskDiagnosis) progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := progress{Schema: "pitwall.progress/1", State: "none"}
	i := l.find(q.key())
	if i == nil || !i.at.IsZero() {
		return p
	}
	p.State, p.Text, p.Since = "waiting", i.words, i.since
	if i.running {
		p.State = "running"
	}
	return p
}
