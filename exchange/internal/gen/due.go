package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// overdue returns an error for each market whose coverage does not reach as far as it
// should on a date: to the end of its year, and from the day that releases.csv gives, to the
// end of the next.
func overdue(dir fs.FS, today calendar.Date) error {
	f := &facts{dir: dir}
	ends := make(map[string]calendar.Date)
	for _, r := range f.table("coverage.csv") {
		ends[r.text("mic")] = r.date("covers_to")
	}
	var late []error
	for _, r := range f.table("releases.csv") {
		mic := r.text("mic")
		end, known := ends[mic]
		if !known {
			f.fail(r.place, "%s is no market of coverage.csv", mic)
			continue
		}
		delete(ends, mic)
		due := r.dayOf(today.Year)
		want := today.Year
		if !today.Before(due) {
			want++
		}
		if end.Before(calendar.Date{Year: want, Month: time.December, Day: 31}) {
			late = append(late, fmt.Errorf("%s ends on %s, and %d is wanted: %s publishes it %s, %s",
				mic, end, want, r.text("who"), r.text("when"), r.text("where")))
		}
	}
	for mic := range ends {
		f.fail("releases.csv", "there is no row for %s", mic)
	}
	return errors.Join(append(f.errs, late...)...)
}

// dayOf returns the day of a year that the column due gives, as in 12-20.
func (r row) dayOf(year int) calendar.Date {
	return r.parseDate("due", fmt.Sprintf("%04d-%s", year, r.text("due")))
}
