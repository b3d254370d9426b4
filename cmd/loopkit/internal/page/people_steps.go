package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/timeline"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// What a timeline shows at most.
const (
	rowsAroundFold = 3
	mostInFold     = 100
	mostSteps      = 400
)

// step is one line of a timeline: a lane that opens, a message, or messages
// that are folded away.
type step struct {
	Form  string // "open", "fold", or the row's mark
	Graph graph
	Row   timeline.Row
	Lane  laneName // the row's
	Label string   // of the person

	Device   laneName // where the message came from, if that is known
	Attached string   // what a join brought
	Values   []valueCell
	More     int // values that are not among them
	Warnings warningCell

	Folded  []step
	Count   int    // of folded messages
	Summary string // of them
	All     string // address of them all, if they are too many
}

// laneName is how a timeline calls a lane.
type laneName struct {
	Short, ID string // empty for the user's lane
	Colour    int
}

// laneColours is how many colours there are besides that of the user's lane.
const laneColours = 6

// colourOf returns 0 for the user's lane, and -1 for none.
func colourOf(lanes []timeline.Lane, lane int) int {
	switch {
	case lane < 0:
		return -1
	case lanes[lane].AnonymousID == "":
		return 0
	}
	first := 0
	if lanes[0].AnonymousID == "" {
		first = 1
	}
	return (lane-first)%laneColours + 1
}

// shortNames returns the beginnings of the lanes' anonymous IDs that tell them apart.
func shortNames(lanes []timeline.Lane) []laneName {
	names := make([]laneName, len(lanes))
	const shortest, longest = 8, 24
	for length := shortest; ; length += 2 {
		seen := make(map[string]bool)
		unique := true
		for i, lane := range lanes {
			if lane.AnonymousID == "" {
				continue
			}
			short := shortened(lane.AnonymousID, length)
			unique = unique && !seen[short]
			seen[short] = true
			names[i] = laneName{Short: short, ID: lane.AnonymousID, Colour: colourOf(lanes, i)}
		}
		if unique || length >= longest {
			return names
		}
	}
}

// shortened leaves out the rest of an ID, unless that is hardly longer than a mark.
func shortened(id string, length int) string {
	if utf8.RuneCountInString(id) <= length+4 {
		return visible(id)
	}
	return clip(length, id)
}

// stepper makes the steps of one timeline.
type stepper struct {
	told    *timeline.Timeline
	names   []laneName
	devices map[string]laneName
	label   string
}

// stepsOf returns the lines of the timeline, and how many messages had no room.
func stepsOf(told *timeline.Timeline, names []laneName, label string) (steps []step, hidden int) {
	s := stepper{told: told, names: names, devices: make(map[string]laneName), label: label}
	for _, name := range names {
		s.devices[name.ID] = name
	}
	for _, block := range told.Blocks(rowsAroundFold) {
		if len(steps) >= mostSteps {
			hidden += len(block.Rows)
			continue
		}
		if block.Folded {
			steps = append(steps, s.fold(block.Rows))
			continue
		}
		row := block.Rows[0]
		if announced(row) {
			steps = append(steps, step{Form: "open", Graph: s.opening(row), Row: row, Lane: names[row.Lane], Label: label})
		}
		steps = append(steps, s.step(row))
	}
	return steps, hidden
}

// announced reports whether a step of its own opens the row's lane.
func announced(row timeline.Row) bool {
	return row.Opens && row.Mark != timeline.Join && row.Mark != timeline.Deletion
}

func (s stepper) step(row timeline.Row) step {
	m := row.Entry.Message
	out := step{
		Form:     string(row.Mark),
		Graph:    s.graph(row),
		Row:      row,
		Lane:     s.names[row.Lane],
		Label:    s.label,
		Warnings: warningsOf(row.Entry),
	}
	out.Values, out.More = previewOf(m)
	if m.AnonymousID != "" {
		out.Device = s.devices[m.AnonymousID]
		if out.Device.ID == "" {
			out.Device = laneName{Short: shortened(m.AnonymousID, 8), ID: m.AnonymousID, Colour: -1}
		}
	}
	if row.Mark == timeline.Join {
		out.Device = s.names[row.Joined.Lane]
		out.Attached = attached(row.Joined)
	}
	return out
}

// attached says what an identify attached to the user.
func attached(j timeline.Joined) string {
	var parts []string
	if j.Events > 0 {
		parts = append(parts, plural(j.Events, "earlier event"))
	}
	if j.Groups > 0 {
		parts = append(parts, plural(j.Groups, "earlier group call"))
	}
	if len(parts) == 0 {
		return "no earlier events"
	}
	return strings.Join(parts, " and ") + " attached"
}

func (s stepper) fold(rows []timeline.Row) step {
	out := step{
		Form:    "fold",
		Graph:   s.folded(rows[0]),
		Row:     rows[0],
		Lane:    s.names[rows[0].Lane],
		Label:   s.label,
		Count:   len(rows),
		Summary: summaryOf(rows),
	}
	shown := rows
	if len(rows) > mostInFold {
		shown = rows[:mostInFold]
		out.All = s.allOf(rows)
	}
	for _, row := range shown {
		out.Folded = append(out.Folded, s.step(row))
	}
	return out
}

// allOf returns the address of the rows in Live, or as near as its filter comes.
func (s stepper) allOf(rows []timeline.Row) string {
	user := rows[0].Entry.Message.UserID
	if user != "" {
		return liveURL("user", user)
	}
	return liveURL("anon", rows[0].Entry.Message.AnonymousID)
}

// summaryOf counts the messages by what they are, the most frequent first.
func summaryOf(rows []timeline.Row) string {
	counts := make(map[string]int)
	for _, row := range rows {
		counts[headlineOf(row.Entry.Message)]++
	}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	const shown = 3
	var parts []string
	for _, name := range names[:min(shown, len(names))] {
		parts = append(parts, fmt.Sprintf("%d × %s", counts[name], clip(40, name)))
	}
	if len(names) > shown {
		parts = append(parts, "…")
	}
	return strings.Join(parts, ", ")
}

// headlineOf names a message: the event, or "identify".
func headlineOf(m *collector.Message) string {
	if m.Kind == collector.KindTrack {
		return m.Name
	}
	return string(m.Kind)
}
