package main

import (
	"cmp"
	"slices"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

// indianSegment is a segment of an Indian exchange: its code in the facts, the
// suffix of its calendar's name, and what is traded in it.
type indianSegment struct{ code, suffix, name string }

// The two exchanges keep the same days and hours, so the tables of XNSE serve
// for XBOM too.
var indianSegments = []indianSegment{
	{"CM", "", "Shares without a closing auction"},
	{"CM.CAS", ".CAS", "Shares with a closing auction, which are those with listed derivatives"},
	{"FO", ".FO", "Equity futures and options"},
}

func isIndian(mic string) bool { return mic == "XNSE" || mic == "XBOM" }

// indianSegments returns the segments of an Indian exchange with their eras.
func (f *facts) indianSegments(mic string) []exchange.Segment {
	var segments []exchange.Segment
	for _, s := range indianSegments {
		segments = append(segments, exchange.Segment{
			Calendar: mic + s.suffix,
			Name:     s.name,
			Eras:     f.indianEras(s.code),
		})
	}
	return segments
}

// indianEras returns the eras of a segment: its rows of one date are the
// complete set of phases from that date on.
func (f *facts) indianEras(code string) []exchange.Era {
	sources := make(map[calendar.Date]string)
	for _, r := range f.tableOf("XNSE-phase-sources.csv", "segment", code) {
		sources[r.date("from_date")] = r.text("source")
	}
	var eras []exchange.Era
	for _, r := range f.tableOf("XNSE-phases.csv", "segment", code) {
		from := r.date("from_date")
		if len(eras) == 0 || eras[len(eras)-1].From != from {
			eras = append(eras, exchange.Era{From: from, Source: sources[from]})
		}
		era := &eras[len(eras)-1]
		era.Hours = append(era.Hours, r.window())
	}
	return eras
}

// window returns the window of a phase that a row gives.
func (r row) window() exchange.PhaseHours {
	return exchange.PhaseHours{
		Phase: r.text("phase"),
		Start: r.wallTime("start"),
		End:   r.wallTime("end"),
		Note:  r.text("note"),
	}
}

// addDatedPhases adds to the days the phases of single dates that some segments
// have besides trading. A date on which the segments then differ gets an entry
// for each group of calendars with the same hours.
func (f *facts) addDatedPhases(m exchange.Market, days []exchange.Day) []exchange.Day {
	type key struct {
		calendar string
		date     calendar.Date
	}
	extra := make(map[key][]exchange.PhaseHours)
	for _, s := range indianSegments {
		for _, r := range f.tableOf("XNSE-dated-phases.csv", "segment", s.code) {
			k := key{m.MIC + s.suffix, r.date("date")}
			extra[k] = append(extra[k], r.window())
			f.checkListed(r, days)
		}
	}
	var all []exchange.Day
	for _, d := range days {
		var entries []exchange.Day
		for _, s := range m.Segments {
			hours := slices.Concat(extra[key{s.Calendar, d.Date}], d.Hours)
			slices.SortStableFunc(hours, func(a, b exchange.PhaseHours) int { return cmp.Compare(a.Start, b.Start) })
			entries = addToGroup(entries, d, s.Calendar, hours)
		}
		if len(entries) == 1 {
			entries[0].Calendars = nil // all of them
		}
		all = append(all, entries...)
	}
	return all
}

// addToGroup adds a calendar to the entry of the day that has the same hours, or
// to a new one.
func addToGroup(entries []exchange.Day, d exchange.Day, name string, hours []exchange.PhaseHours) []exchange.Day {
	for i := range entries {
		if slices.Equal(entries[i].Hours, hours) {
			entries[i].Calendars = append(entries[i].Calendars, name)
			return entries
		}
	}
	d.Hours, d.Calendars = hours, []string{name}
	return append(entries, d)
}

// checkListed makes sure that a dated phase belongs to a day with hours.
func (f *facts) checkListed(r row, days []exchange.Day) {
	listed := slices.ContainsFunc(days, func(d exchange.Day) bool {
		return d.Date == r.date("date") && len(d.Hours) > 0
	})
	if !listed {
		f.fail(r.place, "%s: no session with hours of its own", r.text("date"))
	}
}
