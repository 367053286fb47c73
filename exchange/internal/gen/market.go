package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

// version is the edition of the data: the date on which the facts were last
// looked at. Change it with them.
const version = "2026-11-30"

// generate returns the data files by name.
func generate(dir fs.FS) (map[string][]byte, error) {
	f := &facts{dir: dir}
	files := make(map[string][]byte)
	for _, r := range f.table("coverage.csv") {
		m := f.market(r)
		if err := f.err(); err != nil {
			return nil, err
		}
		if _, err := m.Build(); err != nil {
			return nil, fmt.Errorf("%s: %w", m.MIC, err)
		}
		content, err := format(m)
		if err != nil {
			return nil, err
		}
		files[m.MIC+".json"] = content
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	return files, nil
}

// market puts together what the facts say of the market that a row of
// coverage.csv is about.
func (f *facts) market(coverage row) exchange.Market {
	m := exchange.Market{
		MIC:     coverage.text("mic"),
		Version: version,
		From:    coverage.date("covers_from"),
		To:      coverage.date("covers_to"),
		Basis:   coverage.text("basis"),
	}
	source := f.trust(&m)
	hours := f.regularHours(&m)
	corrections := f.corrections(m.MIC)
	if isIndian(m.MIC) {
		m.Segments = f.indianSegments(m.MIC)
		m.Days = f.addDatedPhases(m, f.days("XNSE.csv", m, corrections, source))
	} else {
		m.Segments = f.segment(m.MIC, hours, corrections, source)
		m.Days = f.days(m.MIC+".csv", m, corrections, source)
	}
	for _, r := range f.tableOf("settlement-coverage.csv", "mic", m.MIC) {
		m.Settlement = f.settlement(r)
	}
	return m
}

// trust adds to the basis how sure the data are, and returns the source of the
// days that have none of their own.
func (f *facts) trust(m *exchange.Market) (source string) {
	for _, r := range f.tableOf("confidence.csv", "mic", m.MIC) {
		m.Basis += ". Confidence: " + r.text("confidence") + ". Checked against: " + r.text("checked_against")
		source = r.text("source")
	}
	return source
}

// corrections returns the sources of the days for which the facts depart from
// the market's usual source, by the date as it is written.
func (f *facts) corrections(mic string) map[string]string {
	sources := make(map[string]string)
	previous := ""
	for _, r := range f.table("corrections.csv") {
		if r.text("source") != "same" {
			previous = r.text("source")
		}
		if r.text("mic") == mic {
			sources[r.text("date")] = previous
		}
	}
	return sources
}

// regularHours returns the rows of the market's regular hours, and notes its name
// and zone, which are in them.
func (f *facts) regularHours(m *exchange.Market) []row {
	rows := f.tableOf("regular-hours.csv", "mic", m.MIC)
	for _, r := range rows {
		m.Name, m.Timezone = r.text("name"), r.text("timezone")
	}
	return rows
}

// segment returns the one segment of a market of which no more is known. Hours that are
// more than a break and an auction have a table of their own.
func (f *facts) segment(mic string, hours []row, corrections map[string]string, source string) []exchange.Segment {
	segment := exchange.Segment{Calendar: mic}
	for _, r := range hours {
		segment.Name = cmp.Or(r.text("traded"), "Shares")
		// A correction that holds from a date on is written "2023-01-01..".
		corrected := corrections[r.text("from_date")+".."]
		windows := r.hours()
		if len(windows) == 0 {
			for _, w := range f.tableOf(mic+"-phases.csv", "from_date", r.text("from_date")) {
				windows = append(windows, w.window())
			}
		}
		segment.Eras = append(segment.Eras, exchange.Era{
			From:   r.date("from_date"),
			Hours:  windows,
			Source: cmp.Or(corrected, r.text("phases_source"), source),
		})
	}
	return []exchange.Segment{segment}
}

// hours returns the windows that a row gives: none, one of the regular phase, or two
// around a break; before them the pre-market, and after them the closing auction and the
// post-market, where these are known.
func (r row) hours() []exchange.PhaseHours {
	if r.text("open") == "" {
		return nil
	}
	open, end := r.wallTime("open"), r.wallTime("close")
	windows := []exchange.PhaseHours{regular(open, end)}
	if r.text("break_start") != "" {
		windows = []exchange.PhaseHours{regular(open, r.wallTime("break_start")), regular(r.wallTime("break_end"), end)}
	}
	if r.optional("pre_start") != "" {
		before := exchange.PhaseHours{Phase: calendar.PhasePreMarket, Start: r.wallTime("pre_start"), End: open}
		windows = slices.Insert(windows, 0, before)
	}
	for _, after := range []struct{ phase, column string }{
		{calendar.PhaseClosingAuction, "auction_end"}, {calendar.PhasePostMarket, "post_end"},
	} {
		if r.optional(after.column) != "" {
			windows = append(windows, exchange.PhaseHours{Phase: after.phase, Start: end, End: r.wallTime(after.column)})
		}
	}
	return windows
}

func regular(start, end calendar.WallTime) exchange.PhaseHours {
	return exchange.PhaseHours{Phase: calendar.PhaseRegular, Start: start, End: end}
}

// settlement returns the days with a session and without settlement of the market
// that a row of settlement-coverage.csv is about.
func (f *facts) settlement(coverage row) *exchange.Settlement {
	s := &exchange.Settlement{
		Calendars: strings.Fields(coverage.text("calendars")),
		From:      coverage.date("covers_from"),
		To:        coverage.date("covers_to"),
		Basis:     coverage.text("basis"),
	}
	for _, r := range f.table(coverage.text("mic") + "-settlement-holidays.csv") {
		source := r.text("source")
		if confidence := r.text("confidence"); confidence != "high" {
			source += " (confidence: " + confidence + ")"
		}
		s.Holidays = append(s.Holidays, exchange.Holiday{
			Date:      r.date("date"),
			Name:      r.text("name"),
			Announced: r.date("announced"),
			Source:    source,
		})
	}
	return s
}
