package devserver

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	// maxIntake bounds the bodies of all requests that are being read.
	maxIntake = 64 << 20

	// bodyPatience is how long a body may take, and how long one may wait for room.
	bodyPatience = 30 * time.Second
)

// intake lets no more bodies be read at once than there is memory for, and none
// for ever.
type intake struct {
	patience time.Duration

	mu    sync.Mutex
	room  int64
	freed chan struct{} // closed when there is more room
}

func newIntake(patience time.Duration) *intake {
	return &intake{patience: patience, room: maxIntake, freed: make(chan struct{})}
}

func (in *intake) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		weight := weigh(r)
		if !in.take(r, weight) {
			w.Header().Set("Retry-After", "1")
			fail(w, http.StatusServiceUnavailable, "too many large requests at once")
			return
		}
		defer in.giveBack(weight)
		deadline := time.Now().Add(in.patience)
		if err := http.NewResponseController(w).SetReadDeadline(deadline); err == nil {
			r.Body = &punctual{r.Body}
		}
		next.ServeHTTP(w, r)
	})
}

// weigh returns how many bytes a body may have.
func weigh(r *http.Request) int64 {
	if r.ContentLength < 0 || r.ContentLength > 0 && r.Header.Get("Content-Encoding") != "" {
		return maxBody
	}
	return min(r.ContentLength, maxBody)
}

// take waits for room.
func (in *intake) take(r *http.Request, weight int64) bool {
	patience := time.NewTimer(in.patience)
	defer patience.Stop()
	for {
		in.mu.Lock()
		if weight <= in.room {
			in.room -= weight
			in.mu.Unlock()
			return true
		}
		freed := in.freed
		in.mu.Unlock()
		select {
		case <-freed:
		case <-patience.C:
			return false
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
}

func (in *intake) giveBack(weight int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.room += weight
	close(in.freed)
	in.freed = make(chan struct{})
}

// punctual breaks the connection when the deadline of a body is over. A client
// that is answered 400 would not send it again.
type punctual struct{ io.ReadCloser }

func (p *punctual) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		panic(http.ErrAbortHandler)
	}
	return n, err
}
