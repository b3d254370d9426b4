package store

// NewBytes is New with another bound for the JSON that the entries hold.
func NewBytes(max int, maxBytes int64) *Store {
	s := New(max)
	s.maxBytes = maxBytes
	return s
}
