//go:build browser

package browser_test

import (
	"fmt"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// pageLog collects what a browser's developer tools would show.
type pageLog struct {
	mu         sync.Mutex
	problems   []string // exceptions, dialogs, errors and warnings, those of the CSP too
	setCookies []string // Set-Cookie lines of all responses
}

func (l *pageLog) listen(event any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		l.problems = append(l.problems, (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			l.problems = append(l.problems, fmt.Sprintf("console.%s", e.Type))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			l.problems = append(l.problems, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *page.EventJavascriptDialogOpening:
		l.problems = append(l.problems, fmt.Sprintf("a dialog: %s", e.Message))
	case *network.EventResponseReceivedExtraInfo:
		for name, value := range e.Headers {
			if strings.EqualFold(name, "Set-Cookie") {
				l.setCookies = append(l.setCookies, strings.Split(fmt.Sprint(value), "\n")...)
			}
		}
	}
}

func (l *pageLog) takeProblems() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.problems
	l.problems = nil
	return taken
}

func (l *pageLog) takeSetCookies() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.setCookies
	l.setCookies = nil
	return taken
}
