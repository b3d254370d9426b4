package command

import (
	"context"
	"log/slog"
	"strings"
)

// noticeHandler shows of the client's log what no command reports by itself: a
// key that travels unencrypted, and answers that are not LoopKit's. Personal
// data is no news to who typed it.
type noticeHandler struct{ p *program }

func (noticeHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

func (h noticeHandler) Handle(_ context.Context, line slog.Record) error {
	line.Attrs(func(attr slog.Attr) bool {
		if attr.Key != "cause" {
			return true
		}
		switch attr.Value.String() {
		case "plain_http", "foreign_answer":
			h.p.warn("%s", strings.TrimPrefix(line.Message, "loopkit: "))
		}
		return false
	})
	return nil
}

// The client's lines have neither groups nor attributes of a logger.
func (h noticeHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h noticeHandler) WithGroup(string) slog.Handler      { return h }
