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

// prettyJSON indents JSON and sorts its keys. Numbers stay as they were
// written. What is no JSON stays as it is.
func prettyJSON(raw []byte) []jsonToken {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var v any
	if !json.Valid(raw) || decoder.Decode(&v) != nil {
		return []jsonToken{{"", visibleLines(string(raw))}}
	}
	var p printer
	p.value(v, "")
	return p.tokens
}

func visibleLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = visible(strings.ReplaceAll(strings.TrimSuffix(line, "\r"), "\t", "  "))
	}
	return strings.Join(lines, "\n")
}

type printer struct{ tokens []jsonToken }

func (p *printer) add(class, text string) {
	if last := len(p.tokens) - 1; last >= 0 && p.tokens[last].Class == class {
		p.tokens[last].Text += text
		return
	}
	p.tokens = append(p.tokens, jsonToken{class, text})
}

func (p *printer) value(v any, indent string) {
	switch v := v.(type) {
	case map[string]any:
		p.object(v, indent)
	case []any:
		p.array(v, indent)
	case string:
		p.add("json-string", jsonString(v))
	case json.Number:
		p.add("json-number", v.String())
	case bool:
		p.add("json-word", map[bool]string{true: "true", false: "false"}[v])
	default:
		p.add("json-word", "null")
	}
}

func (p *printer) object(v map[string]any, indent string) {
	if len(v) == 0 {
		p.add("", "{}")
		return
	}
	inner := indent + "  "
	separator := "{\n"
	for _, key := range slices.Sorted(maps.Keys(v)) {
		p.add("", separator+inner)
		p.add("json-key", jsonString(key))
		p.add("", ": ")
		p.value(v[key], inner)
		separator = ",\n"
	}
	p.add("", "\n"+indent+"}")
}

func (p *printer) array(v []any, indent string) {
	if len(v) == 0 {
		p.add("", "[]")
		return
	}
	inner := indent + "  "
	separator := "[\n"
	for _, element := range v {
		p.add("", separator+inner)
		p.value(element, inner)
		separator = ",\n"
	}
	p.add("", "\n"+indent+"]")
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
