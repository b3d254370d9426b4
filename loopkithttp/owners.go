package loopkithttp

import (
	"crypto/sha256"
	"sync"
)

// owners remembers to whom anonymous IDs were linked lately, where no cookie can
// say so: two logins at once, a login whose answer was lost, an answer that is
// late, a client that sends the header. It knows this process alone, and the
// 4096 to 8192 IDs that it met last.
type owners struct {
	mu     sync.Mutex
	recent map[shortDigest]shortDigest // of the user, by that of the anonymous ID
	older  map[shortDigest]shortDigest // the recent ones of before, until recent is full again
}

const ownersOfGeneration = 4096

type shortDigest [16]byte

func shortDigestOf(text string) shortDigest {
	sum := sha256.Sum256([]byte(text))
	return shortDigest(sum[:])
}

// claim makes a user the owner of an anonymous ID, and returns false if that is
// somebody else.
func (o *owners) claim(anonymousID, userID string) bool {
	id, user := shortDigestOf(anonymousID), shortDigestOf(userID)
	o.mu.Lock()
	defer o.mu.Unlock()
	owner, recent := o.recent[id]
	if recent {
		return owner == user
	}
	if owner, known := o.older[id]; known && owner != user {
		return false
	}
	if o.recent == nil || len(o.recent) == ownersOfGeneration {
		o.recent, o.older = make(map[shortDigest]shortDigest), o.recent
	}
	o.recent[id] = user
	return true
}

// release takes back the claim of a user.
func (o *owners) release(anonymousID, userID string) {
	id, user := shortDigestOf(anonymousID), shortDigestOf(userID)
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, generation := range []map[shortDigest]shortDigest{o.recent, o.older} {
		if generation[id] == user {
			delete(generation, id)
		}
	}
}
