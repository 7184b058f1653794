package pyroscope

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
	"github.com/pitwall/pitwall/internal/source/remote"
)

// Requests counts what a service served. Version "" means any.
type Requests interface {
	Requests(service pitwall.ServiceName, version pitwall.Version, p pitwall.Period) int64
}

// Config of a Client. Only Server.URL is required. The tenant is the header
// X-Scope-OrgID in Server.Headers.
type Config struct {
	remote.Server
	// ServiceLabel and VersionLabel are what the server's series are told apart
	// by; "" means service_name and service_version.
	ServiceLabel, VersionLabel string
	// Window is how long one window is, at least; 0 means 30 s. SDKs push every
	// 10 to 15 s.
	Window time.Duration
	// MaxWindows is how many windows one question is split into, over all its
	// series; beyond, windows grow longer. 0 means 120.
	MaxWindows int
	// Parallel is how many requests run at once; 0 means 4.
	Parallel int
	// MaxAnswer bounds all answers to one question together; 0 means 256 MiB.
	MaxAnswer int64
	Requests  Requests // nil: never known
	// Probe is how often Run asks the server how it is; 0 means 15 s.
	Probe time.Duration
}

// Client reads one server. Windows are replicates, so a period is not asked for
// at once but cut into windows, each merged by the server over all instances.
// Its methods may be called by several goroutines.
type Client struct {
	c *remote.Client
	o Config

	mu   sync.Mutex // guards note
	note string     // what was left out of the last answer
}

var (
	_ pitwall.ProfileReader = (*Client)(nil)
	_ pitwall.Health        = (*Client)(nil)
)

const service = "/querier.v1.QuerierService/"

// New makes a client; nothing is sent before the first question.
func New(c Config) (*Client, error) {
	client, err := remote.New(c.Server, remote.About{
		Name: "pyroscope", Signal: pitwall.SignalProfiles, Blind: "profiles of services that push to Pyroscope: which functions grew dearer",
	})
	if err != nil {
		return nil, err
	}
	c.ServiceLabel = cmp.Or(c.ServiceLabel, "service_name")
	c.VersionLabel = cmp.Or(c.VersionLabel, "service_version")
	c.Window = cmp.Or(max(0, c.Window), 30*time.Second)
	c.MaxWindows = cmp.Or(max(0, c.MaxWindows), 120)
	c.Parallel = cmp.Or(max(0, c.Parallel), 4)
	c.MaxAnswer = cmp.Or(max(0, c.MaxAnswer), 256<<20)
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Client{c: client, o: c}, nil
}

// Run probes the server until ctx ends, so that Health is of the present.
func (c *Client) Run(ctx context.Context) error { return c.c.Watch(ctx, c.o.Probe, c.Probe) }

// Probe asks the server which profile types it has had of late.
func (c *Client) Probe(ctx context.Context) error {
	now := c.o.Now()
	var types struct {
		ProfileTypes []struct {
			ID string `json:"ID"`
		} `json:"profileTypes"`
	}
	p := pitwall.Period{From: now.Add(-time.Hour), To: now}
	if err := c.ask(ctx, "ProfileTypes", map[string]any{"start": millis(p.From), "end": millis(p.To)}, &types); err != nil {
		return err
	}
	c.c.Version(fmt.Sprintf("%d profile types in the last hour", len(types.ProfileTypes)))
	return nil
}

// Health says how the last request went. Nothing is sent.
func (c *Client) Health() []pitwall.SourceHealth {
	c.mu.Lock()
	note := c.note
	c.mu.Unlock()
	return []pitwall.SourceHealth{c.c.Health(note)}
}

// millis words a time as protobuf's JSON words 64-bit numbers.
func millis(t time.Time) string { return fmt.Sprint(t.UnixMilli()) }

// ask sends a question as JSON and reads the answer.
func (c *Client) ask(ctx context.Context, method string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return &pitwall.Error{Op: "asking pyroscope", Kind: pitwall.Internal, Err: err}
	}
	a, err := c.post(ctx, method, "application/json", body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(a.Bytes, answer); err != nil {
		return c.c.Unreadable(a, err)
	}
	return nil
}

func (c *Client) post(ctx context.Context, method, contentType string, body []byte) (remote.Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.c.URL(service+method).String(), bytes.NewReader(body))
	if err != nil {
		return remote.Answer{}, pitwall.Errorf(pitwall.Invalid, "asking pyroscope", "the request cannot be put into words")
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Connect-Protocol-Version", "1")
	a, err := c.c.Do(ctx, req)
	if err != nil {
		return a, err
	}
	if a.StatusCode != http.StatusOK {
		return a, c.c.Refused(a)
	}
	if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, contentType) {
		return a, c.c.Unreadable(a, fmt.Errorf("it came as %.60q, asked for was %s", got, contentType))
	}
	return a, nil
}

// Profiles gives windows that lie inside the period, oldest first, without those
// in which nothing was profiled. Instance is empty: the server merges over all. A
// period is required: without one, the answer would be all that the server has.
// Of what is held at one moment (heap, goroutines) the server adds up all it got
// in a window, so windows can be compared with each other only.
func (c *Client) Profiles(ctx context.Context, q pitwall.ProfileQuery) ([]pitwall.ProfileWindow, error) {
	if !q.Period.From.Before(q.Period.To) {
		e := pitwall.Errorf(pitwall.Invalid, "asking pyroscope", "the period has no length")
		e.Hint = "ask for a period that ends after it begins"
		return nil, e
	}
	// One request has its own timeout; many together must end as well.
	ctx, cancel := context.WithTimeout(ctx, 4*c.c.Timeout())
	defer cancel()
	list, err := c.streams(ctx, q)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	note := ""
	if len(list) > c.o.MaxWindows {
		note = fmt.Sprintf("%d series left out of the last answer: ask for one service", len(list)-c.o.MaxWindows)
		list = list[:c.o.MaxWindows]
	}
	c.mu.Lock()
	c.note = note
	c.mu.Unlock()
	periods := split(q.Period, c.o.Window, c.o.MaxWindows/len(list))
	found := make([]pitwall.ProfileWindow, len(list)*len(periods))
	var size atomic.Int64
	err = remote.Each(ctx, c.o.Parallel, len(found), func(ctx context.Context, i int) (err error) {
		found[i], err = c.window(ctx, list[i%len(list)], periods[i/len(list)], &size)
		return err
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(w pitwall.ProfileWindow) bool { return w.Data == nil }), nil
}

// split cuts a period into at most so many windows of equal length, in whole
// milliseconds, of at least the least length where the period allows it.
func split(p pitwall.Period, least time.Duration, most int) []pitwall.Period {
	n := max(1, min(int(p.Duration()/least), most))
	out := make([]pitwall.Period, n)
	edge := func(i int) time.Time {
		return p.From.Add(p.Duration() / time.Duration(n) * time.Duration(i)).Truncate(time.Millisecond)
	}
	for i := range out {
		out[i] = pitwall.Period{From: edge(i), To: edge(i + 1)}
	}
	out[0].From, out[n-1].To = p.From, p.To
	return out
}

// window fetches one window; without data when nothing was profiled in it. Its
// count of events, which says how sure its cost is, is a second profile there.
func (c *Client) window(ctx context.Context, s stream, p pitwall.Period, size *atomic.Int64) (pitwall.ProfileWindow, error) {
	w := pitwall.ProfileWindow{Service: s.service, Version: s.version, Type: s.typ, Period: p}
	ids := s.ids
	if s.typ != pitwall.ProfileMutex && s.typ != pitwall.ProfileBlock {
		ids = ids[:1] // the others say their sampling period
	}
	var parts [][]byte
	for _, id := range ids {
		part, err := c.merged(ctx, id, s, p, size)
		if err != nil {
			return w, err
		}
		if part == nil {
			return w, nil
		}
		parts = append(parts, part)
	}
	data, err := prof.Join(s.typ, parts)
	if err != nil {
		return w, fmt.Errorf("asking pyroscope: %s of %s: %w", s.ids[0], s.service, err)
	}
	w.Data = data
	if c.o.Requests != nil {
		w.Requests = c.o.Requests.Requests(s.service, s.version, p)
	}
	return w, nil
}

// merged asks for a window's profile in protobuf: the answer is pprof. nil means
// that there is none. The server takes both ends in.
func (c *Client) merged(ctx context.Context, id string, s stream, p pitwall.Period, size *atomic.Int64) ([]byte, error) {
	var body []byte
	for number, value := range []string{1: id, 2: c.selector(s.service, s.version, false)} {
		if number > 0 {
			body = protowire.AppendString(protowire.AppendTag(body, protowire.Number(number), protowire.BytesType), value)
		}
	}
	for number, at := range map[protowire.Number]int64{3: ceilMillis(p.From), 4: ceilMillis(p.To) - 1} {
		body = protowire.AppendVarint(protowire.AppendTag(body, number, protowire.VarintType), uint64(at))
	}
	a, err := c.post(ctx, "SelectMergeProfile", "application/proto", body)
	if err != nil {
		return nil, err
	}
	if size.Add(int64(len(a.Bytes))) > c.o.MaxAnswer {
		e := pitwall.Errorf(pitwall.Invalid, "asking pyroscope", "the answers are larger than %s together", pitwall.Bytes(c.o.MaxAnswer))
		e.Hint = "ask for a shorter period, or fewer windows"
		return nil, e
	}
	if len(a.Bytes) == 0 {
		return nil, nil
	}
	what, err := prof.Describe(a.Bytes)
	if err != nil {
		return nil, c.c.Unreadable(a, err)
	}
	if what.Samples == 0 {
		return nil, nil
	}
	return a.Bytes, nil
}

// ceilMillis is the first millisecond not before a time.
func ceilMillis(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }
