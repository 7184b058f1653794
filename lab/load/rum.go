package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"sync"
	"time"

	"github.com/pitwall/pitwall/lab/shop"
)

// rumShare of checkouts report from the browser.
const rumShare = 0.25

// Beacon is one page view as the browser measured it; milliseconds.
type Beacon struct {
	Time     time.Time `json:"time"`
	Page     string    `json:"page"`
	Session  string    `json:"session"`
	TraceID  string    `json:"trace_id"`
	TTFB     float64   `json:"ttfb_ms"`
	Response float64   `json:"response_ms"` // to the last byte
	Render   float64   `json:"render_ms"`   // the device's own work
	LCP      float64   `json:"lcp_ms"`      // response + render
	INP      float64   `json:"inp_ms"`      // redrawing one line after a click
}

// Beacons renders answers as a browser would and reports in batches.
type Beacons struct {
	url  string
	page *template.Template
	row  *template.Template
	now  func() time.Time

	mu      sync.Mutex
	waiting []Beacon
}

// maxWaiting beacons are kept while the receiver is down; older ones go first,
// as a browser's queue would drop them.
const maxWaiting = 4096

const pageHTML = `<!doctype html><title>Thank you</title><main><h1>Order {{.OrderID}}</h1>
{{range $i := .Sections}}<section id="s{{$i}}">{{range $.Lines}}<article data-sku="{{.SKU}}"><h2>{{.Name}}</h2>
<p>{{.Qty}} × {{.Cents}}</p><a href="/item?sku={{.SKU}}">again</a></article>{{end}}</section>{{end}}</main>`

const rowHTML = `<article data-sku="{{.SKU}}"><h2>{{.Name}}</h2><p>{{.Qty}} × {{.Cents}}</p></article>`

// pageSections is how often the page shows the cart: summary, invoice,
// delivery, recommendations. It makes the render a few real milliseconds.
const pageSections = 24

// NewBeacons posts to url; "" measures nothing.
func NewBeacons(url string) (*Beacons, error) {
	page, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("parsing page: %w", err)
	}
	row, err := template.New("row").Parse(rowHTML)
	if err != nil {
		return nil, fmt.Errorf("parsing row: %w", err)
	}
	return &Beacons{url: url, page: page, row: row, now: time.Now}, nil
}

// Render does the browser's work for one answer and queues its beacon.
func (b *Beacons) Render(a Arrival, seen answerSeen, intended, done time.Time) {
	if b.url == "" {
		return
	}
	var conf shop.Confirmation
	render, err := deviceTime(func() error {
		if err := json.Unmarshal(seen.body, &conf); err != nil {
			return err
		}
		sections := make([]int, pageSections)
		for i := range sections {
			sections[i] = i
		}
		return b.page.Execute(&bytes.Buffer{}, struct {
			shop.Confirmation
			Sections []int
		}{conf, sections})
	})
	if err != nil || len(conf.Lines) == 0 {
		return // a page that cannot be drawn sends no beacon
	}
	inp, err := deviceTime(func() error { return b.row.Execute(&bytes.Buffer{}, conf.Lines[0]) })
	if err != nil {
		return
	}
	response := ms(done.Sub(intended))
	b.add(Beacon{
		Time: done.UTC(), Page: "/checkout", Session: fmt.Sprintf("s-%04d", a.User), TraceID: seen.traceID,
		TTFB: ms(seen.first.Sub(intended)), Response: response, Render: ms(render), LCP: response + ms(render), INP: ms(inp),
	})
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func (b *Beacons) add(x Beacon) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, x)
	if over := len(b.waiting) - maxWaiting; over > 0 {
		b.waiting = b.waiting[over:]
	}
}

// Run posts a batch each second until ctx ends.
func (b *Beacons) Run(ctx context.Context) {
	if b.url == "" {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.flush(ctx)
		}
	}
}

// flush posts what waits; a batch that was not taken waits for the next tick.
func (b *Beacons) flush(ctx context.Context) {
	b.mu.Lock()
	batch := b.waiting
	b.waiting = nil
	b.mu.Unlock()
	if len(batch) == 0 || b.post(ctx, batch) == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(batch, b.waiting...)
	if over := len(b.waiting) - maxWaiting; over > 0 {
		b.waiting = b.waiting[over:]
	}
}

func (b *Beacons) post(ctx context.Context, batch []Beacon) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	body, err := json.Marshal(batch)
	if err != nil {
		return fmt.Errorf("encoding beacons: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode >= 500 {
		return fmt.Errorf("receiver answered %s", res.Status)
	}
	return nil
}
