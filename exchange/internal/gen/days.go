package main

import (
	"cmp"
	"slices"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

// days returns the dated days of a table. Two rows of one date are two windows
// of one session.
func (f *facts) days(name string, m exchange.Market, corrections map[string]string, source string) []exchange.Day {
	days := []exchange.Day{} // and not nil, which is null when it is written
	for _, r := range f.table(name) {
		d := exchange.Day{
			Date:      r.date("date"),
			Status:    exchange.DayStatus(r.text("status")),
			Hours:     r.hours(),
			Name:      r.text("name"),
			Announced: r.parseDate("announced", r.optional("announced")),
			Source:    cmp.Or(r.optional("source"), corrections[r.text("date")], source),
		}
		if r.text("status") == "open" {
			d.Status = exchange.StatusRegular
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
func (f *facts) checkRegular(r row, m exchange.Market, d exchange.Day) {
	for _, s := range m.Segments {
		hours := slices.DeleteFunc(slices.Clone(eraOf(s, d.Date).Hours), func(w exchange.PhaseHours) bool {
			return w.Phase != calendar.PhaseRegular
		})
		sameTimes := slices.EqualFunc(hours, d.Hours, func(a, b exchange.PhaseHours) bool {
			return a.Start == b.Start && a.End == b.End
		})
		if !sameTimes {
			f.fail(r.place, "the hours are not the regular ones of %s", s.Calendar)
		}
	}
}

func (f *facts) checkSame(r row, before, d exchange.Day) {
	d.Hours, before.Hours = nil, nil
	if before.Status != d.Status || before.Name != d.Name || before.Announced != d.Announced || before.Source != d.Source {
		f.fail(r.place, "the rows of %s disagree", d.Date)
	}
}

// eraOf returns the era of a segment that a date lies in.
func eraOf(s exchange.Segment, d calendar.Date) (era exchange.Era) {
	for _, e := range s.Eras {
		if !e.From.After(d) {
			era = e
		}
	}
	return era
}
