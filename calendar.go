package tradeclock

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Date is a calendar date without a time or a zone: the label of a session.
// The zero value is no date. Dates are comparable and may be map keys.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the date of t in the location that t carries.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// ParseDate parses a date of the form 2026-11-23.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	var parse *time.ParseError
	switch {
	case errors.As(err, &parse) && strings.HasSuffix(parse.Message, "out of range"):
		return Date{}, fmt.Errorf("date %q: there is no such date", text)
	case err != nil:
		return Date{}, fmt.Errorf("date %q: want the form 2026-11-23", text)
	}
	return DateOf(t), nil
}

// String returns the date in the form 2026-11-23.
func (d Date) String() string {
	return string(d.append(make([]byte, 0, len(time.DateOnly))))
}

func (d Date) append(b []byte) []byte { return d.utc().AppendFormat(b, time.DateOnly) }

// utc returns midnight of the date in UTC: the form in which dates are compared
// and counted, since UTC has no gaps.
func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// AddDays returns the date n days later; n may be negative.
func (d Date) AddDays(n int) Date {
	const everyMonth = 28 // days that each month has
	if day := d.Day + n; 1 <= day && day <= everyMonth && time.January <= d.Month && d.Month <= time.December {
		return Date{d.Year, d.Month, day}
	}
	return DateOf(d.utc().AddDate(0, 0, n))
}

// Weekday returns the day of the week of d.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// Compare returns -1, 0 or 1 as d is before, equal to or after e.
func (d Date) Compare(e Date) int { return d.utc().Compare(e.utc()) }

// Before reports whether d is before e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// After reports whether d is after e.
func (d Date) After(e Date) bool { return d.Compare(e) > 0 }

// IsZero reports whether d is the zero value, which is no date.
func (d Date) IsZero() bool { return d == Date{} }

// MarshalText returns the date in the form 2026-11-23; the zero date is empty.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText parses what MarshalText wrote.
func (d *Date) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	*d, err = ParseDate(string(text))
	return err
}

// SessionKind says what a calendar knows of a date. The zero value is Closed.
type SessionKind uint8

// The kinds of a date. A date of which a calendar knows nothing has no kind: the
// calendar answers with an error instead.
const (
	Closed    SessionKind = iota // no trading
	Regular                      // a session at regular hours, on a weekend too, and a full day at other hours
	Shortened                    // an early close or a late open
	Special                      // other hours, and fewer: a Muhurat hour, a disaster-recovery Saturday
)

var kindNames = [...]string{"closed", "regular", "shortened", "special"}

// String returns the kind's name in lower case.
func (k SessionKind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("SessionKind(%d)", uint8(k))
}

// MarshalText returns the name, and an error for a value that has none.
func (k SessionKind) MarshalText() ([]byte, error) { return marshalName("kind", kindNames[:], int(k)) }

// UnmarshalText parses what MarshalText wrote.
func (k *SessionKind) UnmarshalText(text []byte) error {
	i, err := unmarshalName("kind", kindNames[:], string(text))
	if err == nil {
		*k = SessionKind(i)
	}
	return err
}

// The names of the phases that the exchanges have in common. A calendar may
// have others.
const (
	PhasePreOpen        = "pre_open"
	PhaseRegular        = "regular"
	PhaseClosingAuction = "closing_auction"
	PhasePostClose      = "post_close"
)

// Phase is one window of a named part of a session: from Start, included, to
// End, not included. A phase with several windows on one day (a lunch break)
// appears once for each, in order.
type Phase struct {
	Name  string    `json:"name"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Session is what a calendar knows of one local date. A Closed date is a
// Session too, so that it can say why. The phases are shared with the calendar:
// do not change them.
type Session struct {
	Date Date        `json:"date"`
	Kind SessionKind `json:"kind"`
	// Phases are ordered by start. They are empty on a closed date, when the
	// hours are unknown, and in a calendar that knows days and no hours.
	Phases []Phase `json:"phases,omitzero"`
	// HoursUnknown is true if the session is certain and its hours are not.
	HoursUnknown bool `json:"hours_unknown,omitzero"`
	// Assumed is true if the calendar was told to guess what it does not know, and
	// guessed this.
	Assumed bool `json:"assumed,omitzero"`
	// Reason says why the date is as it is, in the words of people: "Diwali
	// Muhurat", "Municipal elections". It may be empty.
	Reason string `json:"reason,omitzero"`
	// Announced is when that was announced, or zero.
	Announced Date `json:"announced,omitzero"`
	// Source is where it was found, such as the number of a circular. It may be
	// empty.
	Source string `json:"source,omitzero"`
}

// Open reports whether there is a session on the date.
func (s Session) Open() bool { return s.Kind != Closed }

// Bounds returns the first start and the last end of a phase. It is not ok if the
// session does not have it.
func (s Session) Bounds(phase string) (start, end time.Time, ok bool) {
	for _, p := range s.Phases {
		if p.Name != phase {
			continue
		}
		if !ok || p.Start.Before(start) {
			start = p.Start
		}
		if !ok || p.End.After(end) {
			end = p.End
		}
		ok = true
	}
	return start, end, ok
}

// Describe says what the date is and why, in the calendar's words: "closed:
// Municipal elections, announced 2026-01-12", "special session: Muhurat".
func (s Session) Describe() string {
	text := s.Kind.String()
	if s.Open() {
		text += " session"
	}
	if s.Assumed {
		text += " (assumed)"
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	if !s.Announced.IsZero() {
		text += ", announced " + s.Announced.String()
	}
	return text
}

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

// Troubled is a Calendar that can tell what is wrong with its data, such as a
// file that could not be read again: it answers from older data then. Trouble
// returns nil if all is well. The scheduler asks at each tick and shows it as a
// condition of its health.
type Troubled interface {
	Trouble() error
}

// Hours are the wall times of one phase window of a day, from Start (included)
// to End (not included), both of the same date.
type Hours struct {
	Phase string   `json:"phase"`
	Start WallTime `json:"start"`
	End   WallTime `json:"end"`
}

const (
	weekdaysName   = "weekdays"
	alwaysOpenName = "always-open"
)

// Weekdays returns the calendar that has a regular session on every Monday to
// Friday and knows no holidays. It is what a scheduler uses if it is given no
// calendar. Without hours its sessions have no phases, and rules that name an
// anchor are refused; with hours they have those, on every day. It panics on
// hours that are inverted or overlap, as these are written in code.
func Weekdays(loc *time.Location, hours ...Hours) Calendar {
	hours = mustOrder(hours)
	return &pattern{name: weekdaysName, loc: loc, hours: hours, open: func(d Date) bool {
		return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
	}}
}

// AlwaysOpen returns the calendar of a market that never closes: each date is a
// regular session from its midnight to the next.
func AlwaysOpen(loc *time.Location) Calendar {
	return &pattern{
		name:  alwaysOpenName,
		loc:   loc,
		hours: []Hours{{PhaseRegular, 0, 24 * 60 * 60}},
		open:  func(Date) bool { return true },
	}
}

// mustOrder returns the hours by their start, and panics if they cannot be those
// of one day.
func mustOrder(hours []Hours) []Hours {
	day := TableDay{Date: Date{2001, time.January, 1}, Kind: Regular, Hours: hours}
	if _, err := day.Session(time.UTC); err != nil {
		panic(fmt.Sprintf("tradeclock: Weekdays: %v", err))
	}
	hours = slices.Clone(hours)
	slices.SortStableFunc(hours, func(a, b Hours) int { return cmp.Compare(a.Start, b.Start) })
	return hours
}

// pattern is a calendar that is the same every week, with no dates of its own.
type pattern struct {
	name  string
	loc   *time.Location
	hours []Hours
	open  func(Date) bool
}

func (p *pattern) Name() string             { return p.name }
func (p *pattern) Location() *time.Location { return p.loc }
func (p *pattern) Snapshot() Calendar       { return p }

func (p *pattern) PhaseNames() []string {
	names := make([]string, 0, len(p.hours))
	for _, h := range p.hours {
		names = append(names, h.Phase)
	}
	return names
}

func (p *pattern) Session(d Date) (Session, error) {
	if !p.open(d) {
		return Session{Date: d, Kind: Closed, Reason: d.Weekday().String()}, nil
	}
	s := Session{Date: d, Kind: Regular, Phases: make([]Phase, 0, len(p.hours))}
	for _, h := range p.hours {
		s.Phases = append(s.Phases, Phase{h.Phase, h.Start.On(d, p.loc), h.End.On(d, p.loc)})
	}
	return s, nil
}
