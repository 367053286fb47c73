package ical

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/teambition/rrule-go"

	"github.com/tradeclock/tradeclock/calendar"
)

const (
	mostYears = 100 // of a coverage
	mostSpan  = 31  // days of one event
)

// entry is an event of the list: its days, or the hours of one. Its span is zero if it is
// none of the list.
type entry struct {
	summary  string
	line     int
	first    calendar.Date
	span     int // in days
	hours    []calendar.Hours
	repeated *rrule.RRule // on first, if it is
	except   []calendar.Date
}

func (e entry) last() calendar.Date { return e.first.AddDays(e.span - 1) }

// dates returns the dates of the entry that lie in the coverage.
func (e entry) dates(first, last calendar.Date) (dates []calendar.Date) {
	starts := []calendar.Date{e.first}
	if e.repeated != nil {
		starts = nil
		for _, at := range e.repeated.Between(first.AddDays(1-e.span).UTC(), last.UTC(), true) {
			if date := calendar.DateOf(at); !slices.Contains(e.except, date) {
				starts = append(starts, date)
			}
		}
	}
	for _, start := range starts {
		for i := range e.span {
			if date := start.AddDays(i); !date.Before(first) && !date.After(last) {
				dates = append(dates, date)
			}
		}
	}
	return dates
}

// entry reads an event. Each error names its line.
func (o Reading) entry(event *ics.VEvent, lines eventLines) (entry, error) {
	at := func(property ics.ComponentProperty, err error) error {
		if err == nil {
			return nil
		}
		return fmt.Errorf("line %d: %s: %w", lines.of(string(property)), property, err)
	}
	e := entry{summary: text(event, ics.ComponentPropertySummary), line: lines.begin}
	if o.Match != nil && !o.Match(e.summary) || text(event, ics.ComponentPropertyStatus) == string(ics.ObjectStatusCancelled) {
		return entry{}, nil
	}
	var errs []error
	for _, p := range []ics.ComponentProperty{"RDATE", "EXRULE", "RECURRENCE-ID"} {
		if event.HasProperty(p) {
			errs = append(errs, at(p, errors.New("only RRULE and EXDATE are read")))
		}
	}
	for _, p := range []ics.ComponentProperty{"DTSTART", "DTEND", "DURATION", "RRULE"} {
		if len(event.GetProperties(p)) > 1 {
			errs = append(errs, at(p, errors.New("an event has one")))
		}
	}
	start, err := o.moment(event, "DTSTART")
	if err != nil {
		return entry{}, errors.Join(append(errs, at("DTSTART", err))...)
	}
	e.first, e.span = start.date, 1
	if start.timed {
		errs = append(errs, at("DTSTART", o.refusedTimes(event)))
		e.hours, err = o.hours(event, start)
	} else {
		e.span, err = o.span(event, start)
	}
	errs = append(errs, at(endOf(event), err))
	e.repeated, err = repetition(event, e.first)
	errs = append(errs, at("RRULE", err))
	e.except, err = o.exceptions(event)
	return e, errors.Join(append(errs, at("EXDATE", err))...)
}

// text returns the value of a property that may be missing.
func text(event *ics.VEvent, property ics.ComponentProperty) string {
	if p := event.GetProperty(property); p != nil {
		return strings.TrimSpace(p.Value)
	}
	return ""
}

// endOf is the property that ends the event.
func endOf(event *ics.VEvent) ics.ComponentProperty {
	if event.HasProperty(ics.ComponentPropertyDuration) {
		return ics.ComponentPropertyDuration
	}
	return ics.ComponentPropertyDtEnd
}

func (o Reading) refusedTimes(event *ics.VEvent) error {
	switch {
	case o.Kind == calendar.Closed:
		return errors.New("it has a time, and a closed day is a whole one")
	case event.HasProperty(ics.ComponentPropertyRrule):
		return errors.New("it has a time, and what is repeated are whole days")
	}
	return nil
}

// moment is a date, or a wall time of it.
type moment struct {
	date  calendar.Date
	wall  calendar.WallTime
	timed bool
}

func (o Reading) moment(event *ics.VEvent, property ics.ComponentProperty) (moment, error) {
	p := event.GetProperty(property)
	if p == nil {
		return moment{}, errors.New("it is missing")
	}
	return o.parseMoment(p.Value, p.ICalParameters["TZID"])
}

// parseMoment reads 20261108, 20261108T180000Z, and 20261108T180000 in a zone. The zone of
// the host never matters, as it would where the library reads them.
func (o Reading) parseMoment(value string, zone []string) (moment, error) {
	if date, err := time.Parse("20060102", value); err == nil {
		return moment{date: calendar.DateOf(date)}, nil
	}
	loc := o.Location
	if loc == nil {
		return moment{}, fmt.Errorf("%q is no date, and for a time the Location of the reading is required", value)
	}
	switch {
	case len(zone) > 0:
		var err error
		if loc, err = time.LoadLocation(zone[0]); err != nil || zone[0] == "Local" {
			return moment{}, fmt.Errorf("there is no zone %q", zone[0])
		}
	case strings.HasSuffix(value, "Z"):
		loc, value = time.UTC, strings.TrimSuffix(value, "Z")
	}
	shown, err := time.Parse("20060102T150405", value)
	if err != nil {
		return moment{}, fmt.Errorf("%q is neither a date nor a time", value)
	}
	wall := calendar.WallTime(shown.Hour()*3600 + shown.Minute()*60 + shown.Second())
	local := wall.On(calendar.DateOf(shown), loc).In(o.Location)
	return moment{calendar.DateOf(local), calendar.WallTime(local.Hour()*3600 + local.Minute()*60 + local.Second()), true}, nil
}

var dayDuration = regexp.MustCompile(`^\+?P(\d{1,3})([DW])$`)

// span returns how many whole days an event has: DTEND is the day after the last.
func (o Reading) span(event *ics.VEvent, start moment) (int, error) {
	days := 1
	switch end := endOf(event); {
	case !event.HasProperty(end):
	case end == ics.ComponentPropertyDuration:
		match := dayDuration.FindStringSubmatch(text(event, end))
		if match == nil {
			return 0, fmt.Errorf("%q is no number of days, as in P1D", text(event, end))
		}
		days, _ = strconv.Atoi(match[1])
		if match[2] == "W" {
			days *= 7
		}
	default:
		last, err := o.moment(event, end)
		if err != nil {
			return 0, err
		}
		if last.timed {
			return 0, errors.New("it has a time, and the start has none")
		}
		days = int(last.date.UTC().Sub(start.date.UTC()) / (24 * time.Hour))
	}
	if days < 1 || days > mostSpan {
		return 0, fmt.Errorf("the event has %d days, and not 1 to %d", days, mostSpan)
	}
	return days, nil
}

// hours returns the regular phase of an event with times.
func (o Reading) hours(event *ics.VEvent, start moment) ([]calendar.Hours, error) {
	end, err := o.moment(event, ics.ComponentPropertyDtEnd)
	switch {
	case event.HasProperty(ics.ComponentPropertyDuration):
		return nil, errors.New("the end of a session is a time, DTEND")
	case err != nil:
		return nil, err
	case !end.timed:
		return nil, errors.New("it has no time, and the start has one")
	}
	to := end.wall + calendar.EndOfDay*calendar.WallTime(end.date.UTC().Sub(start.date.UTC())/(24*time.Hour))
	if to <= start.wall || to > calendar.EndOfDay {
		return nil, fmt.Errorf("it is not later on the day of the start, %v %v", start.date, start.wall)
	}
	return []calendar.Hours{{Phase: calendar.PhaseRegular, Start: start.wall, End: to}}, nil
}
