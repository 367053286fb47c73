package exchange

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock/calendar"
)

// Overrides are days that replace those of a market: what a person writes on the
// morning on which an exchange announces a closure. ReadOverrides makes them of
// a CSV file. They never change, and the zero value has no days.
type Overrides struct {
	days []override
	rows []calendar.Date // the date of each row, in the order of the file
}

// override is a day of the file, with the line on which it begins.
type override struct {
	Day
	line      int
	withdrawn bool
}

// eraEdge is the start or the end of a window that is left to the hours of the
// era.
const eraEdge = calendar.NoTime

// statusWithdrawn takes back what the lines above say of a date.
const statusWithdrawn DayStatus = "withdrawn"

// missingTimes says, for each status whose rows have times, what a row without any
// lacks.
var missingTimes = map[DayStatus]string{
	StatusEarlyClose: "its close, in the column end",
	StatusLateOpen:   "its open, in the column start",
	StatusSpecial:    "its hours, in the columns start and end",
}

// The columns of an override file. The last may be left out.
var overrideColumns = []string{"date", "status", "phase", "start", "end", "name", "source", "announced"}

const requiredColumns = 7

// ReadOverrides reads a CSV file of day overrides, which begins with the header
//
//	date,status,phase,start,end,name,source
//
// and may have the column announced after these, which a row may leave out. It is
// UTF-8, with or without a byte order mark; blank lines, lines that begin with #
// and spaces around a field mean nothing.
//
// A row gives one window of a day, so that a day with several windows has several
// rows. They agree on the status, and on name, source and announced where they
// give them. The phase is regular if it is left out. The statuses are those of a
// Day. A closed day and one of unknown hours have neither phase nor times; a
// regular day without them has the hours of its era. An early close may leave out
// the start and a late open the end: the day has the regular windows of its era,
// with the breaks, cut off at the time that is given, and for each calendar its
// own. The status withdrawn takes back what the rows above it say of its date, so
// that no line need be deleted for that: without others below it, the day is what
// the market's data say.
//
// The error reports all problems at once, each with its line.
func ReadOverrides(r io.Reader) (Overrides, error) {
	text, err := readText(r)
	if err != nil {
		return Overrides{}, err
	}
	var o Overrides
	rows, p := readRows(text)
	index := make(map[calendar.Date]int) // of the dates in o.days
	for _, row := range rows {
		day, err := row.day()
		o.rows = append(o.rows, day.Date)
		switch i, known := index[day.Date]; {
		case err != nil:
		case known:
			err = o.days[i].add(day)
		default:
			index[day.Date] = len(o.days)
			o.days = append(o.days, day)
		}
		p.add(fmt.Sprintf("line %d", row.line), err)
	}
	if len(p) > 0 {
		return Overrides{}, errors.Join(p...)
	}
	return o, nil
}

// overrideRow is a row of the file: its fields in the order of the columns.
type overrideRow struct {
	line   int
	fields [8]string
}

// readRows returns the rows below the header, and the problems of the others.
func readRows(text []byte) (rows []overrideRow, p problems) {
	reader := csv.NewReader(bytes.NewReader(text))
	reader.Comment = '#'
	reader.TrimLeadingSpace = true // or a quote after a space would be a stray one
	reader.FieldsPerRecord = -1
	columns := 0
	for {
		record, err := reader.Read()
		if err == io.EOF {
			break
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			p.add(fmt.Sprintf("line %d", parse.Line), parse.Err)
			continue
		}
		line, _ := reader.FieldPos(0)
		for i := range record {
			record[i] = strings.TrimSpace(record[i])
		}
		switch {
		case strings.Join(record, "") == "":
		case columns == 0 && !isHeader(record):
			return nil, problems{fmt.Errorf("line %d: %w, and found %s", line, errHeader, strings.Join(record, ","))}
		case columns == 0:
			columns = len(record)
		case len(record) != columns && len(record) != requiredColumns:
			p.addf(fmt.Sprintf("line %d", line), "%d fields, and the header has %d", len(record), columns)
		default:
			row := overrideRow{line: line}
			copy(row.fields[:], record)
			rows = append(rows, row)
		}
	}
	if columns == 0 && len(p) == 0 {
		p = problems{fmt.Errorf("line 1: %w, and found no row", errHeader)}
	}
	return rows, p
}

var errHeader = errors.New("want the header " + strings.Join(overrideColumns[:requiredColumns], ","))

func isHeader(record []string) bool {
	return slices.Equal(record, overrideColumns) || slices.Equal(record, overrideColumns[:requiredColumns])
}

// day returns what the row says: a day with the one window of the row, if any.
func (r overrideRow) day() (override, error) {
	date, status, name, source, announced := r.fields[0], r.fields[1], r.fields[5], r.fields[6], r.fields[7]
	d := override{line: r.line, Day: Day{Status: DayStatus(status), Name: name, Source: source}}
	d.withdrawn = d.Status == statusWithdrawn
	var p problems
	var err error
	if d.Date, err = calendar.ParseDate(date); err != nil {
		p = append(p, err)
	}
	if err = d.Announced.UnmarshalText([]byte(announced)); err != nil {
		p.add("announced", err)
	}
	if d.Hours, err = r.hours(); err != nil {
		p = append(p, err)
	} else if missing := missingTimes[d.Status]; missing != "" && len(d.Hours) == 0 {
		p.addf("status", "a day that is %s needs %s", status, missing)
	}
	if _, known := kinds[d.Status]; !known && !d.withdrawn {
		p.addf("status", "%q is none of closed, regular, early_close, late_open, special, hours_unknown and withdrawn", status)
	}
	if d.withdrawn && len(d.Hours) > 0 {
		p.addf("status", "a day that is withdrawn has no hours")
	}
	return d, errors.Join(p...)
}

// hours returns the row's window, or none if it has no times.
func (r overrideRow) hours() ([]PhaseHours, error) {
	status, phase, start, end := DayStatus(r.fields[1]), r.fields[2], r.fields[3], r.fields[4]
	if phase == "" && start == "" && end == "" {
		return nil, nil
	}
	w := PhaseHours{Phase: cmp.Or(phase, calendar.PhaseRegular), Start: eraEdge, End: eraEdge}
	regular := w.Phase == calendar.PhaseRegular
	toClose := start == "" && end != "" && regular && status == StatusEarlyClose
	fromOpen := start != "" && end == "" && regular && status == StatusLateOpen
	if (start == "" || end == "") && !toClose && !fromOpen {
		return nil, errors.New("a window needs both its start and its end")
	}
	var p problems
	if start != "" {
		p.add("start", w.Start.UnmarshalText([]byte(start)))
	}
	if end != "" {
		p.add("end", w.End.UnmarshalText([]byte(end)))
	}
	return []PhaseHours{w}, errors.Join(p...)
}

// howWithdrawn says what to do if a date is to have other rows than it has.
const howWithdrawn = ": to replace what is there, put a row of the date with the status withdrawn between them"

// add brings a further row of the date to the day.
func (day *override) add(row override) error {
	if row.withdrawn || day.withdrawn {
		*day = row
		return nil
	}
	if row.Status != day.Status {
		return fmt.Errorf("%s: the status is %s, and %s on line %d%s", row.Date, row.Status, day.Status, day.line, howWithdrawn)
	}
	if len(row.Hours) == 0 || len(day.Hours) == 0 {
		return fmt.Errorf("%s: is on line %d already%s", row.Date, day.line, howWithdrawn)
	}
	if err := day.agree(row); err != nil {
		return err
	}
	day.Hours = append(day.Hours, row.Hours...)
	day.Name, day.Source = cmp.Or(day.Name, row.Name), cmp.Or(day.Source, row.Source)
	day.Announced = cmp.Or(day.Announced, row.Announced)
	return nil
}

// agree reports where a further row of the date says other things than the day.
func (day *override) agree(row override) error {
	differs := func(column, a, b string) error {
		if a == b || a == "" || b == "" {
			return nil
		}
		return fmt.Errorf("%s: the %s differs from that on line %d%s", row.Date, column, day.line, howWithdrawn)
	}
	announced := func(d override) string {
		text, _ := d.Announced.MarshalText() // it cannot fail
		return string(text)
	}
	return errors.Join(
		differs("name", day.Name, row.Name),
		differs("source", day.Source, row.Source),
		differs("date of announcement", announced(*day), announced(row)),
	)
}

// Apply returns the market with the days replaced, for one of its calendars or,
// given the market's MIC, for all of them. The market m, which must be one that
// Build takes, stays as it is. Days that cannot be those of the market, such as
// one outside of its coverage, are reported all at once, each with its line.
func (o Overrides) Apply(m Market, calendar string) (Market, error) {
	var only []string
	if calendar != m.MIC {
		if !slices.ContainsFunc(m.Segments, func(s Segment) bool { return s.Calendar == calendar }) {
			return Market{}, fmt.Errorf("%s is no calendar of the market %s", calendar, m.MIC)
		}
		only = []string{calendar}
	}
	loc, err := loadZone(m.Timezone)
	if err != nil {
		return Market{}, err
	}
	var p problems
	var days []Day
	for _, d := range o.days {
		if d.withdrawn {
			continue
		}
		d.Calendars = only
		alone := m
		alone.Days, err = m.complete(d.Day)
		if err == nil {
			err = alone.checkDays(loc)
		}
		p.add(fmt.Sprintf("line %d", d.line), err)
		days = append(days, alone.Days...)
	}
	if len(p) > 0 {
		return Market{}, errors.Join(p...)
	}
	return m.With(days...), nil
}

// complete returns the day with the edges that it leaves to the era: an entry for
// each of its calendars then, as their hours differ. It is an error if the date has
// no era, and if the day does not shorten the hours of a calendar: of the first.
func (m Market) complete(day Day) ([]Day, error) {
	if day.Date.Before(m.From) || day.Date.After(m.To) {
		return nil, fmt.Errorf("%s: outside the coverage, %s to %s", day.Date, m.From, m.To)
	}
	if !slices.ContainsFunc(day.Hours, PhaseHours.leavesEdge) {
		return []Day{day}, nil
	}
	var days []Day
	for _, s := range m.Segments {
		if len(day.Calendars) > 0 && !slices.Contains(day.Calendars, s.Calendar) {
			continue
		}
		own := day
		own.Calendars, own.Hours = []string{s.Calendar}, nil
		for _, w := range day.Hours {
			if !w.leavesEdge() {
				own.Hours = append(own.Hours, w)
				continue
			}
			if err := s.checkEdge(day.Date, w); err != nil {
				return nil, fmt.Errorf("%s: %w", day.Date, err)
			}
			own.Hours = append(own.Hours, s.cut(day.Date, w)...)
		}
		days = append(days, own)
	}
	return days, nil
}

func (w PhaseHours) leavesEdge() bool { return w.Start == eraEdge || w.End == eraEdge }

// checkEdge refuses an edge that does not lie between the open and the close of the
// era of a date.
func (s Segment) checkEdge(d calendar.Date, at PhaseHours) error {
	open, closing, _ := s.regularOn(d)
	name, edge := "close", at.End
	if at.End == eraEdge {
		name, edge = "open", at.Start
	}
	if edge <= open || edge >= closing {
		return fmt.Errorf("the %s is moved to %s, and %s trades from %s to %s", name, edge, s.Calendar, open, closing)
	}
	return nil
}

// cut returns the regular windows of the era of a date, cut off at the edge that
// at has.
func (s Segment) cut(d calendar.Date, at PhaseHours) []PhaseHours {
	var windows []PhaseHours
	for _, w := range s.eraOn(d).Hours {
		if at.Start != eraEdge {
			w.Start = max(w.Start, at.Start)
		}
		if at.End != eraEdge {
			w.End = min(w.End, at.End)
		}
		if w.Phase == calendar.PhaseRegular && w.Start < w.End {
			windows = append(windows, w)
		}
	}
	return windows
}
