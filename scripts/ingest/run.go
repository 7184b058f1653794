package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// run starts a server on an empty directory, sends, waits until it is idle, and
// counts.
func run(binary string, s setup, spans, senders int) (r result, err error) {
	dir, err := os.MkdirTemp("", "pitwall-ingest-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	var ports []string
	for range 3 {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return r, err
		}
		ports = append(ports, lis.Addr().String())
		defer lis.Close()
		_ = lis.Close()
	}
	conf := fmt.Sprintf("listen: {http: %q, otlp_http: %q, otlp_grpc: %q}\ndata_dir: data\n%s", ports[0], ports[1], ports[2], s.config)
	if err := os.WriteFile(filepath.Join(dir, "pitwall.yaml"), []byte(conf), 0o600); err != nil {
		return r, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return r, err
	}
	defer log.Close()
	cmd := exec.Command(binary, "serve", "--config", filepath.Join(dir, "pitwall.yaml"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return r, err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	if err := ready("http://" + ports[0] + "/readyz"); err != nil {
		text, _ := os.ReadFile(log.Name())
		return r, fmt.Errorf("%s does not start: %w\n%s", binary, err, text)
	}
	pid := cmd.Process.Pid
	before := cpu(pid)
	began := time.Now()
	refused, err := send("http://"+ports[1]+"/v1/traces", s.gzip, spans/spansPerBody, senders)
	if err != nil {
		return r, err
	}
	r.wall, r.refused = time.Since(began).Seconds(), refused
	drain(pid)
	r.cpu = cpu(pid) - before
	r.spans = spans / spansPerBody * spansPerBody
	if err := counted("http://"+ports[0], int64(r.spans)); err != nil {
		return r, err
	}
	r.rss, r.peak = memory(pid, "VmRSS"), memory(pid, "VmHWM")
	r.disk = float64(size(filepath.Join(dir, "data", "spans"))) / float64(r.spans)
	return r, nil
}

// counted asks the server what the spans add up to: a fast server that lost some
// is no fast server. A binary that cannot tell is not asked twice.
func counted(server string, want int64) error {
	res, err := http.Get(server + "/api/v1/operations?since=1h&limit=10000")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return nil
	}
	var answer struct {
		Operations []struct{ Count int64 }
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return err
	}
	got := int64(0)
	for _, o := range answer.Operations {
		got += o.Count
	}
	if got != want {
		return fmt.Errorf("%d spans were acknowledged, the server counts %d", want, got)
	}
	return nil
}

func ready(url string) error {
	for range 200 {
		if res, err := http.Get(url); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("not ready after ten seconds")
}

// send posts the bodies over some connections; what is refused for now is sent
// again, as an SDK would.
func send(url string, zip bool, bodies, senders int) (refused int, err error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var next, again atomic.Int64
	var wg sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	for k := range senders {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(uint64(k), 1))
			b := makeBody(r, time.Now().UnixNano())
			var zipped bytes.Buffer
			w := gzip.NewWriter(&zipped)
			for ctx.Err() == nil {
				n := next.Add(1)
				if n > int64(bodies) {
					return
				}
				b.patch(uint64(n))
				data := b.data
				if zip {
					zipped.Reset()
					w.Reset(&zipped)
					_, _ = w.Write(b.data)
					_ = w.Close()
					data = zipped.Bytes()
				}
				for {
					status, err := post(ctx, client, url, data, zip)
					if err != nil {
						cancel(err)
						return
					}
					if status == http.StatusOK {
						break
					}
					if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
						cancel(fmt.Errorf("status %d", status))
						return
					}
					again.Add(1)
					time.Sleep(50 * time.Millisecond)
				}
			}
		}()
	}
	wg.Wait()
	return int(again.Load()), context.Cause(ctx)
}

func post(ctx context.Context, client *http.Client, url string, data []byte, zip bool) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if zip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Body.Close()
}

// drain waits until the server has used next to nothing for three seconds.
func drain(pid int) {
	for range 60 {
		before := cpu(pid)
		time.Sleep(3 * time.Second)
		if cpu(pid)-before < 0.06 {
			return
		}
	}
}

// cpu is user and system seconds of a process, from /proc.
func cpu(pid int) float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100
}

// memory is a line of /proc/PID/status, in MB.
func memory(pid int, name string) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

func size(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}
