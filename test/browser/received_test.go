//go:build browser

package browser_test

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// received is what LoopKit got to know, and the counts of the program's client.
type received struct {
	People   []loopkittest.Person
	Groups   []loopkittest.Group
	Messages []loopkittest.Message
	Stats    struct{ Accepted, Delivered, Pending, Withheld int64 }

	text string // all of it, as it was read
}

// received waits until the program's client has nothing left to send. A page
// is loaded after its handler has returned, so what a visitor did before is in it.
func (s *site) received() received {
	s.t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		body, err := s.fetch(s.t.Context(), "/loopkit/received")
		require.NoError(s.t, err)
		got := received{text: string(body)}
		require.NoError(s.t, json.Unmarshal(body, &got), "%s", body)
		if got.Stats.Pending == 0 {
			return got
		}
		select {
		case <-again.C:
		case <-deadline:
			require.Fail(s.t, "the program's client still has messages to send", "%s", body)
		}
	}
}

// person returns the one with a user ID.
func (r received) person(s *site, userID string) loopkittest.Person {
	s.t.Helper()
	var found []loopkittest.Person
	for _, p := range r.People {
		if p.UserID == userID {
			found = append(found, p)
		}
	}
	require.Len(s.t, found, 1, "people with the user ID %s", userID)
	return found[0]
}

// stranger returns the one whom no user ID is known of, by their anonymous ID.
func (r received) stranger(s *site, anonymousID string) loopkittest.Person {
	s.t.Helper()
	i := slices.IndexFunc(r.People, func(p loopkittest.Person) bool {
		return p.UserID == "" && slices.Contains(p.AnonymousIDs, anonymousID)
	})
	require.NotEqual(s.t, -1, i, "nobody has the anonymous ID %s", anonymousID)
	return r.People[i]
}

// kinds counts the messages of each kind.
func (r received) kinds() map[loopkittest.Kind]int {
	count := make(map[loopkittest.Kind]int)
	for _, m := range r.Messages {
		count[m.Kind]++
	}
	return count
}

// inOrder returns a person's events as they happened: batches may overtake each other.
func inOrder(p loopkittest.Person) []loopkittest.Message {
	return slices.SortedStableFunc(slices.Values(p.Events), func(a, b loopkittest.Message) int {
		return a.Timestamp.Compare(b.Timestamp)
	})
}

// story returns what a person did: the paths of page views, the names of all
// other events.
func story(p loopkittest.Person) []string {
	var told []string
	for _, m := range inOrder(p) {
		if page, ok := m.Values["page"].(string); ok && m.Name == "page_view" {
			told = append(told, page)
		} else {
			told = append(told, m.Name)
		}
	}
	return told
}
