package outside

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitwall/pitwall/lab/shop"
)

// neighbor computes for somebody else.
type neighbor struct {
	threads atomic.Int64 // how many compute now
}

// Neighbor waits until ctx ends. PUT /threads/{n} has n threads of it compute
// on the processors it may use.
func Neighbor(ctx context.Context, most int, stdout io.Writer) error {
	runtime.GOMAXPROCS(most + 1) // each computing thread wants one for itself
	n := &neighbor{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /threads/{n}", func(w http.ResponseWriter, r *http.Request) {
		want, err := strconv.Atoi(r.PathValue("n"))
		if err != nil || want < 0 || want > most {
			http.Error(w, fmt.Sprintf(`{"error":"choose 0 to %d threads"}`, most), http.StatusUnprocessableEntity)
			return
		}
		n.threads.Store(int64(want))
		w.WriteHeader(http.StatusNoContent)
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() { _ = srv.Close() }()
	wg.Go(func() { _ = srv.Serve(l) }) // ends with Close
	for i := range most {
		wg.Go(func() { n.compute(ctx, int64(i)) })
	}
	said := shop.Listening{
		Time: time.Now().UTC(), Event: "listening", Msg: "listening on " + l.Addr().String(), Service: "neighbor", Addr: l.Addr().String(), PID: os.Getpid(),
	}
	if err := json.NewEncoder(stdout).Encode(said); err != nil {
		return fmt.Errorf("announcing address: %w", err)
	}
	<-ctx.Done()
	return nil
}

// compute hashes while its number is among those that shall.
func (n *neighbor) compute(ctx context.Context, number int64) {
	runtime.LockOSThread()
	block := make([]byte, 64<<10)
	idle := time.NewTicker(50 * time.Millisecond)
	defer idle.Stop()
	for ctx.Err() == nil {
		if number >= n.threads.Load() {
			select {
			case <-ctx.Done():
			case <-idle.C:
			}
			continue
		}
		sum := sha256.Sum256(block)
		copy(block, sum[:])
	}
}
