package page

import (
	"bytes"
	"encoding/json"
)

// longestLiteral is how many characters of a value a table shows.
const longestLiteral = 240

// literal writes a value as JSON, so that "25" and 25 differ.
func literal(v any) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error() // nothing that was JSON fails
	}
	return clip(longestLiteral, string(bytes.TrimSpace(out.Bytes())))
}
