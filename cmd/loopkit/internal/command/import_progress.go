package command

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/importer"
)

// console is stderr for several who write to it, and a progress bar in its last line.
type console struct {
	mu  sync.Mutex
	w   io.Writer
	bar *progressbar.ProgressBar // nil if there is none
}

func (c *console) Write(text []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bar != nil {
		_ = c.bar.Clear() // it is drawn again soon
	}
	return c.w.Write(text)
}

const (
	barInterval   = 100 * time.Millisecond
	plainInterval = 5 * time.Second // between lines without a terminal
)

// importProgress shows how far an import is: a bar on a terminal, else a line
// from time to time.
type importProgress struct {
	*console
	terminal bool
	now      func() time.Time

	path    string // of the file under way
	began   time.Time
	printed time.Time
	first   importer.Progress
}

func (s *importProgress) report(p importer.Progress) {
	now := s.now()
	if p.Path != s.path {
		s.path, s.began, s.printed, s.first = p.Path, now, now, p
	}
	speed := 0.0
	if passed := now.Sub(s.began).Seconds(); passed > 0 {
		speed = float64(p.Sent+p.Rejected-s.first.Sent-s.first.Rejected) / passed
	}
	text := fmt.Sprintf("%d sent, %d set aside, %.0f/s%s", p.Sent, p.Rejected, speed, s.left(p, now))
	if p.Waiting != nil {
		text += ", waiting: " + shortly(p.Waiting)
	}
	switch since := now.Sub(s.printed); {
	case s.terminal && since >= barInterval:
		s.printed = now
		s.draw(p, text)
	case !s.terminal && since >= plainInterval:
		s.printed = now
		_, _ = fmt.Fprintf(s.console, "%s: %.0f %%, %s\n", p.Path, percent(p), text) // nobody is left to tell
	}
}

// shortly says why nothing is delivered, for a bar that has one line. It does not
// repeat what the server says, nor names of the library.
func shortly(err error) string {
	var answer *loopkit.APIError
	if errors.As(err, &answer) {
		return fmt.Sprintf("%s answered %s", answer.Endpoint, statusLine(answer.StatusCode))
	}
	text := strings.TrimSuffix(strings.TrimPrefix(err.Error(), "loopkit: "), " (Options.RequestTimeout)")
	return fmt.Sprintf("%.80s", text)
}

func (s *importProgress) draw(p importer.Progress, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar == nil {
		s.bar = progressbar.NewOptions64(max(1, p.Size),
			progressbar.OptionSetWriter(s.w),
			progressbar.OptionSetWidth(20),
			progressbar.OptionSetPredictTime(false), // it would take what an import before has read for speed
			progressbar.OptionSetElapsedTime(false),
			progressbar.OptionShowDescriptionAtLineEnd(),
			progressbar.OptionClearOnFinish(),
		)
	}
	_ = s.bar.Set64(min(p.Read, max(1, p.Size))) // a bar that cannot be drawn stops no import
	s.bar.Describe(text)
}

// end takes the bar away.
func (s *importProgress) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Clear() // what cannot be taken away is overwritten
		s.bar = nil
	}
	s.path = ""
}

func percent(p importer.Progress) float64 {
	if p.Size == 0 {
		return 100
	}
	return math.Floor(100 * float64(p.Read) / float64(p.Size))
}

// left guesses how long it will take still.
func (s *importProgress) left(p importer.Progress, now time.Time) string {
	read := p.Read - s.first.Read
	if read <= 0 || p.Read >= p.Size {
		return ""
	}
	left := now.Sub(s.began).Seconds() * float64(p.Size-p.Read) / float64(read)
	return fmt.Sprintf(", about %v left", time.Duration(left*float64(time.Second)).Round(time.Second))
}
