package ical

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	ics "github.com/arran4/golang-ical"

	"github.com/tradeclock/tradeclock/calendar"
)

// Reading says which events of a file are meant, and what they are. The zero value reads
// a list of holidays, of all whose events the days are closed.
type Reading struct {
	// Match tells by its summary whether an event is one of the list. Nil takes them all.
	Match func(summary string) bool
	// Kind is what the days are. Those of a Closed one, the zero value, are events of whole
	// days. Of another kind, an event with times has the hours of the regular phase, and
	// one of a whole day is a session whose hours are not known.
	Kind calendar.SessionKind
	// Location is the zone of the dates, which is the calendar's. Events with times need
	// it.
	Location *time.Location
	// First and Last are the coverage. Zero leaves it the years of the events that are not
	// repeated, and a list of those that all are needs it.
	First, Last calendar.Date
	// Source is kept with each day, as the name of the file.
	Source string
}

// Holidays are the days of a file, in order, and what dates it says all of.
type Holidays struct {
	First, Last calendar.Date
	Days        []calendar.TableDay
}

// mostBytes bounds a file. A list of a century has a quarter of that.
const mostBytes = 1 << 20

// ReadHolidays reads the holidays of an exchange from an iCalendar file. What it returns
// makes a calendar by calendar.NewTable, whose coverage are the file's years: of any other
// date the calendar knows nothing.
//
// An event of several days is as many days, and one that is repeated yearly is there in
// each year of the coverage, but for its EXDATE. Events that are CANCELLED are left out.
//
// It is all or nothing. The error has everything that is wrong, each with its line: a file
// that is cut off, times where whole days are meant, a zone that nobody knows, a date that
// is listed twice, a year without any day, a repetition other than yearly.
func ReadHolidays(r io.Reader, o Reading) (Holidays, error) {
	h, err := o.read(r)
	if err != nil {
		return Holidays{}, fmt.Errorf("holidays: %w", err)
	}
	return h, nil
}

func (o Reading) read(r io.Reader) (Holidays, error) {
	text, err := io.ReadAll(io.LimitReader(r, mostBytes+1))
	if err != nil {
		return Holidays{}, err
	}
	if len(text) > mostBytes {
		return Holidays{}, fmt.Errorf("the file has more than %d bytes", mostBytes)
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	lines, err := linesOf(text)
	if err != nil {
		return Holidays{}, err
	}
	file, err := ics.ParseCalendar(bytes.NewReader(text))
	if err != nil {
		return Holidays{}, err
	}
	found := file.Events()
	if len(found) != len(lines) {
		return Holidays{}, fmt.Errorf("it has %d events, of which %d can be read", len(lines), len(found))
	}
	var entries []entry
	var errs []error
	for i, event := range found {
		e, err := o.entry(event, lines[i])
		if err != nil {
			errs = append(errs, err)
		} else if e.span > 0 {
			entries = append(entries, e)
		}
	}
	if len(errs) > 0 {
		return Holidays{}, errors.Join(errs...)
	}
	return o.days(entries)
}

// days lays the entries out over the coverage.
func (o Reading) days(entries []entry) (Holidays, error) {
	h, err := o.coverage(entries)
	if err != nil {
		return Holidays{}, err
	}
	var errs []error
	seen := make(map[calendar.Date]int) // the lines of the dates that are there
	for _, e := range entries {
		for _, date := range e.dates(h.First, h.Last) {
			if line, twice := seen[date]; twice {
				errs = append(errs, fmt.Errorf("line %d: %v is listed on line %d already", e.line, date, line))
				continue
			}
			seen[date] = e.line
			day := calendar.TableDay{
				Date: date, Kind: o.Kind, Hours: e.hours, HoursUnknown: o.Kind != calendar.Closed && len(e.hours) == 0,
				Reason: e.summary, Source: o.Source,
			}
			if _, err := day.Session(time.UTC); err != nil {
				errs = append(errs, fmt.Errorf("line %d: %w", e.line, err))
			}
			h.Days = append(h.Days, day)
		}
	}
	slices.SortFunc(h.Days, func(a, b calendar.TableDay) int { return a.Date.Compare(b.Date) })
	return h, errors.Join(append(errs, o.checkYears(h))...)
}

// checkYears refuses a year without any day. One whose coverage is not given has half as
// many as the fullest one at least: or else the first days of the next year, which many
// lists have, would open the rest of it.
func (o Reading) checkYears(h Holidays) error {
	days, most := make(map[int]int), 0
	for _, d := range h.Days {
		days[d.Date.Year]++
		most = max(most, days[d.Date.Year])
	}
	var errs []error
	for year := h.First.Year; year <= h.Last.Year; year++ {
		switch n := days[year]; {
		case n == 0:
			errs = append(errs, fmt.Errorf("no day of %d is listed", year))
		case o.First.IsZero() && 2*n < most:
			errs = append(errs, fmt.Errorf("of %d it lists %d days, and of another year %d: say by First and Last what it covers", year, n, most))
		}
	}
	return errors.Join(errs...)
}

// coverage is what the reading says, or the years of the entries that are not repeated.
func (o Reading) coverage(entries []entry) (Holidays, error) {
	if !o.First.IsZero() || !o.Last.IsZero() {
		if err := errors.Join(o.First.Validate(), o.Last.Validate()); err != nil {
			return Holidays{}, fmt.Errorf("coverage: %w", err)
		}
		if o.Last.Before(o.First) || o.Last.Year-o.First.Year >= mostYears {
			return Holidays{}, fmt.Errorf("coverage: %v to %v is not a stretch of at most %d years", o.First, o.Last, mostYears)
		}
		return Holidays{First: o.First, Last: o.Last}, nil
	}
	dated := slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return e.repeated != nil })
	if len(dated) == 0 {
		return Holidays{}, errors.New("it lists no day of a year of its own, so that its coverage is not known")
	}
	first := slices.MinFunc(dated, func(a, b entry) int { return a.first.Compare(b.first) }).first
	last := slices.MaxFunc(dated, func(a, b entry) int { return cmp.Compare(a.last().Year, b.last().Year) }).last()
	if last.Year-first.Year >= mostYears {
		return Holidays{}, fmt.Errorf("its events, from %v to %v, are not of at most %d years", first, last, mostYears)
	}
	h := Holidays{
		First: calendar.Date{Year: first.Year, Month: time.January, Day: 1},
		Last:  calendar.Date{Year: last.Year, Month: time.December, Day: 31},
	}
	if err := errors.Join(h.First.Validate(), h.Last.Validate()); err != nil {
		return Holidays{}, fmt.Errorf("the years of its events: %w", err)
	}
	return h, nil
}
