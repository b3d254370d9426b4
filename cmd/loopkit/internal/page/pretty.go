package page

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// jsonToken is a piece of JSON text with the class that colours it, which is
// empty for punctuation and space.
type jsonToken struct{ Class, Text string }

// prettyText is JSON for people.
type prettyText struct {
	Tokens []jsonToken
	More   int // bytes that there was no room for
}

// The bounds of what is shown at once. Anybody may send what is much longer, or
// deeper, and each level of indentation costs as much as all of those above.
const (
	mostPretty   = 128 << 10
	mostIndented = 40 // levels; deeper ones are in one line
)

// prettyJSON indents JSON and sorts its keys. Numbers stay as they were
// written. What is no JSON, or too long, stays as it is.
func prettyJSON(raw []byte) prettyText {
	p := printer{room: mostPretty}
	if v, ok := decodeExactly(raw); ok {
		p.value(v, 0)
	} else {
		shown := raw[:min(len(raw), mostPretty)]
		p.add("", visibleLines(strings.ToValidUTF8(string(shown), "�")))
		p.more += len(raw) - len(shown)
	}
	return prettyText{p.finish(), p.more}
}

func decodeExactly(raw []byte) (v any, ok bool) {
	if len(raw) > mostPretty || !json.Valid(raw) {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return v, decoder.Decode(&v) == nil
}

func visibleLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = visible(strings.ReplaceAll(strings.TrimSuffix(line, "\r"), "\t", "  "))
	}
	return strings.Join(lines, "\n")
}

type printer struct {
	tokens []jsonToken
	class  string
	text   strings.Builder // of the token that is being written
	room   int
	more   int  // bytes that did not fit
	inline bool // in one line, and no further than there is room
}

func (p *printer) add(class, text string) {
	if len(text) > p.room {
		fits := strings.ToValidUTF8(text[:p.room], "")
		p.more += len(text) - len(fits)
		text, p.room = fits, len(fits)
	}
	if text == "" {
		return
	}
	p.room -= len(text)
	if class != p.class {
		p.flush()
		p.class = class
	}
	p.text.WriteString(text)
}

func (p *printer) flush() {
	if p.text.Len() > 0 {
		p.tokens = append(p.tokens, jsonToken{p.class, p.text.String()})
		p.text.Reset()
	}
}

func (p *printer) finish() []jsonToken {
	p.flush()
	return p.tokens
}

func (p *printer) value(v any, level int) {
	if p.inline && p.more > 0 {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		p.object(v, level)
	case []any:
		p.array(v, level)
	case string:
		p.add("json-string", jsonString(v))
	case json.Number:
		p.add("json-number", v.String())
	case float64:
		p.add("json-number", jsonNumber(v))
	case bool:
		p.add("json-word", map[bool]string{true: "true", false: "false"}[v])
	default:
		p.add("json-word", "null")
	}
}

func (p *printer) object(v map[string]any, level int) {
	if len(v) == 0 {
		p.add("", "{}")
		return
	}
	separator := "{"
	for _, key := range slices.Sorted(maps.Keys(v)) {
		if p.inline && p.more > 0 {
			return
		}
		p.add("", separator+p.newLine(level+1))
		p.add("json-key", jsonString(key))
		p.add("", p.colon())
		p.value(v[key], level+1)
		separator = ","
	}
	p.add("", p.closing(level)+"}")
}

func (p *printer) array(v []any, level int) {
	if len(v) == 0 {
		p.add("", "[]")
		return
	}
	separator := "["
	for _, element := range v {
		if p.inline && p.more > 0 {
			return
		}
		p.add("", separator+p.newLine(level+1))
		p.value(element, level+1)
		separator = ","
	}
	p.add("", p.closing(level)+"]")
}

var indentation = "\n" + strings.Repeat("  ", mostIndented)

// newLine stands before what is so many levels deep.
func (p *printer) newLine(level int) string {
	switch {
	case p.inline:
		return ""
	case level > mostIndented:
		return " "
	}
	return indentation[:1+2*level]
}

// closing stands before the bracket that ends a level.
func (p *printer) closing(level int) string {
	if level >= mostIndented {
		level = mostIndented + 1
	}
	return p.newLine(level)
}

func (p *printer) colon() string {
	if p.inline {
		return ":"
	}
	return ": "
}

// inline writes a value in one line of about so many bytes, a string without
// quotes. What is cut ends with "…".
func inline(v any, most int) string {
	s, isString := v.(string)
	if !isString {
		p := printer{room: most, inline: true}
		p.value(v, 0)
		s = plain(p.finish())
		if p.more > 0 {
			s += "…"
		}
		return s
	}
	if len(s) <= most {
		return visible(s)
	}
	return visible(strings.ToValidUTF8(s[:most], "")) + "…"
}

func plain(tokens []jsonToken) string {
	var out strings.Builder
	for _, t := range tokens {
		out.WriteString(t.Text)
	}
	return out.String()
}

func jsonNumber(n float64) string {
	text, err := json.Marshal(n)
	if err != nil {
		return err.Error() // JSON has no number that fails
	}
	return string(text)
}

// jsonString quotes a string for people: with no escapes but those that JSON
// needs, and those of characters that nobody would see.
func jsonString(s string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return err.Error() // strings can always be encoded
	}
	return visible(strings.TrimSuffix(out.String(), "\n"))
}
