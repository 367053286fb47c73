package exchange

import (
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Sessions are what is known of the sessions of one market, or of a segment of it that
// has hours of its own: a calendar.Calendar that answers many more questions. They never
// change, and answer from memory. All methods are safe for concurrent use.
//
// There are three answers: open, closed and, as an error, unknown. Outside their
// coverage each query returns a *CoverageError, and where an answer depends on
// hours that are not announced yet, an *HoursUnknownError. Queries take instants
// in any location: only the instant counts, and the dates are those of the
// market's own zone. The instants that they return, those of phases included, are
// in UTC.
//
// They are made by Market.Build or Compile. The zero value is of no use.
type Sessions struct {
	name, title, mic, basis, version string

	loc         *time.Location
	first, last calendar.Date
	phases      []string // the names of all phases that its sessions may have

	// What follows has an entry for each date of the coverage. begins and counts
	// have one more, for its end.
	base   int                // the number of the first date
	days   []calendar.Session // the dates themselves
	hours  [][]window         // the regular phase of each
	begins []int64            // the instant at which each begins
	counts []int              // how many sessions are before each

	early, late int64      // seconds by which sessions begin before their dates, and end after them
	weeks       []weekFrom // the weeks of the market, in order; none means Monday to Friday

	sessions   []int // the numbers of the dates with sessions, in order
	settlement *settlement

	assumed       bool             // it guesses outside the coverage
	assuming      *Sessions        // the one that does, if it does not itself
	before, after []calendar.Hours // those of the weekdays next to the coverage

	market  *Market // what it was built from; nil if it was compiled
	segment int     // which of the market's segments it is
}

var (
	_ calendar.Calendar    = (*Sessions)(nil)
	_ calendar.Versioned   = (*Sessions)(nil)
	_ calendar.Covered     = (*Sessions)(nil)
	_ calendar.PhaseLister = (*Sessions)(nil)
	_ calendar.Snapshotter = (*Sessions)(nil)

	_ calendar.WorkweekKeeper = (*Sessions)(nil)
)

// window is a window of the regular phase, in Unix seconds: from start, included,
// to end, not included.
type window struct{ start, end int64 }

// Name returns the calendar's name, as in XNSE or XNSE.FO.
func (c *Sessions) Name() string { return c.name }

// Title returns the names of the market and of the segment, for people.
func (c *Sessions) Title() string { return c.title }

// MIC returns the market identifier code of the exchange. It is empty if the
// calendar was compiled from one that is no exchange's.
func (c *Sessions) MIC() string { return c.mic }

// Basis says what the data rest on, for people.
func (c *Sessions) Basis() string { return c.basis }

// Version returns the edition of the data with a digest of them, as in
// 2026-11-22-1f0c33d8, so that calendars of different data differ in version.
func (c *Sessions) Version() string { return c.version }

// Location returns the zone of the market's wall times.
func (c *Sessions) Location() *time.Location { return c.loc }

// Coverage returns the first and the last date that the calendar knows. What it
// was told to assume beyond them is not counted.
func (c *Sessions) Coverage() (first, last calendar.Date) { return c.first, c.last }

// PhaseNames returns the names of all phases that sessions of the calendar may
// have. The regular phase is one of them in any case.
func (c *Sessions) PhaseNames() []string { return slices.Clone(c.phases) }

// Snapshot returns the calendar itself, as it never changes.
func (c *Sessions) Snapshot() calendar.Calendar { return c }

// Session returns what is known of a date, which may be a closed one. The error
// is a *CoverageError where the date is not covered. A date that does not exist,
// as 2026-02-31, is an error too.
func (c *Sessions) Session(d calendar.Date) (calendar.Session, error) {
	if i := number(d) - c.base; i >= 0 && i < len(c.days) && c.days[i].Date == d {
		return c.days[i], nil
	}
	return c.uncovered(d)
}

// at returns what is known of the date that has a number.
func (c *Sessions) at(n int) (calendar.Session, error) {
	if i := n - c.base; i >= 0 && i < len(c.days) {
		return c.days[i], nil
	}
	return c.uncovered(dateOf(n))
}

// covers reports whether the date that has a number is covered.
func (c *Sessions) covers(n int) bool { return n >= c.base && n < c.base+len(c.days) }

// set fills in what is known of the dates of the coverage, one session for each.
func (c *Sessions) set(days []calendar.Session, begins []int64) {
	c.base, c.days, c.begins = number(c.first), days, begins
	c.hours = make([][]window, len(days))
	c.counts = make([]int, len(days)+1)
	c.note(calendar.PhaseRegular)
	for i, s := range days {
		if s.Open() {
			c.sessions = append(c.sessions, c.base+i)
		}
		c.counts[i+1] = len(c.sessions)
		for _, p := range s.Phases {
			c.note(p.Name)
			c.early = max(c.early, begins[i]-p.Start.Unix())
			c.late = max(c.late, p.End.Unix()-begins[i+1])
			if p.Name == calendar.PhaseRegular {
				c.hours[i] = append(c.hours[i], window{p.Start.Unix(), p.End.Unix()})
			}
		}
	}
}

// checkApart reports sessions that go on when the next begins.
func (c *Sessions) checkApart() error {
	if c.early == 0 && c.late == 0 {
		return nil // each is on its own date
	}
	var p problems
	for i := 1; i < len(c.days); i++ {
		if c.days[i-1].Overlaps(c.days[i]) {
			p.addf(c.days[i].Date.String(), "the session begins before that of %s has ended", c.days[i-1].Date)
		}
	}
	return p.first()
}

// note adds a phase to those that sessions may have.
func (c *Sessions) note(phase string) {
	if !slices.Contains(c.phases, phase) {
		c.phases = append(c.phases, phase)
	}
}

// beginnings returns the instants, in Unix seconds, at which the dates from first
// on begin, and that at which the last of them ends.
func beginnings(first, last calendar.Date, loc *time.Location) []int64 {
	begins := make([]int64, 0, number(last)-number(first)+2)
	for n := number(first); n <= number(last)+1; n++ {
		begins = append(begins, calendar.WallTime(0).On(dateOf(n), loc).Unix())
	}
	return begins
}
