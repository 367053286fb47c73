package exchange

import (
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Live is a calendar of a Watcher: what it answers follows the files. A scheduler
// takes a Snapshot of it at each tick, and so plans a change from the next tick
// on. All methods are safe for concurrent use.
type Live struct {
	name    string
	watcher *Watcher
	assumed bool
}

var (
	_ calendar.Calendar    = (*Live)(nil)
	_ calendar.Versioned   = (*Live)(nil)
	_ calendar.Covered     = (*Live)(nil)
	_ calendar.PhaseLister = (*Live)(nil)
	_ calendar.Snapshotter = (*Live)(nil)
	_ calendar.DataChecker = (*Live)(nil)

	_ calendar.WorkweekKeeper = (*Live)(nil)
)

// Now returns the calendar as it is now, which has the queries. It never changes:
// ask Now again after a while.
func (l *Live) Now() *Sessions {
	// The name was known to the set that Live was made from, and a set that lacks a
	// calendar of the one before is refused.
	c, _ := l.watcher.Set().Calendar(l.name)
	if l.assumed {
		return c.AssumeWeekdays()
	}
	return c
}

// AssumeWeekdays returns the calendar that follows the same files and guesses
// where they say nothing, as Sessions.AssumeWeekdays tells. A later file that
// covers a date goes before the guess.
func (l *Live) AssumeWeekdays() *Live {
	return &Live{name: l.name, watcher: l.watcher, assumed: true}
}

// Name returns the calendar's name, as in XNSE or XNSE.FO.
func (l *Live) Name() string { return l.name }

// Version returns the version of the calendar as it is now.
func (l *Live) Version() string { return l.Now().Version() }

// Location returns the zone of the market's wall times.
func (l *Live) Location() *time.Location { return l.Now().Location() }

// Coverage returns the first and the last date that the calendar knows now.
func (l *Live) Coverage() (first, last calendar.Date) { return l.Now().Coverage() }

// PhaseNames returns the names of all phases that sessions may have as it is now.
func (l *Live) PhaseNames() []string { return l.Now().PhaseNames() }

// Session returns what is known of a date now.
func (l *Live) Session(d calendar.Date) (calendar.Session, error) { return l.Now().Session(d) }

// Workweek returns the week of the market that holds on a date, as it is known now.
func (l *Live) Workweek(d calendar.Date) calendar.Workweek { return l.Now().Workweek(d) }

// Snapshot returns the calendar as it is now.
func (l *Live) Snapshot() calendar.Calendar { return l.Now() }

// DataError returns why the files were refused when they were last read, or nil. The
// calendar answers from the data before them then.
func (l *Live) DataError() error { return l.watcher.DataError() }
