package exchange

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// maxHolidays bounds a list. A year has some twenty.
const maxHolidays = 1000

// nseShares is the key of the list for shares. Futures and options have the same
// holidays.
const nseShares = "CM"

// nseZone is where the holidays are kept: those of a market elsewhere would be
// made up.
const nseZone = "Asia/Kolkata"

// NSEHolidays are the holidays of one segment as the National Stock Exchange of
// India publishes them. ReadNSEHolidays makes them of the exchange's JSON. They
// never change.
type NSEHolidays struct {
	days []nseHoliday // in order
}

type nseHoliday struct {
	date    calendar.Date
	name    string
	muhurat bool
	// open is the one session that the holiday leaves, if it is not of the whole day.
	open nseSession
}

// nseSession is a part of the day of the commodity lists.
type nseSession uint8

const (
	nseNone nseSession = iota
	nseMorning
	nseEvening
)

// ReadNSEHolidays reads the trading holidays of a segment, such as CM for shares,
// from the JSON of https://www.nseindia.com/api/holiday-master?type=trading: an
// object that has a list of holidays for each segment. Keys that it does not
// need are passed over, since the format is the exchange's. In the list of commodities
// (COM), morning_session and evening_session say which half of the day is closed: a row
// with one of them open is a holiday of the other alone. A weekday that is
// not that of its date, a date listed twice and an empty list are errors, which
// name the line, the segment and the row, as in
//
//	line 12: CM[3].tradingDate: "31-Feb-2027" is no date of the form 26-Jan-2027
func ReadNSEHolidays(r io.Reader, segment string) (NSEHolidays, error) {
	data, err := readText(r)
	if err != nil {
		return NSEHolidays{}, err
	}
	walk, err := newJSONReader(data)
	if err != nil {
		return NSEHolidays{}, err
	}
	var h NSEHolidays
	var segments []string
	err = walk.object("", func(name, key string) error {
		segments = append(segments, name)
		if name != segment {
			return walk.skip()
		}
		return h.read(walk, key)
	})
	switch {
	case err != nil:
		return NSEHolidays{}, err
	case !slices.Contains(segments, segment):
		return NSEHolidays{}, fmt.Errorf("no segment %q: there are %s", segment, strings.Join(segments, ", "))
	case len(h.days) == 0:
		return NSEHolidays{}, fmt.Errorf("segment %s: no holiday is listed", segment)
	}
	slices.SortFunc(h.days, func(a, b nseHoliday) int { return a.date.Compare(b.date) })
	return h, nil
}

// read reads the list of a segment.
func (h *NSEHolidays) read(walk *jsonReader, key string) error {
	seen := make(map[calendar.Date]bool)
	return walk.list(key, func(key string) error {
		day, err := readNSEHoliday(walk, key)
		if err != nil {
			return err
		}
		switch {
		case seen[day.date]:
			return walk.fail(key, "%s is listed twice", day.date)
		case len(h.days) == maxHolidays:
			return walk.fail(key, "more than %d holidays", maxHolidays)
		}
		seen[day.date] = true
		h.days = append(h.days, day)
		return nil
	})
}

// readNSEHoliday reads a row of the list.
func readNSEHoliday(walk *jsonReader, key string) (nseHoliday, error) {
	var date, weekday, description, morning, evening string
	fields := map[string]*string{"tradingDate": &date, "weekDay": &weekday, "description": &description}
	halves := map[string]*string{"morning_session": &morning, "evening_session": &evening}
	err := walk.object(key, func(name, key string) (err error) {
		if half, ok := halves[name]; ok {
			*half, err = walk.strOrNull()
			return err
		}
		field, ok := fields[name]
		if !ok {
			return walk.skip()
		}
		*field, err = walk.str(key)
		return err
	})
	if err != nil {
		return nseHoliday{}, err
	}
	t, err := time.Parse("02-Jan-2006", date)
	if err != nil {
		return nseHoliday{}, walk.fail(key+".tradingDate", "%q is no date of the form 26-Jan-2027", date)
	}
	if weekday != t.Weekday().String() {
		return nseHoliday{}, walk.fail(key+".weekDay", "%s is a %s, and the list says %q", date, t.Weekday(), weekday)
	}
	// The exchange marks the Muhurat day with an asterisk for its footnote.
	name := strings.TrimSpace(strings.TrimRight(strings.TrimSpace(description), "*"))
	if err := checkRequired(name); err != nil {
		return nseHoliday{}, walk.fail(key+".description", "%w", err)
	}
	open, err := openHalf(morning, evening)
	if err != nil {
		return nseHoliday{}, walk.fail(key, "%w", err)
	}
	return nseHoliday{date: calendar.DateOf(t), name: name, muhurat: isMuhurat(name), open: open}, nil
}

// openHalf returns the session that is held, of a row that closes the other one. A row that
// says nothing of them closes the day.
func openHalf(morning, evening string) (nseSession, error) {
	isOpen := func(text string) (bool, error) {
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "open":
			return true, nil
		case "", "closed", "close", "-":
			return false, nil
		}
		return false, fmt.Errorf("%q is neither Open nor Closed", text)
	}
	first, errFirst := isOpen(morning)
	second, errSecond := isOpen(evening)
	switch {
	case errFirst != nil || errSecond != nil:
		return nseNone, errors.Join(errFirst, errSecond)
	case first && second:
		return nseNone, errors.New("both sessions are open, so that it is no holiday")
	case first:
		return nseMorning, nil
	case second:
		return nseEvening, nil
	}
	return nseNone, nil
}

// isMuhurat reports whether a day of this name has the Muhurat session.
func isMuhurat(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"laxmi puj", "lakshmi puj", "muhurat"}, func(word string) bool {
		return strings.Contains(name, word)
	})
}

// of returns the part of the list that belongs to a year.
func (h NSEHolidays) of(year int) NSEHolidays {
	return NSEHolidays{days: slices.DeleteFunc(slices.Clone(h.days), func(d nseHoliday) bool { return d.date.Year != year })}
}

// Apply returns the market with the holidays of each year that the list covers,
// for all of its calendars. The market m stays as it is. Source and announced,
// which may be zero, say where the list was found and when it was published.
//
// For the weekdays of such a year the list is the truth: a day that the market
// has closed and the list does not name becomes a session, unless its closure
// was announced after the list. A day that is closed in both stays as it is, with its
// source. Weekend rows are passed over, as these days are closed in any
// case.
//
// A holiday of the morning or the evening alone leaves the last window of the era's regular
// hours, or those before it: a late open, or an early close. It changes nothing where the
// market has a session of its own on the date.
//
// The day of Laxmi Pujan is listed as a holiday and has a Muhurat session, on a
// weekend too. It becomes a session of unknown hours, unless the market knows its
// session already. One of unknown hours that the market has on another date of
// the year was moved, and is taken back.
//
// A list for the rest of the year in which the coverage ends, or for the year
// right after it, extends the coverage to the end of that year.
//
// It is an error if the list leaves a gap to the coverage or begins before it; if
// it closes a weekday on which the market has a dated session, of which a person
// must say what is true; and if a year has less than half as many closed weekdays
// as the market has in that year or the one before, since then it was cut off.
func (h NSEHolidays) Apply(m Market, source string, announced calendar.Date) (Market, error) {
	if len(h.days) == 0 {
		return Market{}, errors.New("no holidays are listed")
	}
	if err := checkText(source); err != nil {
		return Market{}, fmt.Errorf("source: %w", err)
	}
	if !announced.IsZero() {
		if err := checkDate(announced); err != nil {
			return Market{}, fmt.Errorf("announced: %w", err)
		}
	}
	next := m.With()
	for days := h.days; len(days) > 0; {
		n := 1
		for n < len(days) && days[n].date.Year == days[0].date.Year {
			n++
		}
		year := nseYear{year: days[0].date.Year, days: days[:n], source: source, announced: announced}
		var err error
		if next, err = year.apply(next); err != nil {
			return Market{}, fmt.Errorf("year %d: %w", year.year, err)
		}
		days = days[n:]
	}
	return next, nil
}

// nseYear is the part of a list that belongs to one year.
type nseYear struct {
	year      int
	days      []nseHoliday
	source    string
	announced calendar.Date
}

// apply returns the market with the year's holidays.
func (y nseYear) apply(m Market) (Market, error) {
	first, last := calendar.Date{Year: y.year, Month: time.January, Day: 1}, calendar.Date{Year: y.year, Month: time.December, Day: 31}
	if first.Before(m.From) || first.After(m.To.AddDays(1)) {
		return Market{}, fmt.Errorf("does not join the coverage, %s to %s", m.From, m.To)
	}
	if err := y.checkComplete(m); err != nil {
		return Market{}, err
	}
	m.Days = slices.DeleteFunc(slices.Clone(m.Days), y.dropped)
	days, err := y.replace(m)
	if err != nil {
		return Market{}, err
	}
	if m.To.Before(last) {
		m.To = last
	}
	return m.With(days...), nil
}

// checkComplete refuses a list that lacks most of its days.
func (y nseYear) checkComplete(m Market) error {
	listed := 0
	for _, d := range y.days {
		if !d.muhurat && d.open == nseNone && isWeekday(d.date) {
			listed++
		}
	}
	for _, year := range []int{y.year - 1, y.year} {
		closed := 0
		for _, d := range m.Days {
			if d.Date.Year == year && d.Status == StatusClosed && isWeekday(d.Date) {
				closed++
			}
		}
		if 2*listed < closed {
			return fmt.Errorf("lists %d closed weekdays, and the market has %d in %d: cut off", listed, closed, year)
		}
	}
	return nil
}

// dropped reports whether the list takes back a day of the market: a closure, or
// a Muhurat session whose hours are not announced.
func (y nseYear) dropped(d Day) bool {
	newer := !y.announced.IsZero() && d.Announced.After(y.announced)
	if d.Date.Year != y.year || newer {
		return false
	}
	onDate := func(h nseHoliday) bool { return h.date == d.Date }
	switch d.Status {
	case StatusClosed:
		return isWeekday(d.Date) && !slices.ContainsFunc(y.days, onDate)
	case StatusHoursUnknown:
		return isMuhurat(d.Name) && y.movesMuhurat(d.Date)
	}
	return false
}

// movesMuhurat reports whether the list has the Muhurat session of the year, and
// not on the given date.
func (y nseYear) movesMuhurat(from calendar.Date) bool {
	moved := false
	for _, h := range y.days {
		if h.muhurat && h.date == from {
			return false
		}
		moved = moved || h.muhurat
	}
	return moved
}

// replace returns the days that the list puts into the market.
func (y nseYear) replace(m Market) ([]Day, error) {
	var days []Day
	var p problems
	for _, h := range y.days {
		session, closed := m.dated(h.date)
		day := Day{Date: h.date, Status: StatusClosed, Name: h.name, Announced: y.announced, Source: y.source}
		switch {
		case h.muhurat && session:
		case h.muhurat:
			day.Status, day.Name = StatusHoursUnknown, h.name+": Muhurat trading"
			days = append(days, day)
		case !isWeekday(h.date), h.open != nseNone && session:
		case h.open != nseNone:
			half, err := m.half(day, h.open)
			p.add(h.date.String(), err)
			days = append(days, half...)
		case session:
			p.addf(h.date.String(), "a holiday, %s, and a session in the market's data", h.name)
		case !closed:
			days = append(days, day)
		}
	}
	return days, errors.Join(p...)
}

// half returns the entries of a day on which one session is held, one for each calendar, as
// their hours differ.
func (m Market) half(day Day, open nseSession) ([]Day, error) {
	var days []Day
	for _, s := range m.Segments {
		var windows []PhaseHours
		for _, w := range s.eraOn(day.Date).Hours {
			if w.Phase == calendar.PhaseRegular {
				windows = append(windows, w)
			}
		}
		last := len(windows) - 1
		if last < 1 {
			return nil, fmt.Errorf("%s: a holiday of one session, and %s has no evening", day.Name, s.Calendar)
		}
		own := day
		own.Calendars, own.Status, own.Hours = []string{s.Calendar}, StatusLateOpen, windows[last:]
		if open == nseMorning {
			own.Status, own.Hours = StatusEarlyClose, windows[:last]
		}
		days = append(days, own)
	}
	return days, nil
}

// dated reports whether the market has a dated session on a date, and whether the
// date is closed for all of its calendars.
func (m Market) dated(date calendar.Date) (session, closed bool) {
	for _, d := range m.Days {
		if d.Date == date {
			session = session || d.Status != StatusClosed
			closed = d.Status == StatusClosed && len(d.Calendars) == 0
		}
	}
	return session, closed
}

func isWeekday(d calendar.Date) bool { return !onWeekend(number(d)) }
