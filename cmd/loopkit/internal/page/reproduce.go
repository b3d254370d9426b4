package page

import (
	"encoding/json"
	"fmt"
	"go/format"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/exact"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// mostReproduced is how long a message may be that a command or code sends
// again. Shells take no more than twice that in one argument.
const mostReproduced = 64 << 10

// curlOf returns a command that sends the entry again, with the key from the
// environment. It is empty for what a command line cannot hold.
func curlOf(e *store.Entry, baseURL string) string {
	if e.Restored || len(toSend(e)) > mostReproduced {
		return "" // nobody knows how it came, or it could not be pasted
	}
	r := e.Request
	command := fmt.Sprintf("curl -X %s %s \\\n  -H \"Authorization: Bearer $LOOPKIT_API_KEY\"", r.Method, alwaysQuoted(baseURL+r.Path))
	body := bodyToSend(e)
	if len(body) > mostReproduced || visibleLines(body) != body {
		return "" // it could not be pasted, or would not be what it looks like
	}
	if body == "" {
		return command
	}
	return command + " \\\n  -H 'Content-Type: application/json' \\\n  --data-raw " + alwaysQuoted(body)
}

// toSend is what the entry has to send again.
func toSend(e *store.Entry) []byte {
	if e.Message == nil {
		return e.Request.Body
	}
	return e.Message.Raw
}

// bodyToSend has the one message in the form in which it came, or all of the
// body if nothing of that was accepted.
func bodyToSend(e *store.Entry) string {
	if e.Message == nil {
		return string(e.Request.Body)
	}
	if e.Message.Raw == nil {
		return ""
	}
	pretty := prettyJSON(e.Message.Raw)
	text := plain(pretty.Tokens)
	if pretty.More > 0 {
		text = string(e.Message.Raw)
	}
	switch e.Request.Form {
	case "envelope":
		return fmt.Sprintf("{%q: [%s]}", string(e.Request.Endpoint), text)
	case "array":
		return "[" + text + "]"
	}
	return text
}

// goOf returns the calls of the Go client that send the message, or nothing if
// they would be too long to read.
func goOf(m *collector.Message, baseURL string) string {
	if len(m.Raw) > mostReproduced {
		return ""
	}
	var out strings.Builder
	out.WriteString("ctx := context.Background()\n")
	fmt.Fprintf(&out, "client, err := loopkit.New(os.Getenv(\"LOOPKIT_API_KEY\"), &loopkit.Options{\n\tBaseURL: %q,\n})\n", baseURL)
	out.WriteString("if err != nil {\n\treturn err\n}\ndefer client.Close(ctx)\n\n")
	switch m.Kind {
	case collector.KindDeleteUser:
		fmt.Fprintf(&out, "_, err = client.DeleteUser(ctx, %s)\n", strconv.Quote(m.UserID))
	case collector.KindDeleteGroup:
		fmt.Fprintf(&out, "_, err = client.DeleteGroup(ctx, %s)\n", strconv.Quote(m.GroupID))
	default:
		call, subject, values := goCall(m)
		fmt.Fprintf(&out, "err = client.%s(ctx, %s, %s,\n", call, strconv.Quote(subject), goValues(values, exact.Values(m), ""))
		for _, option := range goOptions(m) {
			out.WriteString("\t" + option + ",\n")
		}
		out.WriteString(")\n")
	}
	code, err := format.Source([]byte(out.String()))
	if err != nil {
		return out.String() // as good, but not aligned
	}
	return string(code)
}

func goCall(m *collector.Message) (call, subject, values string) {
	switch m.Kind {
	case collector.KindIdentify:
		return "Identify", m.UserID, "loopkit.Traits"
	case collector.KindGroup:
		return "Group", m.GroupID, "loopkit.Traits"
	}
	return "Track", m.Name, "loopkit.Properties"
}

func goOptions(m *collector.Message) []string {
	var identity []string
	if m.AnonymousID != "" {
		identity = append(identity, "AnonymousID: "+strconv.Quote(m.AnonymousID))
	}
	if m.UserID != "" && m.Kind != collector.KindIdentify {
		identity = append(identity, "UserID: "+strconv.Quote(m.UserID))
	}
	if m.SessionID != "" {
		identity = append(identity, "SessionID: "+strconv.Quote(m.SessionID))
	}
	t := m.Timestamp.UTC()
	at := fmt.Sprintf("loopkit.At(time.Date(%d, %d, %d, %d, %d, %d, %d, time.UTC))",
		t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond())
	options := []string{"loopkit.As(loopkit.Identity{" + strings.Join(identity, ", ") + "})", at}
	if m.GroupType != "" {
		options = append(options, "loopkit.GroupType("+strconv.Quote(m.GroupType)+")")
	}
	if m.MessageID != "" {
		options = append(options, "loopkit.WithMessageID("+strconv.Quote(m.MessageID)+")")
	}
	return options
}

// goValues writes a map, slice or scalar as a Go literal.
func goValues(typeName string, values map[string]any, indent string) string {
	if len(values) == 0 {
		return typeName + "{}"
	}
	var out strings.Builder
	out.WriteString(typeName + "{\n")
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&out, "%s\t%s: %s,\n", indent, strconv.Quote(key), goValue(values[key], indent+"\t"))
	}
	return out.String() + indent + "}"
}

func goValue(v any, indent string) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case string:
		return strconv.Quote(v)
	case json.Number:
		return goInteger(v)
	case map[string]any:
		return goValues("map[string]any", v, indent)
	case []any:
		elements := make([]string, len(v))
		for i, element := range v {
			elements[i] = goValue(element, indent)
		}
		return "[]any{" + strings.Join(elements, ", ") + "}"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "nil" // nothing that was JSON fails
	}
	return string(text)
}

// goInteger writes an integer that float64 cannot hold.
func goInteger(n json.Number) string {
	if _, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return "int64(" + n.String() + ")"
	}
	if _, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
		return "uint64(" + n.String() + ")"
	}
	return "json.Number(" + strconv.Quote(n.String()) + ")"
}
