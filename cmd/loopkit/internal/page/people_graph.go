package page

import (
	"fmt"
	"strconv"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/timeline"
)

// graph is the drawing beside a step: the lanes that pass it, and its dot. Its
// geometry is in attributes, since the page's policy allows no inline style.
type graph struct {
	Width  int
	Lines  []graphLine
	Curve  string // path of the lane that joins the user's
	Joins  int    // its colour
	Shape  string // "dot", "ring", "square", "diamond", "cross" or none
	Path   string // of the shape, unless it is a circle
	X, Y   int    // of the dot
	Colour int    // of the dot
	Start  graphPoint
}

// graphLine is a vertical line. Y2 may be a percentage of the step's height.
type graphLine struct {
	X      int
	Y1, Y2 string
	Colour int
	Dashed bool
}

// graphPoint is where a lane begins that joins at once.
type graphPoint struct {
	Shown bool
	X, Y  int
}

// The measures in pixels. The dot is beside the first line of a step's text.
const (
	laneWidth = 22
	laneInset = 14
	dotY      = 18
	joinY     = 26
)

func laneX(column int) int { return laneInset + laneWidth*column }

func (s stepper) base(row timeline.Row) graph {
	return graph{
		Width:  laneX(s.told.Columns-1) + laneInset,
		X:      laneX(s.told.Lanes[row.Lane].Column),
		Y:      dotY,
		Colour: colourOf(s.told.Lanes, row.Lane),
	}
}

// graph draws a message.
func (s stepper) graph(row timeline.Row) graph {
	g := s.base(row)
	switch row.Mark {
	case timeline.Event:
		g.Shape = "dot"
	case timeline.Update:
		g.Shape = "ring"
	case timeline.Group:
		g.Shape = "square"
	case timeline.Join:
		g.Shape, g.Y = "join", joinY
	case timeline.Conflict:
		g.Shape, g.Y = "diamond", joinY
	case timeline.Deletion:
		g.Shape, g.Y = "cross", joinY
	}
	g.Path = shapePath(g.Shape, g.X, g.Y)
	for column, cell := range row.Cells {
		joins := row.Mark == timeline.Join && cell.Lane == row.Joined.Lane
		if joins {
			s.curve(&g, column, cell)
			continue
		}
		s.line(&g, column, cell, column == s.told.Lanes[row.Lane].Column, announced(row))
	}
	return g
}

// line draws a lane that passes, or that has the dot. One that was announced
// comes from there.
func (s stepper) line(g *graph, column int, cell timeline.Cell, hasDot, announced bool) {
	if cell.Lane < 0 {
		return
	}
	line := graphLine{X: laneX(column), Y1: "0", Y2: "100%", Colour: colourOf(s.told.Lanes, cell.Lane)}
	if opens := hasDot && !cell.Above; opens && !announced {
		line.Y1 = strconv.Itoa(g.Y)
	}
	if !cell.Below {
		line.Y2 = strconv.Itoa(g.Y)
	}
	if line.Y1 == line.Y2 {
		return
	}
	g.Lines = append(g.Lines, line)
}

// curve leads a lane into the user's.
func (s stepper) curve(g *graph, column int, cell timeline.Cell) {
	x, top := laneX(column), 0
	if !cell.Above {
		top = 8
		g.Start = graphPoint{Shown: true, X: x, Y: top}
	}
	middle := (top + g.Y) / 2
	g.Curve = fmt.Sprintf("M%d %d C%d %d %d %d %d %d", x, top, x, middle+6, g.X, middle-4, g.X, g.Y)
	g.Joins = colourOf(s.told.Lanes, cell.Lane)
}

// opening draws the step that opens a lane above its first row.
func (s stepper) opening(row timeline.Row) graph {
	g := s.base(row)
	g.Shape = "start"
	for column, cell := range row.Cells {
		own := column == s.told.Lanes[row.Lane].Column
		if cell.Lane < 0 || !own && !cell.Above {
			continue
		}
		line := graphLine{X: laneX(column), Y1: "0", Y2: "100%", Colour: colourOf(s.told.Lanes, cell.Lane)}
		if own {
			line.Y1 = strconv.Itoa(g.Y)
		}
		g.Lines = append(g.Lines, line)
	}
	return g
}

// folded draws the lanes that pass messages which are not shown.
func (s stepper) folded(row timeline.Row) graph {
	g := s.base(row)
	for column, cell := range row.Cells {
		if cell.Lane < 0 {
			continue
		}
		own := column == s.told.Lanes[row.Lane].Column
		g.Lines = append(g.Lines, graphLine{
			X: laneX(column), Y1: "0", Y2: "100%", Colour: colourOf(s.told.Lanes, cell.Lane), Dashed: own,
		})
	}
	return g
}

func shapePath(shape string, x, y int) string {
	switch shape {
	case "square":
		return fmt.Sprintf("M%d %dh9v9h-9z", x-4, y-4)
	case "diamond":
		return fmt.Sprintf("M%d %dl7 7l-7 7l-7 -7z", x, y-7)
	case "cross":
		return fmt.Sprintf("M%d %dl10 10M%d %dl-10 10", x-5, y-5, x+5, y-5)
	}
	return ""
}
