package dashboard

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/faces"
)

// calendarLine is a calendar and what it covers.
type calendarLine struct {
	faces.Coverage
	Own, Ends     bool // it is the scheduler's; it ends soon
	Today, Public string
	Address       string
}

func (v *visit) calendars() (any, error) {
	cals, err := v.calendarsInUse()
	if err != nil {
		return nil, err
	}
	var lines []calendarLine
	for i, cal := range cals {
		today := calendar.DateOf(v.now.In(cal.Location()))
		l := calendarLine{Coverage: faces.CoverageOf(cal, today), Own: i == 0, Address: address("calendar", "name", cal.Name())}
		l.Ends = !l.Last.IsZero() && l.Left <= faces.CoverageWarning
		if session, err := cal.Session(today); err == nil {
			l.Today = session.Describe()
		} else {
			l.Today = err.Error()
		}
		if holiday, err := calendar.NextHoliday(cal, today); err == nil {
			l.Public = fmt.Sprintf("%v %s", holiday.Date, holiday.Describe())
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// findCalendar returns the calendar of a name.
func (v *visit) findCalendar(name string) (calendar.Calendar, error) {
	if name == "" || name == v.calendar.Name() {
		return v.calendar, nil
	}
	unknown := &failure{http.StatusNotFound, "There is no such calendar."}
	if v.cfg.View.Calendars == nil {
		return nil, unknown
	}
	cal, err := v.cfg.View.Calendars(name)
	if err != nil {
		return nil, unknown
	}
	return cal, nil
}

// calendarPage is a month of a calendar.
type calendarPage struct {
	faces.Coverage
	Month          string
	Days           []dayLine
	Earlier, Later string
}

type dayLine struct {
	Date, Weekday, What, Opens, Closes, Phases, Source string
	Kind                                               string // closed, open, odd or unknown
	Today                                              bool
}

func (v *visit) calendarMonth() (any, error) {
	cal, err := v.findCalendar(v.form.Get("name"))
	if err != nil {
		return nil, err
	}
	today := calendar.DateOf(v.now.In(cal.Location()))
	first := today
	if text := v.form.Get("month"); text != "" {
		if first, err = calendar.ParseDate(text + "-01"); err != nil {
			return nil, refuse("month: want one such as 2026-11")
		}
	}
	first = first.AddDays(1 - first.UTC().Day())
	p := &calendarPage{Coverage: faces.CoverageOf(cal, today), Month: first.UTC().Format("January 2006")}
	month := first.UTC().Month()
	link := func(d calendar.Date) string {
		return address("calendar", "name", cal.Name(), "month", d.UTC().Format("2006-01"))
	}
	p.Earlier, p.Later = link(first.AddDays(-1)), link(first.AddDays(32))
	for d := first; d.UTC().Month() == month; d = d.AddDays(1) {
		l := lineOfDay(cal, d)
		l.Today = d == today
		p.Days = append(p.Days, l)
	}
	return p, nil
}

func lineOfDay(cal calendar.Calendar, d calendar.Date) dayLine {
	l := dayLine{Date: d.String(), Weekday: d.Weekday().String()[:3], Kind: "open"}
	session, err := cal.Session(d)
	if err != nil {
		l.Kind, l.What = "unknown", "unknown: "+err.Error()
		return l
	}
	l.What, l.Source = session.Describe(), session.Source
	switch {
	case !session.Open():
		l.Kind = "closed"
	case session.Kind != calendar.Regular || session.HoursUnknown || session.Assumed:
		l.Kind = "odd"
	}
	clock := func(t time.Time) string { return t.In(cal.Location()).Format("15:04") }
	if from, to, ok := session.Bounds(calendar.PhaseRegular); ok {
		l.Opens, l.Closes = clock(from), clock(to)
	}
	var phases []string
	for _, p := range session.Phases {
		phases = append(phases, fmt.Sprintf("%s %s to %s", strings.ReplaceAll(p.Name, "_", " "), clock(p.Start), clock(p.End)))
	}
	l.Phases = strings.Join(phases, ", ")
	return l
}
