package ical_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/ical"
)

// beginsWith matches summaries.
func beginsWith(prefix string) func(string) bool {
	return func(summary string) bool { return strings.HasPrefix(summary, prefix) }
}

func nseFile(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/nse-2026.ics")
	require.NoError(t, err)
	return string(text)
}

// nseReadings are the three readings of the file of a desk: its holidays, its special
// sessions, and its weekend day at regular hours.
func nseReadings(loc *time.Location) []ical.Reading {
	year := func(prefix string, kind calendar.SessionKind) ical.Reading {
		return ical.Reading{
			Match: beginsWith(prefix), Kind: kind, Location: loc, Source: "nse-2026.ics",
			First: calendar.Date{Year: 2026, Month: 1, Day: 1}, Last: calendar.Date{Year: 2026, Month: 12, Day: 31},
		}
	}
	return []ical.Reading{year("Market holiday", calendar.Closed), year("Special session", calendar.Special), year("Open", calendar.Regular)}
}

// TestTheHolidaysOfAnExchange makes a calendar of the file and compares each date of 2026
// with that of the exchange.
func TestTheHolidaysOfAnExchange(t *testing.T) {
	nse := exchange.MustGet("XNSE")
	for name, text := range map[string]string{
		"as it is": nseFile(t), "with other ends of lines": "\xef\xbb\xbf" + strings.ReplaceAll(nseFile(t), "\n", "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			var days []calendar.TableDay
			for _, reading := range nseReadings(nse.Location()) {
				h, err := ical.ReadHolidays(strings.NewReader(text), reading)
				require.NoError(t, err)
				days = append(days, h.Days...)
			}
			imported, err := calendar.NewTable(calendar.Table{
				Name: "XNSE", Location: nse.Location(), Days: days,
				First: calendar.Date{Year: 2026, Month: 1, Day: 1}, Last: calendar.Date{Year: 2026, Month: 12, Day: 31},
				Base: calendar.Weekdays(nse.Location(), calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(15, 30)}),
			})
			require.NoError(t, err)
			closed := 0
			for date := (calendar.Date{Year: 2026, Month: 1, Day: 1}); date.Year == 2026; date = date.AddDays(1) {
				want, err := nse.Session(date)
				require.NoError(t, err)
				got, err := imported.Session(date)
				require.NoError(t, err)
				require.Equal(t, want.Kind, got.Kind, date)
				require.Equal(t, want.HoursUnknown, got.HoursUnknown, date)
				if got.Source == "" {
					continue
				}
				closed++
				_, reason, _ := strings.Cut(got.Reason, ": ")
				assert.Equal(t, want.Reason, reason, date)
			}
			assert.Equal(t, 18, closed)
			budget, err := imported.Session(calendar.Date{Year: 2026, Month: 2, Day: 1})
			require.NoError(t, err)
			start, end, ok := budget.Bounds(calendar.PhaseRegular)
			require.True(t, ok)
			assert.Equal(t, "09:15 15:30", start.In(nse.Location()).Format("15:04 ")+end.In(nse.Location()).Format("15:04"))
			_, err = imported.Session(calendar.Date{Year: 2027, Month: 1, Day: 1})
			assert.ErrorIs(t, err, calendar.ErrUnknownDate)
		})
	}
}

// TestAFileThatIsCutOff reads every beginning of the file, and never takes it for a list.
func TestAFileThatIsCutOff(t *testing.T) {
	whole := strings.TrimSuffix(nseFile(t), "\n")
	reading := nseReadings(time.UTC)[0]
	for end := range len(whole) {
		h, err := ical.ReadHolidays(strings.NewReader(whole[:end]), reading)
		if err == nil {
			require.Failf(t, "it was taken for whole", "%q", whole[max(0, end-40):end])
		}
		require.Zero(t, h)
	}
	_, err := ical.ReadHolidays(strings.NewReader(whole[:strings.LastIndex(whole, "END:VEVENT")]), reading)
	assert.ErrorContains(t, err, "line 168: the file is cut off: END:VEVENT is missing")
	_, err = ical.ReadHolidays(strings.NewReader(strings.TrimSuffix(whole, "END:VCALENDAR")), reading)
	assert.ErrorContains(t, err, "the file is cut off: END:VCALENDAR is missing")
}

// file is a file of events, each the lines within it. The first event begins on line 3.
func file(events ...string) string {
	var out strings.Builder
	out.WriteString("BEGIN:VCALENDAR\nVERSION:2.0\n")
	for i, event := range events {
		fmt.Fprintf(&out, "BEGIN:VEVENT\nUID:%d\n%s\nEND:VEVENT\n", i, strings.ReplaceAll(event, " | ", "\n"))
	}
	return out.String() + "END:VCALENDAR\n"
}

func dates(days []calendar.TableDay) (texts []string) {
	for _, d := range days {
		texts = append(texts, d.Date.String())
	}
	return texts
}

func TestReadHolidays(t *testing.T) {
	both := ical.Reading{First: calendar.Date{Year: 2026, Month: 3, Day: 1}, Last: calendar.Date{Year: 2027, Month: 12, Day: 31}}
	tests := []struct {
		name    string
		file    string
		reading ical.Reading
		first   string // of the coverage
		last    string
		dates   string
	}{
		{"a day", file("DTSTART;VALUE=DATE:20260126"), ical.Reading{}, "2026-01-01", "2026-12-31", "2026-01-26"},
		{"in any order", file("DTSTART:20261225", "DTSTART:20260126"), ical.Reading{}, "2026-01-01", "2026-12-31", "2026-01-26 2026-12-25"},
		{"several days", file("DTSTART:20260216 | DTEND:20260219"), ical.Reading{}, "2026-01-01", "2026-12-31", "2026-02-16 2026-02-17 2026-02-18"},
		{"a week", file("DTSTART:20260216 | DURATION:P1W"), ical.Reading{}, "2026-01-01", "2026-12-31", "2026-02-16 2026-02-17 2026-02-18 2026-02-19 2026-02-20 2026-02-21 2026-02-22"},
		{"two years", file("DTSTART:20260126", "DTSTART:20270126"), ical.Reading{}, "2026-01-01", "2027-12-31", "2026-01-26 2027-01-26"},
		{"over the new year", file("DTSTART:20261231 | DTEND:20270102"), ical.Reading{}, "2026-01-01", "2027-12-31", "2026-12-31 2027-01-01"},
		{"its coverage", file("DTSTART:20260126", "DTSTART:20260501", "DTSTART:20270126", "DTSTART:20280126"), both, "2026-03-01", "2027-12-31", "2026-05-01 2027-01-26"},
		{"yearly", file("DTSTART:20100126 | RRULE:FREQ=YEARLY", "DTSTART:20260303", "DTSTART:20270322"), ical.Reading{}, "2026-01-01", "2027-12-31", "2026-01-26 2026-03-03 2027-01-26 2027-03-22"},
		{"yearly alone", file("DTSTART:20101225 | RRULE:FREQ=YEARLY"), both, "2026-03-01", "2027-12-31", "2026-12-25 2027-12-25"},
		{"yearly by weekday", file("DTSTART:20251127 | RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"), both, "2026-03-01", "2027-12-31", "2026-11-26 2027-11-25"},
		{"not in one year", file("DTSTART:20101225 | RRULE:FREQ=YEARLY | EXDATE;VALUE=DATE:20271225", "DTSTART:20271227"), both, "2026-03-01", "2027-12-31", "2026-12-25 2027-12-27"},
		{"until a year", file("DTSTART:20101225 | RRULE:FREQ=YEARLY;UNTIL=20261225", "DTSTART:20270101"), both, "2026-03-01", "2027-12-31", "2026-12-25 2027-01-01"},
		{"yearly over the start", file("DTSTART:20260227 | DTEND:20260303 | RRULE:FREQ=YEARLY;COUNT=2"), both, "2026-03-01", "2027-12-31", "2026-03-01 2026-03-02 2027-02-27 2027-02-28 2027-03-01 2027-03-02"},
		{"cancelled", file("DTSTART:20260126", "DTSTART:20260127 | STATUS:CANCELLED"), ical.Reading{}, "2026-01-01", "2026-12-31", "2026-01-26"},
		{"not of the list", file("DTSTART:20260126 | SUMMARY:closed", "DTSTART:20260127T090000 | SUMMARY:a birthday"), ical.Reading{Match: beginsWith("closed")}, "2026-01-01", "2026-12-31", "2026-01-26"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h, err := ical.ReadHolidays(strings.NewReader(test.file), test.reading)
			require.NoError(t, err)
			assert.Equal(t, test.dates, strings.Join(dates(h.Days), " "))
			assert.Equal(t, []string{test.first, test.last}, []string{h.First.String(), h.Last.String()})
			for _, d := range h.Days {
				assert.Equal(t, calendar.Closed, d.Kind)
			}
		})
	}
}

func TestSessionsOfAFile(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	text := file(
		"DTSTART;TZID=America/New_York:20261127T093000 | DTEND;TZID=America/New_York:20261127T130000 | SUMMARY:Day after\\, early close",
		"DTSTART:20261224T143000Z | DTEND:20261224T180000Z",
		"DTSTART:20260703T093000 | DTEND:20260703T130015", "DTSTART;VALUE=DATE:20260102",
	)
	h, err := ical.ReadHolidays(strings.NewReader(text), ical.Reading{Kind: calendar.Shortened, Location: newYork, Source: "a file"})
	require.NoError(t, err)
	hours := func(end calendar.WallTime) []calendar.Hours {
		return []calendar.Hours{{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 30), End: end}}
	}
	day := func(month time.Month, day int) calendar.Date {
		return calendar.Date{Year: 2026, Month: month, Day: day}
	}
	assert.Equal(t, []calendar.TableDay{
		{Date: day(1, 2), Kind: calendar.Shortened, HoursUnknown: true, Source: "a file"},
		{Date: day(7, 3), Kind: calendar.Shortened, Hours: hours(calendar.Wall(13, 0) + 15), Source: "a file"},
		{Date: day(11, 27), Kind: calendar.Shortened, Hours: hours(calendar.Wall(13, 0)), Reason: "Day after, early close", Source: "a file"},
		{Date: day(12, 24), Kind: calendar.Shortened, Hours: hours(calendar.Wall(13, 0)), Source: "a file"},
	}, h.Days)
}

// TestWhatIsWrongIsNamedByItsLine: nothing of a file is taken then.
func TestWhatIsWrongIsNamedByItsLine(t *testing.T) {
	timed := ical.Reading{Kind: calendar.Shortened, Location: time.UTC}
	tests := []struct {
		file    string
		reading ical.Reading
		want    []string
	}{
		{"", ical.Reading{}, []string{"line 1: the file is empty"}},
		{"date,name\n", ical.Reading{}, []string{"line 1: it is no property"}},
		{"BEGIN:VCALENDAR\nEND:VEVENT\n", ical.Reading{}, []string{"line 2: END:VEVENT, and VCALENDAR has begun"}},
		{"VERSION:2.0\n" + file(), ical.Reading{}, []string{"line 1: want BEGIN:VCALENDAR"}},
		{file() + "\nEND:VCALENDAR", ical.Reading{}, []string{"line 5: want BEGIN:VCALENDAR"}},
		{file("DTSTART:20260126 | and so on"), ical.Reading{}, []string{"line 6: it is no property"}},
		{file(), ical.Reading{}, []string{"it lists no day"}},
		{file("DTSTART:20260126T091500"), ical.Reading{Location: time.UTC}, []string{"line 5: DTSTART: it has a time"}},
		{file("DTSTART:20260126T091500Z"), ical.Reading{}, []string{"line 5: DTSTART: ", "Location of the reading is required"}},
		{file("SUMMARY:a day"), ical.Reading{}, []string{"line 3: DTSTART: it is missing"}},
		{file("DTSTART:20260230"), ical.Reading{Location: time.UTC}, []string{`line 5: DTSTART: "20260230" is neither a date nor a time`}},
		{file("DTSTART:20260126", "DTSTART:26-Jan-2026", "SUMMARY:two\n lines | DTSTART:20261341"), ical.Reading{Location: time.UTC}, []string{"line 9: DTSTART", "line 15: DTSTART"}},
		{file("DTSTART:20260126", "DTSTART:20260125 | DTEND:20260127"), ical.Reading{}, []string{"line 7: 2026-01-26 is listed on line 3 already"}},
		{file("DTSTART:20260126", "DTSTART:20100126 | RRULE:FREQ=YEARLY"), ical.Reading{}, []string{"line 7: 2026-01-26 is listed on line 3 already"}},
		{file("DTSTART:20260126 | DTEND:20260126"), ical.Reading{}, []string{"line 6: DTEND: the event has 0 days"}},
		{file("DTSTART:20260126 | DTEND:20260326"), ical.Reading{}, []string{"line 6: DTEND: the event has 59 days"}},
		{file("DTSTART:20260126 | DTEND:20260127T100000Z"), timed, []string{"line 6: DTEND: it has a time, and the start has none"}},
		{file("DTSTART:20260126 | DURATION:PT1H"), ical.Reading{}, []string{`line 6: DURATION: "PT1H" is no number of days`}},
		{file("DTSTART:20260126 | DTSTART:20260127"), ical.Reading{}, []string{"line 6: DTSTART: an event has one"}},
		{file("DTSTART:20260126 | RRULE:FREQ=MONTHLY"), ical.Reading{}, []string{"line 6: RRULE", "only what is repeated yearly"}},
		{file("DTSTART:20260126 | RRULE:FREQ=YEARLY;BYHOUR=9,10"), ical.Reading{}, []string{"line 6: RRULE", "at no time"}},
		{file("DTSTART:20260126 | RRULE:EACH=YEAR"), ical.Reading{}, []string{"line 6: RRULE"}},
		{file("DTSTART:20260126 | RRULE:FREQ=YEARLY"), ical.Reading{}, []string{"its coverage is not known"}},
		{file("DTSTART:20260126 | RRULE:FREQ=YEARLY | EXDATE:soon"), timed, []string{`line 7: EXDATE: "soon" is neither`}},
		{file("DTSTART:20260126 | RDATE:20270126"), ical.Reading{}, []string{"line 6: RDATE: only RRULE and EXDATE are read"}},
		{file("DTSTART:20260126 | RECURRENCE-ID:20270126"), ical.Reading{}, []string{"line 6: RECURRENCE-ID"}},
		{file("DTSTART;TZID=Mars/Base:20260126T090000 | DTEND:20260126T100000"), timed, []string{`line 5: DTSTART: there is no zone "Mars/Base"`}},
		{file("DTSTART:20260126T090000"), timed, []string{"line 3: DTEND: it is missing"}},
		{file("DTSTART:20260126T090000 | DTEND:20260127"), timed, []string{"line 6: DTEND: it has no time"}},
		{file("DTSTART:20260126T090000 | DTEND:20260126T090000"), timed, []string{"line 6: DTEND: it is not later on the day"}},
		{file("DTSTART:20260126T090000 | DTEND:20260127T090000"), timed, []string{"line 6: DTEND: it is not later on the day"}},
		{file("DTSTART:20260126T090000 | DURATION:PT1H"), timed, []string{"line 6: DURATION: the end of a session is a time"}},
		{file("DTSTART:20260126T090000 | DTEND:20260126T100000 | RRULE:FREQ=YEARLY"), timed, []string{"line 5: DTSTART: it has a time, and what is repeated"}},
		{file("DTSTART:20260126", "DTSTART:20280126"), ical.Reading{}, []string{"no day of 2027 is listed"}},
		{file("DTSTART:20260126", "DTSTART:20260303", "DTSTART:20260403", "DTSTART:20270101"), ical.Reading{}, []string{"of 2027 it lists 1 days, and of another year 3"}},
		{file("DTSTART:19000101", "DTSTART:20280126"), ical.Reading{}, []string{"not of at most 100 years"}},
		{file("DTSTART:20260126"), ical.Reading{First: calendar.Date{Year: 2026, Month: 1, Day: 1}}, []string{"coverage: "}},
		{file("DTSTART:20260126"), ical.Reading{First: calendar.Date{Year: 2026, Month: 2, Day: 1}, Last: calendar.Date{Year: 2026, Month: 12, Day: 31}}, []string{"no day of 2026 is listed"}},
		{file("DTSTART:00000101"), ical.Reading{}, []string{"the years of its events: "}},
		{file("DTSTART:99991231 | DURATION:P2D"), ical.Reading{}, []string{"the years of its events: "}},
		{strings.ReplaceAll(file("DTSTART:20260126"), "VEVENT", "vevent"), ical.Reading{}, []string{"it has 1 events, of which 0 can be read"}},
		{strings.Repeat("x", 2<<20), ical.Reading{}, []string{"more than 1048576 bytes"}},
	}
	for _, test := range tests {
		h, err := ical.ReadHolidays(strings.NewReader(test.file), test.reading)
		require.Error(t, err, test.file)
		for _, want := range test.want {
			assert.ErrorContains(t, err, want, test.file)
		}
		assert.Zero(t, h)
	}
}

// TestTheHostsZoneNeverMatters reads times without a zone where the host has another.
func TestTheHostsZoneNeverMatters(t *testing.T) {
	host := time.Local
	t.Cleanup(func() { time.Local = host })
	var read [][]calendar.TableDay
	for _, offset := range []int{-11 * 3600, 0, 13 * 3600} {
		time.Local = time.FixedZone("host", offset)
		h, err := ical.ReadHolidays(strings.NewReader(nseFile(t)), nseReadings(exchange.MustGet("XNSE").Location())[2])
		require.NoError(t, err)
		read = append(read, h.Days)
	}
	assert.Len(t, slices.CompactFunc(read, func(a, b []calendar.TableDay) bool { return assert.ObjectsAreEqual(a, b) }), 1)
}

// A file either is refused or makes a calendar.
func FuzzReadHolidays(f *testing.F) {
	f.Add(nseFile(f), false)
	f.Add(file("DTSTART:20101225 | RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "DTSTART:20260126"), false)
	f.Add(file("DTSTART;TZID=Asia/Kolkata:20260201T091500 | DTEND:20260201T100000Z"), true)
	f.Add(file("DTSTART:20260126 | RRULE:FREQ=YEARLY;INTERVAL=3;BYDAY=-1MO;BYSETPOS=2;WKST=SU | EXDATE:20270101,20280101"), false)
	f.Add("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n \r\nEND:VEVENT\r\nEND:VCALENDAR", false)
	f.Fuzz(func(t *testing.T, text string, sessions bool) {
		reading := ical.Reading{Location: time.UTC}
		if sessions {
			reading.Kind = calendar.Special
		}
		h, err := ical.ReadHolidays(strings.NewReader(text), reading)
		if err != nil {
			return
		}
		_, err = calendar.NewTable(calendar.Table{Name: "X", Location: time.UTC, First: h.First, Last: h.Last, Days: h.Days})
		require.NoError(t, err, text)
	})
}
