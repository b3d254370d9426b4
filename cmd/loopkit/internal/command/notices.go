package command

import (
	"context"
	"log/slog"
	"slices"
	"strings"
)

// noticeHandler shows of the client's log what no command reports by itself.
// Personal data is no news to who typed it.
type noticeHandler struct {
	p      *program
	causes []string
}

func (noticeHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

func (h noticeHandler) Handle(_ context.Context, line slog.Record) error {
	line.Attrs(func(attr slog.Attr) bool {
		if attr.Key == "cause" && slices.Contains(h.causes, attr.Value.String()) {
			text := strings.TrimPrefix(line.Message, "loopkit: ")
			h.p.warn("%s", strings.ReplaceAll(text, "Options.BaseURL", "the address"))
		}
		return attr.Key != "cause"
	})
	return nil
}

// The client's lines have neither groups nor attributes of a logger.
func (h noticeHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h noticeHandler) WithGroup(string) slog.Handler      { return h }
