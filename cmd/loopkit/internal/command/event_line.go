package command

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// eventPrinter writes what the development server receives, a line each.
type eventPrinter struct {
	p      *program
	out    io.Writer
	asJSON bool
}

func (e *eventPrinter) print(event store.Event) error {
	if !e.asJSON {
		return written(io.WriteString(e.out, e.line(event)+"\n"))
	}
	encoder := json.NewEncoder(e.out)
	encoder.SetEscapeHTML(false)
	return writing(encoder.Encode(event))
}

// written is writing for the results of a write.
func written(_ int, err error) error { return writing(err) }

// The widths of the columns that more follows behind.
const (
	kindWidth   = 8
	titleWidth  = 26
	personWidth = 16
)

func (e *eventPrinter) line(event store.Event) string {
	when := event.Request.Time
	if event.Restored && event.Timestamp != nil {
		when = *event.Timestamp
	}
	at := e.p.paint(e.out, styleDim, when.Local().Format("15:04:05.000"))
	if event.Type == store.TypeRefused {
		return at + "  " + e.request(event.Request)
	}
	kind, title, kindStyle := headline(event)
	words := []string{
		at,
		e.p.paint(e.out, kindStyle, pad(kind, kindWidth)),
		pad(printable(title, 60), titleWidth),
		pad(person(event), personWidth),
	}
	if preview := preview(event); preview != "" {
		words = append(words, e.p.paint(e.out, styleDim, preview))
	}
	for _, w := range event.Warnings {
		words = append(words, e.p.paint(e.out, severityStyle(w.Severity), "⚠ "+printable(w.Rule, 30)))
	}
	return strings.TrimRight(strings.Join(words, "  "), " ")
}

// request is the line of a request that brought nothing that was accepted.
func (e *eventPrinter) request(r store.EventRequest) string {
	kind, kindStyle := "refused", styleRed
	if r.Status >= 200 && r.Status < 300 {
		kind, kindStyle = "empty", styleDim
	}
	status := strconv.Itoa(r.Status)
	if r.Status == 0 {
		status = "no answer"
	}
	words := []string{
		e.p.paint(e.out, kindStyle, pad(kind, kindWidth)),
		pad(printable(r.Method+" "+r.Path, 60), titleWidth),
		status,
		printable(r.Refusal, 200),
	}
	return strings.TrimRight(strings.Join(words, "  "), " ")
}

func headline(event store.Event) (kind, title string, s style) {
	switch collector.Kind(event.Type) {
	case collector.KindIdentify:
		return "identify", event.UserID, styleGreen
	case collector.KindGroup:
		return "group", event.GroupID, styleYellow
	case collector.KindDeleteUser:
		return "delete", "user " + event.UserID, styleRed
	case collector.KindDeleteGroup:
		return "delete", "group " + event.GroupID, styleRed
	default:
		return "track", event.Name, styleCyan
	}
}

// person is who the event is of, unless its headline says so.
func person(event store.Event) string {
	switch collector.Kind(event.Type) {
	case collector.KindIdentify:
		return printable(event.AnonymousID, personWidth)
	case collector.KindDeleteUser, collector.KindDeleteGroup:
		return ""
	}
	if event.UserID != "" {
		return printable(event.UserID, personWidth)
	}
	return printable(event.AnonymousID, personWidth)
}

// preview is the first of the properties or traits.
func preview(event store.Event) string {
	const most = 3
	values := event.Properties
	if values == nil {
		values = event.Traits
	}
	var words []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if len(words) == most {
			words = append(words, fmt.Sprintf("+%d", len(values)-most))
			break
		}
		words = append(words, printable(key, 30)+"="+printable(valueText(values[key]), 30))
	}
	return strings.Join(words, " ")
}

func valueText(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "?"
	}
	return string(text)
}

func severityStyle(s rules.Severity) style {
	switch s {
	case rules.Error:
		return styleRed
	case rules.Warning:
		return styleYellow
	default:
		return styleDim
	}
}

// printable makes text from outside safe for a terminal and for one line:
// characters that could move the cursor, change colours or turn the direction
// of writing are written as Go writes them. It is cut to a number of characters.
func printable(text string, most int) string {
	var out strings.Builder
	n := 0
	for len(text) > 0 {
		if n == most-1 && utf8.RuneCountInString(text) > 1 {
			out.WriteString("…")
			break
		}
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[0])
		case r == ' ' || unicode.IsPrint(r):
			out.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[size:]
		n++
	}
	return out.String()
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}
