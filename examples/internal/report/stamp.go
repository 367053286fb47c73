package report

import (
	"log/slog"
	"time"

	"github.com/tradeclock/tradeclock"
)

// Stamp returns what gives log lines the time of a clock, in a place, and leaves out
// the usual level: the ReplaceAttr of a slog handler.
func Stamp(clock tradeclock.Clock, loc *time.Location) func([]string, slog.Attr) slog.Attr {
	return func(_ []string, a slog.Attr) slog.Attr {
		switch {
		case a.Key == slog.TimeKey:
			return slog.String(a.Key, clock.Now().In(loc).Format("2006-01-02T15:04:05"))
		case a.Key == slog.LevelKey && a.Value.String() == slog.LevelInfo.String():
			return slog.Attr{}
		}
		return a
	}
}
