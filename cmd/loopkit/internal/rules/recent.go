package rules

import "iter"

// recent is a map of bounded size that forgets what was not used for longest.
type recent[K comparable, V any] struct {
	max     int
	entries map[K]*entry[K, V]
	ends    entry[K, V] // a ring: next is the oldest, previous the newest
	forgot  bool        // something, for want of room
}

type entry[K comparable, V any] struct {
	key            K
	value          V
	previous, next *entry[K, V]
}

func newRecent[K comparable, V any](max int) *recent[K, V] {
	r := &recent[K, V]{max: max, entries: make(map[K]*entry[K, V])}
	r.ends.previous, r.ends.next = &r.ends, &r.ends
	return r
}

func (r *recent[K, V]) len() int { return len(r.entries) }

// get does not count as use, so that looking changes nothing.
func (r *recent[K, V]) get(key K) (value V, ok bool) {
	if e := r.entries[key]; e != nil {
		return e.value, true
	}
	return value, false
}

// put adds a value, or replaces it where it is.
func (r *recent[K, V]) put(key K, value V) {
	if e := r.entries[key]; e != nil {
		e.value = value
		return
	}
	if len(r.entries) >= r.max {
		r.remove(r.ends.next.key)
		r.forgot = true
	}
	e := &entry[K, V]{key: key, value: value}
	r.entries[key] = e
	r.append(e)
}

// use makes a key the newest, and returns its value; nil if there is none.
func (r *recent[K, V]) use(key K) *V {
	e := r.entries[key]
	if e == nil {
		return nil
	}
	if e.next != &r.ends {
		e.unlink()
		r.append(e)
	}
	return &e.value
}

func (r *recent[K, V]) remove(key K) {
	if e := r.entries[key]; e != nil {
		e.unlink()
		delete(r.entries, key)
	}
}

// all yields the oldest first.
func (r *recent[K, V]) all() iter.Seq[V] {
	return func(yield func(V) bool) {
		for e := r.ends.next; e != &r.ends; e = e.next {
			if !yield(e.value) {
				return
			}
		}
	}
}

func (r *recent[K, V]) append(e *entry[K, V]) {
	e.previous, e.next = r.ends.previous, &r.ends
	e.previous.next, r.ends.previous = e, e
}

func (e *entry[K, V]) unlink() {
	e.previous.next, e.next.previous = e.next, e.previous
}
