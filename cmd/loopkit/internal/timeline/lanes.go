package timeline

import (
	"cmp"
	"slices"
)

// MaxColumns is how many lanes are drawn side by side. More share the last column.
const MaxColumns = 6

// span is the rows from first to last that a lane is open in.
type span struct{ first, last int }

func (t *teller) timeline() *Timeline {
	slices.SortStableFunc(t.told, func(a, b telling) int { return cmp.Compare(a.Entry.Seq, b.Entry.Seq) })
	out := &Timeline{Conflicts: t.conflicts, Loose: t.stillLoose(t.concerns)}
	lanes := make(map[string]int) // by anonymous ID
	number := func(anonymousID string) int {
		lane, ok := lanes[anonymousID]
		if !ok {
			lane = len(out.Lanes)
			lanes[anonymousID] = lane
			out.Lanes = append(out.Lanes, Lane{AnonymousID: anonymousID})
		}
		return lane
	}
	if t.person.UserID != "" {
		number("")
	}
	open := make(map[int]bool)
	for _, told := range t.told {
		row := told.Row
		row.Lane = number(told.anonymousID)
		row.Opens = !open[row.Lane]
		open[row.Lane] = row.Mark != Deletion
		out.Lanes[row.Lane].Messages++
		if row.Mark == Join {
			row.Joined.Lane = number(row.Joined.AnonymousID)
		}
		out.Rows = append(out.Rows, row)
	}
	out.draw(t.person.UserID != "")
	return out
}

// draw gives every lane a column and every row its cells.
func (t *Timeline) draw(hasUser bool) {
	spans := t.spans()
	var busy []int // column → last row that it is taken in
	if hasUser {
		busy = []int{len(t.Rows)}
	}
	for lane := range t.Lanes {
		if hasUser && lane == 0 || len(spans[lane]) == 0 {
			continue
		}
		open := spans[lane][0]
		column := slices.IndexFunc(busy, func(until int) bool { return until < open.first })
		if column < 0 {
			column = min(len(busy), MaxColumns-1)
		}
		if column == len(busy) {
			busy = append(busy, 0)
		}
		busy[column] = max(busy[column], open.last)
		t.Lanes[lane].Column = column
	}
	t.Columns = len(busy)
	for i := range t.Rows {
		t.Rows[i].Cells = slices.Repeat([]Cell{{Lane: -1}}, t.Columns)
	}
	for lane, open := range spans {
		for _, s := range open {
			for i := s.first; i <= s.last; i++ {
				cell := &t.Rows[i].Cells[t.Lanes[lane].Column]
				cell.Lane = lane
				cell.Above = cell.Above || i > s.first
				cell.Below = cell.Below || i < s.last
			}
		}
	}
}

// spans returns when each lane is open: from its first row to the join, or to
// the end; the user's ends with a deletion and may open again.
func (t *Timeline) spans() [][]span {
	spans := make([][]span, len(t.Lanes))
	closed := make([]bool, len(t.Lanes))
	for i, row := range t.Rows {
		if open := spans[row.Lane]; len(open) == 0 || closed[row.Lane] {
			spans[row.Lane] = append(open, span{i, len(t.Rows) - 1})
			closed[row.Lane] = false
		}
		end := -1
		switch row.Mark {
		case Deletion:
			end = row.Lane
		case Join:
			end = row.Joined.Lane
			if len(spans[end]) == 0 {
				spans[end] = []span{{i, i}}
			}
		}
		if end >= 0 {
			spans[end][len(spans[end])-1].last = i
			closed[end] = true
		}
	}
	return spans
}
