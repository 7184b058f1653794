package outside

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/pitwall/pitwall/lab/link"
	"github.com/pitwall/pitwall/lab/shop"
)

// State is how the acquirer is doing.
type State struct {
	Rate int64   `json:"rate"` // bytes per second of each answer, 0 for no limit
	Fail float64 `json:"fail"` // share of authorisations refused with 503
}

// Normal is a good day: an answer of 0.7 to 3.1 kB takes 9 to 39 ms.
func Normal() State { return State{Rate: 78_000} }

// acquirer authorises charges.
type acquirer struct {
	mu    sync.Mutex
	state State
	rand  *rand.Rand
}

// Acquirer serves until ctx ends and prints one shop.Listening line when ready.
func Acquirer(ctx context.Context, addr string, seed uint64, stdout io.Writer) error {
	a := &acquirer{state: Normal(), rand: rand.New(rand.NewPCG(seed, 99))}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", addr, err)
	}
	srv := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 5 * time.Second}
	said := shop.Listening{
		Time: time.Now().UTC(), Event: "listening", Msg: "listening on " + l.Addr().String(), Service: "acquirer", Addr: l.Addr().String(), PID: os.Getpid(),
	}
	if err := json.NewEncoder(stdout).Encode(said); err != nil {
		return fmt.Errorf("announcing address: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }() // ends with Close
	select {
	case <-ctx.Done():
		_ = srv.Close()
		<-ended
		return nil
	case err := <-ended:
		return fmt.Errorf("serving: %w", err)
	}
}

func (a *acquirer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /authorisations", a.authorise)
	mux.HandleFunc("PUT /state", func(w http.ResponseWriter, r *http.Request) {
		var to State
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&to); err != nil || to.Rate < 0 || to.Fail < 0 || to.Fail > 1 {
			http.Error(w, `{"error":"a state is {\"rate\":bytes per second,\"fail\":share}"}`, http.StatusUnprocessableEntity)
			return
		}
		a.mu.Lock()
		a.state = to
		a.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// authorise answers with a code and the chain of certificates that signed it.
func (a *acquirer) authorise(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		http.Error(w, `{"error":"reading request"}`, http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	state, fails, size := a.state, a.rand.Float64(), 300+a.rand.IntN(1_200)
	a.mu.Unlock()
	if fails < state.Fail {
		http.Error(w, `{"error":"issuer network unavailable"}`, http.StatusServiceUnavailable)
		return
	}
	var chain bytes.Buffer
	for sum := sha256.Sum256(raw); chain.Len() < 2*size; sum = sha256.Sum256(sum[:]) {
		chain.WriteString(hex.EncodeToString(sum[:]))
	}
	body, err := json.Marshal(map[string]string{"code": "00", "chain": chain.String()})
	if err != nil {
		http.Error(w, `{"error":"encoding answer"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// The shop hung up: nothing to tell it.
	_, _ = link.Link{Rate: link.Rate(state.Rate)}.Copy(r.Context(), w, bytes.NewReader(body))
}
