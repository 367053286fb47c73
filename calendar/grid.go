package calendar

import (
	"fmt"
	"strings"
)

// gridLegend explains the marks behind the days of a MonthGrid.
const gridLegend = "  - closed   < early close   > late open   * special   ? hours unknown\n"

// MonthGrid returns the month that a date lies in as text, for people: a row for each
// of the market's weeks, where a day without a mark is a regular session, and below it
// what is to be said of the other days but those of weekends. The error is that of the
// calendar for a date that it does not know.
func MonthGrid(cal Calendar, d Date) (string, error) {
	first, last := Month.Bounds(d)
	var b, notes strings.Builder
	fmt.Fprintf(&b, "%s, %s %d\n", cal.Name(), d.Month, d.Year)
	week := first.AddDays(-(int(first.Weekday()) - int(WorkweekOn(cal, first).First()) + 7) % 7)
	for i := range 7 {
		fmt.Fprintf(&b, "%*s", min(3+i, 4), week.AddDays(i).Weekday().String()[:2])
	}
	for ; !week.After(last); week = week.AddDays(7) {
		var row strings.Builder
		for i := range 7 {
			day := week.AddDays(i)
			if day.Before(first) || day.After(last) {
				row.WriteString("    ")
				continue
			}
			s, err := cal.Session(day)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&row, "%3d%c", day.Day, s.mark())
			if s.Kind != Regular && (s.Open() || tradesOn(cal, day)) {
				fmt.Fprintf(&notes, "  %s %s %s\n", day, day.Weekday().String()[:3], s.Describe())
			}
		}
		b.WriteString("\n" + strings.TrimRight(row.String(), " "))
	}
	return b.String() + "\n" + gridLegend + notes.String(), nil
}

// mark returns the mark of a date in a MonthGrid.
func (s Session) mark() rune {
	switch {
	case !s.Open():
		return '-'
	case s.HoursUnknown:
		return '?'
	case s.LateOpen:
		return '>'
	case s.Kind == Shortened:
		return '<'
	case s.Kind == Special:
		return '*'
	}
	return ' '
}
