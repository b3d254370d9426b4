package store

// NewBytes is New with another bound for what the entries take of the memory.
func NewBytes(max int, maxBytes int64) *Store {
	s := New(max)
	s.maxBytes = maxBytes
	return s
}
