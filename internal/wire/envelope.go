package wire

import "bytes"

// Envelope returns what goes before and after the messages of a request,
// which are separated by commas, in the form of the vendor's SDKs.
func Envelope(k Kind) (open, close string) {
	switch k {
	case Identify:
		return `{"identifies":[`, `]}`
	case Group:
		return `{"groups":[`, `]}`
	default:
		return `{"tracks":[`, `]}`
	}
}

// Documented splits an identify or a group made by AppendMessage around the key
// of its values: head + `"traits"` + tail is the form of the documentation page.
// Without such a key it returns msg as head.
func Documented(msg []byte) (head, tail []byte) {
	// Only strings come before the values, and in a JSON string a quote is
	// escaped: the first match cannot be a part of one, so it is the key.
	const key = `"properties"`
	at := bytes.Index(msg, []byte(key+`:`))
	if at < 0 {
		return msg, nil
	}
	return msg[:at], msg[at+len(key):]
}
