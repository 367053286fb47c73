package calendar

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Hours are the wall times of one phase window of a day, from Start (included)
// to End (not included). A session may begin on the day before its date and end on the
// day after: see WallTime.
type Hours struct {
	Phase string   `json:"phase"`
	Start WallTime `json:"start"`
	End   WallTime `json:"end"`
}

// WeekdaysName is the name of the calendars of Weekdays.
const WeekdaysName = "weekdays"

// Weekdays returns the calendar that has a regular session on every Monday to
// Friday and knows no holidays. It is what a scheduler uses if it is given no
// calendar. Without hours its sessions have no phases, and rules that name an
// anchor are refused; with hours they have those, on every day. It panics on
// hours that are inverted or overlap, as these are written in code. From 17:00-1d to
// 17:00 in New York they are the week of foreign exchange.
func Weekdays(loc *time.Location, hours ...Hours) Calendar {
	hours = mustOrder(hours)
	return &pattern{name: WeekdaysName, loc: loc, hours: hours, open: isWeekday}
}

// AlwaysOpen returns the calendar of a market that never closes: each date is a
// regular session from its midnight to the next.
func AlwaysOpen(loc *time.Location) Calendar {
	return &pattern{name: alwaysOpenName, loc: loc, hours: wholeDay, open: isDay}
}

var wholeDay = []Hours{{PhaseRegular, 0, EndOfDay}}

func isDay(Date) bool { return true }

func isWeekday(d Date) bool { return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday }

// mustOrder returns the hours by their start, and panics if they cannot be those
// of one day.
func mustOrder(hours []Hours) []Hours {
	day := TableDay{Date: Date{2001, time.January, 1}, Kind: Regular, Hours: hours}
	if _, err := day.Session(time.UTC); err != nil {
		panic(fmt.Sprintf("calendar: Weekdays: %v", err))
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
