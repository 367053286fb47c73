package calendar

import (
	"errors"
	"time"
)

// Calendar tells of each local date of a market whether there is a session.
//
// It answers open or closed with a Session, and unknown with an error: past its
// coverage it never guesses. A Calendar must be safe for concurrent use and
// should answer from memory, since the scheduler asks while it plans.
type Calendar interface {
	// Name identifies the calendar in records and messages, as in XNSE.
	Name() string
	// Location is the zone of the market's wall times.
	Location() *time.Location
	// Session returns what is known of a date. The error wraps ErrUnknownDate
	// where the date is outside of what the calendar covers.
	Session(d Date) (Session, error)
}

// ErrUnknownDate is wrapped by the error of a Calendar that does not know a date.
var ErrUnknownDate = errors.New("date is outside the calendar's coverage")

// Versioned is a Calendar that has a version, which the record of a run keeps.
type Versioned interface {
	Version() string
}

// Covered is a Calendar that knows the dates from first to last and no others.
// The scheduler warns from 30 days before the last.
type Covered interface {
	Coverage() (first, last Date)
}

// PhaseLister is a Calendar that can name all the phases that its sessions may
// have, so that an anchor which no session can have is refused beforehand.
type PhaseLister interface {
	PhaseNames() []string
}

// Snapshotter is a Calendar that answers from memory. Snapshot returns at once,
// and what it returns never changes and answers at once too: the scheduler takes
// one at each tick and asks it in place, and what it has planned from one is of
// one piece. A calendar that never changes returns itself. The scheduler notices
// that there is another by its Version. A type that embeds such a calendar and
// answers otherwise needs a Snapshot of its own.
type Snapshotter interface {
	Snapshot() Calendar
}

// DataChecker is a Calendar that can tell what is wrong with its data, such as a
// file that could not be read again: it answers from older data then. DataError
// returns nil if all is well. The scheduler asks at each tick and shows it as a
// condition of its health.
type DataChecker interface {
	DataError() error
}
