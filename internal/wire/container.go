package wire

// maxDepth is how many objects and arrays may stand inside each other, the
// values of the message being the first. It also ends cycles.
const maxDepth = 32

// limits is how much more may be written.
type limits struct {
	end   int    // the length that dst may reach
	depth int    // how many containers may still be opened inside each other
	watch *Watch // over the members that are written; may be nil
}

// fit says whether n more bytes have room in dst.
func (l limits) fit(dst []byte, n int) bool { return n <= l.end-len(dst) }

func errTooDeep() error {
	return &ValueError{Reason: "it is nested more than 32 levels deep or contains itself; send a flat value"}
}

// element appends the JSON of a container's element.
// A plain function in place of a closure or a method keeps the encoder free of allocation.
type element[V any] func(dst []byte, v V, lim limits) ([]byte, error)

func appendObject[V any](dst []byte, object map[string]V, lim limits, appendElement element[V]) ([]byte, error) {
	if object == nil {
		return append(dst, `null`...), nil
	}
	if lim.depth == 0 {
		return dst, errTooDeep()
	}
	lim.depth--
	dst = append(dst, '{')
	start := len(dst)
	for name, value := range object {
		if !lim.fit(dst, len(name)) {
			return dst, ErrTooLarge
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(AppendString(dst, name), ':')
		valueStart := len(dst)
		var err error
		if dst, err = appendElement(dst, value, lim); err != nil {
			return dst, inMember(err, name)
		}
		if lim.watch != nil && lim.watch.stops(name, dst[valueStart:]) {
			return dst, ErrWatched
		}
		if !lim.fit(dst, 0) {
			return dst, ErrTooLarge
		}
	}
	return append(dst, '}'), nil
}

func appendArray[V any](dst []byte, array []V, lim limits, appendElement element[V]) ([]byte, error) {
	if array == nil {
		return append(dst, `null`...), nil
	}
	if lim.depth == 0 {
		return dst, errTooDeep()
	}
	lim.depth--
	dst = append(dst, '[')
	for i, value := range array {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendElement(dst, value, lim); err != nil {
			return dst, inElement(err, i)
		}
		if !lim.fit(dst, 0) {
			return dst, ErrTooLarge
		}
	}
	return append(dst, ']'), nil
}
