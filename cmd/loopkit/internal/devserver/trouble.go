package devserver

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// troublemaker makes requests fail as the chaos and the keys' names say.
type troublemaker struct {
	mu      sync.Mutex
	random  func() float64 // in [0, 1)
	chaos   Chaos
	limiter *rate.Limiter // nil without a limit
}

func newTroublemaker(c Chaos, random func() float64) *troublemaker {
	t := &troublemaker{random: random}
	t.set(c)
	return t
}

func (t *troublemaker) set(c Chaos) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.chaos, t.limiter = c, nil
	if c.RateLimit > 0 {
		burst := int(math.Ceil(min(c.RateLimit, math.MaxInt32)))
		t.limiter = rate.NewLimiter(rate.Limit(c.RateLimit), burst)
	}
}

func (t *troublemaker) get() Chaos {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.chaos
}

// delay makes requests wait before anything is done with them. What is interrupted
// in that gets no answer: any that net/http made up would be taken for a success.
func (t *troublemaker) delay(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !pause(r, t.get().Latency) {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}

// wrap makes requests fail.
func (t *troublemaker) wrap(process http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, wait, reason := t.judge(t.get(), r)
		if status == 0 {
			process.ServeHTTP(w, r)
			return
		}
		// The body is read so that the page can show what was refused.
		if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
			status, wait, reason = http.StatusBadRequest, 0, "the body could not be read"
			var large *http.MaxBytesError
			if errors.As(err, &large) {
				status, reason = http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is over %d bytes", large.Limit)
			}
		}
		if wait > 0 {
			w.Header().Set("Retry-After", strconv.FormatFloat(math.Ceil(min(wait.Seconds(), 3600)), 'f', 0, 64))
		}
		fail(w, status, "%s", reason)
	})
}

// judge returns how a request fails, or a status of 0.
func (t *troublemaker) judge(c Chaos, r *http.Request) (status int, wait time.Duration, reason string) {
	_, key := collector.Credentials(r)
	if status := keyRule(key, collector.EndpointOf(r)); status != 0 {
		return status, waitFor(status), "the name of the API key asks for this answer"
	}
	if wait := t.excess(time.Now()); wait > 0 {
		return http.StatusTooManyRequests, wait, "chaos: too many requests"
	}
	if t.picks(c.FailPercent) {
		return c.FailStatus, waitFor(c.FailStatus), "chaos: this request was picked to fail"
	}
	return 0, 0, ""
}

// picks reports whether a request is one of a share of them.
func (t *troublemaker) picks(percent float64) bool {
	if percent == 0 {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.random()*100 < percent
}

// excess returns how long to wait until the rate limit has room, 0 if it has.
func (t *troublemaker) excess(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.limiter == nil {
		return 0
	}
	reservation := t.limiter.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

// waitFor is the Retry-After of an answer that says so by its status alone.
func waitFor(status int) time.Duration {
	if status == http.StatusTooManyRequests {
		return time.Second
	}
	return 0
}

// keyRule returns the status that a key such as lk_dev_401 or
// lk_dev_403_identifies asks for at an endpoint, or 0.
func keyRule(key string, endpoint collector.Endpoint) int {
	rule, ok := strings.CutPrefix(key, "lk_dev_")
	if !ok {
		return 0
	}
	code, only, limited := strings.Cut(rule, "_")
	status, err := strconv.Atoi(code)
	if err != nil || !failing(status) || limited && only != keyRuleName(endpoint) {
		return 0
	}
	return status
}

func keyRuleName(endpoint collector.Endpoint) string {
	switch endpoint {
	case collector.UserDeletions, collector.GroupDeletions:
		return "deletions"
	default:
		return string(endpoint)
	}
}

// pause waits, and reports whether somebody still wants the answer.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
