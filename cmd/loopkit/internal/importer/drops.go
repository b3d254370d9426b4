package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// drops are the messages that a client had accepted and did not deliver.
type drops struct {
	told chan struct{} // has something when there is more

	mu      sync.Mutex
	n       int64               // ever
	refused map[string][]string // reasons, by message ID, which records may share
	left    map[string]int      // how many were left when the client closed, by message ID
}

func newDrops() *drops {
	return &drops{told: make(chan struct{}, 1), refused: map[string][]string{}, left: map[string]int{}}
}

// add is the client's hook.
func (d *drops) add(_ context.Context, drop loopkit.Drop) {
	reason := reasonOf(drop.Err)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, text := range drop.Messages {
		d.n++
		var message struct{ MessageID string }
		if json.Unmarshal(text, &message) != nil { // it is the client's own
			continue
		}
		if drop.Reason == loopkit.ReasonClosed {
			d.left[message.MessageID]++
		} else {
			d.refused[message.MessageID] = append(d.refused[message.MessageID], reason)
		}
	}
	select {
	case d.told <- struct{}{}:
	default:
	}
}

const noticesPatience = 10 * time.Second

// await waits until the hook was told of everything.
func (d *drops) await(client *loopkit.Client) error {
	timeout := time.NewTimer(noticesPatience)
	defer timeout.Stop()
	for {
		want := int64(0)
		for _, n := range client.Stats().Dropped {
			want += n
		}
		if d.count() >= want {
			return nil
		}
		select {
		case <-d.told:
		case <-timeout.C:
			return fmt.Errorf("it is not known which of %d records were refused", want)
		}
	}
}

func (d *drops) count() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.n
}

// settle forgets what was dropped of a share, and tells what became of it.
func (d *drops) settle(share []*entry) outcome {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := outcome{taken: map[string]int{}, refused: map[string]int{}}
	for _, e := range share {
		if reasons := d.refused[e.messageID]; len(reasons) > 0 {
			out.rejected = append(out.rejected, e.rejection(reasons[0]))
			out.refused[e.endpoint()]++
			d.refused[e.messageID] = reasons[1:]
		} else if d.left[e.messageID] > 0 {
			out.left = append(out.left, e)
			d.left[e.messageID]--
		} else {
			out.taken[e.endpoint()]++
		}
	}
	clear(d.refused)
	clear(d.left)
	return out
}

func (e *entry) rejection(reason string) Rejection {
	return Rejection{Line: e.line, Reason: reason, Record: e.record}
}

// reasonOf may quote what the server said, which is for the file of rejected
// records only: that has the records themselves.
func reasonOf(err error) string {
	var answer *loopkit.APIError
	if !errors.As(err, &answer) {
		return strings.TrimPrefix(err.Error(), "loopkit: ")
	}
	text := strings.TrimSpace(fmt.Sprintf("LoopKit answered %d %s", answer.StatusCode, http.StatusText(answer.StatusCode)))
	if answer.Message != "" {
		text += ": " + answer.Message
	}
	return text
}
