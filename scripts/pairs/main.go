// Command pairs records CPU profiles with known answers: a small service whose
// requests do ten kinds of work, under load, one kind at a time made dearer.
// In come a folder and how many sessions; out go one-second profiles and one
// index per session, in the layout of bench/diagnosis (profiles.json), with the
// factor and the function of each window added.
//
// A session is one process of the service with a mix of its own. Its windows
// come in random order, so that what else the machine does meets all variants
// alike. Windows of different sessions have nothing in common.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// variant is one build of the service: a step that costs a factor more.
type variant struct {
	Name    string  `json:"version"` // "a", "b" (unchanged), "s3x2"
	Step    int     `json:"step"`
	Factor  float64 `json:"factor"`
	Culprit string  `json:"culprit,omitempty"` // empty: unchanged
}

// window is one recorded profile.
type window struct {
	File     string    `json:"file"`
	Service  string    `json:"service"`
	Type     string    `json:"type"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Requests int64     `json:"requests"`
	variant
}

// plan is what to record.
type plan struct {
	out              string
	seed             uint64
	doubled, repeats int
}

func main() {
	var p plan
	isService := flag.Bool("serve", false, "be the service (the recorder starts it)")
	seed := flag.Uint64("seed", 1, "seed of the first session")
	sessions := flag.Int("sessions", 1, "how many sessions")
	flag.StringVar(&p.out, "out", "pairs", "folder to write to")
	flag.IntVar(&p.doubled, "doubled", 7, "steps doubled in a session")
	flag.IntVar(&p.repeats, "windows", 12, "windows of each variant")
	flag.Parse()
	if *isService {
		exitIf(serve(*seed))
		return
	}
	for i := range *sessions {
		p.seed = *seed + uint64(i)
		start := time.Now()
		exitIf(p.session())
		fmt.Printf("session %d: %s\n", p.seed, time.Since(start).Round(time.Second))
	}
}

func exitIf(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "pairs:", err)
		os.Exit(2)
	}
}

// session records one service.
func (p plan) session() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self, "-serve", "-seed", strconv.FormatUint(p.seed, 10))
	child.Env = append(os.Environ(), "GOMAXPROCS=1")
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		return err
	}
	out, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	defer func() { _ = in.Close(); _ = child.Wait() }()
	line := make([]byte, 64)
	n, err := out.Read(line)
	if err != nil {
		return fmt.Errorf("reading the service's address: %w", err)
	}
	url := "http://" + strings.TrimSpace(string(line[:n]))
	stop := load(url, p.seed)
	defer stop()
	return p.record(url)
}

// load sends requests over eight connections, each as fast as it is answered,
// until stopped.
func load(url string, seed uint64) (stop func()) {
	done := make(chan struct{})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	paths := []string{"/basket", "/search", "/orders", "/offers"}
	for c := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 1+c))
		go func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				res, err := client.Get(url + paths[rng.IntN(len(paths))])
				if err != nil {
					time.Sleep(10 * time.Millisecond)
					continue
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		}()
	}
	return func() { close(done) }
}

// record takes every variant's windows in random order and writes them down.
func (p plan) record(url string) error {
	var m mix
	if err := getJSON(url+"/mix", &m); err != nil {
		return err
	}
	dir := filepath.Join(p.out, fmt.Sprintf("session-%03d", p.seed))
	if err := os.MkdirAll(filepath.Join(dir, "profiles"), 0o755); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(p.seed, 99))
	variants := []variant{{Name: "a", Factor: 1}, {Name: "b", Factor: 1}}
	for n, i := range rng.Perm(len(m.Steps))[:p.doubled+1] {
		factor := 2.0
		if n == p.doubled {
			factor = 1.3
		}
		variants = append(variants, variant{Name: fmt.Sprintf("s%dx%.1f", i, factor), Step: i, Factor: factor, Culprit: m.Steps[i].Culprit})
	}
	var list []window
	for range p.repeats {
		for _, v := range rng.Perm(len(variants)) {
			win, err := take(url, variants[v], filepath.Join(dir, "profiles"), len(list))
			if err != nil {
				return err
			}
			list = append(list, win)
		}
	}
	for name, what := range map[string]any{"profiles.json": list, "mix.json": m} {
		data, err := json.MarshalIndent(what, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func take(url string, v variant, dir string, n int) (window, error) {
	win := window{File: fmt.Sprintf("profiles/w%03d_%s.pb.gz", n, v.Name), Service: "pairs", Type: "cpu", variant: v, From: time.Now().UTC()}
	res, err := http.Get(fmt.Sprintf("%s/window?step=%d&factor=%g", url, v.Step, v.Factor))
	if err != nil {
		return win, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return win, fmt.Errorf("window %d: %s %s %w", n, res.Status, data, err)
	}
	win.To = win.From.Add(time.Second)
	if win.Requests, err = strconv.ParseInt(res.Header.Get("Requests"), 10, 64); err != nil {
		return win, err
	}
	return win, os.WriteFile(filepath.Join(dir, filepath.Base(win.File)), data, 0o644)
}

func getJSON(url string, into any) error {
	res, err := http.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(into)
}
