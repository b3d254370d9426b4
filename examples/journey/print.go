package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// printer writes for a person to read: plain text, aligned, in a stable order.
type printer struct {
	out io.Writer
	err error // the first of its writes
}

func (p *printer) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(p.out, format, args...); p.err == nil {
		p.err = err
	}
}

func (p *printer) section(title string) { p.printf("\n%s\n", title) }

// table writes rows of cells in aligned columns.
func (p *printer) table(rows [][]string) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintln(w, "  "+strings.Join(row, "\t")) // a strings.Builder takes everything
	}
	_ = w.Flush()
	p.printf("%s", text.String())
}

func (p *printer) requests(requests []collector.Request, messages []collector.Message) {
	carried := map[int][]string{}
	for _, m := range messages {
		carried[m.Request] = append(carried[m.Request], headline(m))
	}
	rows := [][]string{{"#", "method", "path", "auth", "form", "messages", "bytes", "status", "what was stored"}}
	for _, r := range requests {
		rows = append(rows, []string{
			fmt.Sprint(r.Index + 1), r.Method, r.Path, r.Auth, r.Form,
			fmt.Sprint(r.Messages), fmt.Sprint(r.Bytes), fmt.Sprint(r.Status),
			strings.Join(carried[r.Index], ", "),
		})
	}
	p.table(rows)
}

func headline(m collector.Message) string {
	switch m.Kind {
	case collector.KindIdentify:
		return "identify " + m.UserID
	case collector.KindGroup:
		return "group " + m.GroupID
	default:
		return string(m.Kind) + " " + m.Name
	}
}

func (p *printer) person(person collector.Person) {
	rows := named("user ID", [][]string{{person.UserID}})
	rows = append(rows, named("anonymous IDs", column(person.AnonymousIDs))...)
	var events [][]string
	for _, e := range person.Events {
		events = append(events, []string{e.Name, authorship(e, person)})
	}
	rows = append(rows, named("events", events)...)
	rows = append(rows, named("traits", traits(person.Traits))...)
	p.table(append(rows, named("groups", column(person.Groups))...))
}

// authorship says under which identity an event of the person was sent.
func authorship(e collector.Message, person collector.Person) string {
	switch {
	case e.UserID != "":
		return "as " + e.UserID
	case person.UserID != "":
		return "anonymous, merged by the identify"
	}
	return "anonymous"
}

func (p *printer) group(group collector.Group) {
	rows := named("group ID", [][]string{{group.ID}})
	rows = append(rows, named("type", [][]string{{group.Type}})...)
	rows = append(rows, named("traits", traits(group.Traits))...)
	p.table(append(rows, named("members", column(group.Members))...))
}

func (p *printer) stats(s loopkit.Stats) {
	rows := [][]string{
		{"accepted", fmt.Sprint(s.Accepted)},
		{"delivered", fmt.Sprint(s.Delivered)},
		{"pending", fmt.Sprint(s.Pending)},
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Dropped)) {
		rows = append(rows, []string{"dropped", fmt.Sprintf("%d (%s)", s.Dropped[reason], reason)})
	}
	p.table(append(rows, []string{"requests", fmt.Sprint(s.Requests)}))
}

// named puts a label before the first of some rows.
func named(label string, rows [][]string) [][]string {
	out := make([][]string, len(rows))
	for i, row := range rows {
		out[i] = append([]string{label}, row...)
		label = ""
	}
	return out
}

func column(values []string) [][]string {
	rows := make([][]string, len(values))
	for i, v := range values {
		rows[i] = []string{v}
	}
	return rows
}

func traits(values map[string]any) [][]string {
	rows := make([][]string, 0, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		rows = append(rows, []string{key, fmt.Sprint(values[key])})
	}
	return rows
}
