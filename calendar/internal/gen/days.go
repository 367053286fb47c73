package main

import (
	"cmp"
	"slices"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
)

// days returns the dated days of a table. Two rows of one date are two windows
// of one session.
func (f *facts) days(name string, m calendar.Market, corrections map[string]string, source string) []calendar.Day {
	var days []calendar.Day
	for _, r := range f.table(name) {
		d := calendar.Day{
			Date:      r.date("date"),
			Status:    calendar.Status(r.text("status")),
			Hours:     r.hours(),
			Name:      r.text("name"),
			Announced: r.parseDate("announced", r.optional("announced")),
			Source:    cmp.Or(r.optional("source"), corrections[r.text("date")], source),
		}
		if r.text("status") == "open" {
			d.Status = calendar.StatusRegular
			f.checkRegular(r, m, d)
			d.Hours = nil
		}
		if last := len(days) - 1; last >= 0 && days[last].Date == d.Date {
			f.checkSame(r, days[last], d)
			days[last].Hours = append(days[last].Hours, d.Hours...)
			continue
		}
		days = append(days, d)
	}
	return days
}

// checkRegular makes sure that a weekend session which the facts call regular has
// the regular hours of its era in every segment, since it is written without any.
func (f *facts) checkRegular(r row, m calendar.Market, d calendar.Day) {
	for _, s := range m.Segments {
		hours := slices.DeleteFunc(slices.Clone(eraOf(s, d.Date).Hours), func(w calendar.Window) bool {
			return w.Phase != tradeclock.PhaseRegular
		})
		sameTimes := slices.EqualFunc(hours, d.Hours, func(a, b calendar.Window) bool {
			return a.Start == b.Start && a.End == b.End
		})
		if !sameTimes {
			f.fail(r.place, "the hours are not the regular ones of %s", s.Calendar)
		}
	}
}

func (f *facts) checkSame(r row, before, d calendar.Day) {
	d.Hours, before.Hours = nil, nil
	if before.Status != d.Status || before.Name != d.Name || before.Announced != d.Announced || before.Source != d.Source {
		f.fail(r.place, "the rows of %s disagree", d.Date)
	}
}

// eraOf returns the era of a segment that a date lies in.
func eraOf(s calendar.Segment, d tradeclock.Date) (era calendar.Era) {
	for _, e := range s.Eras {
		if !e.From.After(d) {
			era = e
		}
	}
	return era
}
