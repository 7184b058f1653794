package shop

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/pitwall/pitwall/lab/link"
	"github.com/pitwall/pitwall/lab/mesh"
)

// Way is how the network between the zones treats flows to a service.
type Way struct {
	DelayMS float64 `json:"delay_ms"` // one way
	Loss    float64 `json:"loss"`     // share of segments lost
}

// ways are the edge's ways to services, changed from the admin side.
type ways struct {
	router *mesh.Router
	seed   uint64
	mu     sync.Mutex
	lossy  map[string][]*link.Loss
}

func newWays(seed uint64, r *mesh.Router) *ways {
	return &ways{router: r, seed: seed, lossy: map[string][]*link.Loss{}}
}

// put is PUT /paths/{service}.
func (w *ways) put(rw http.ResponseWriter, r *http.Request) {
	var in Way
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&in); err != nil {
		mesh.Fail(rw, http.StatusBadRequest, "reading way: "+err.Error())
		return
	}
	if in.Loss < 0 || in.Loss >= 1 || in.DelayMS < 0 {
		mesh.Fail(rw, http.StatusUnprocessableEntity, "loss is a share below 1, delay_ms is not negative")
		return
	}
	service := r.PathValue("service")
	p := link.Path{Delay: time.Duration(in.DelayMS * float64(time.Millisecond))}
	w.mu.Lock()
	defer w.mu.Unlock()
	if in.Loss > 0 {
		p.Loss = link.NewLoss(in.Loss, 2*p.Delay+4*time.Millisecond, rand.New(rand.NewPCG(w.seed, uint64(len(w.lossy)))))
		w.lossy[service] = append(w.lossy[service], p.Loss)
	}
	w.router.SetPath(service, p)
	rw.WriteHeader(http.StatusNoContent)
}

// counts gives the segments sent again, by service.
func (w *ways) counts() map[string]int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]int64{}
	for service, all := range w.lossy {
		for _, l := range all {
			out[service] += l.Retransmits()
		}
	}
	return out
}
