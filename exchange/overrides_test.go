package exchange

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const overrideHeader = "date,status,phase,start,end,name,source\n"

// overridden returns a calendar of the small market with the overrides of a file
// that is for the calendar named.
func overridden(t testing.TB, file, calendar, which string) *Sessions {
	t.Helper()
	o, err := ReadOverrides(strings.NewReader(file))
	require.NoError(t, err)
	m, err := o.Apply(readSmall(t), calendar)
	require.NoError(t, err)
	return find(t, m, which)
}

// find returns a calendar of the market.
func find(t testing.TB, m Market, name string) *Sessions {
	t.Helper()
	calendars, err := m.Build()
	require.NoError(t, err)
	for _, c := range calendars {
		if c.Name() == name {
			return c
		}
	}
	require.Fail(t, "no such calendar", name)
	return nil
}

// describe tells what a calendar has on a date: what it is, and its phases with
// their local hours.
func describe(t testing.TB, c *Sessions, day string) string {
	t.Helper()
	s, err := c.Session(date(t, day))
	require.NoError(t, err)
	text := s.Describe()
	if s.HoursUnknown {
		text += " | hours unknown"
	}
	for _, p := range s.Phases {
		text += " | " + p.Name + " " + p.Start.In(c.Location()).Format("15:04") + "-" + p.End.In(c.Location()).Format("15:04")
	}
	return text
}

func TestOverridesReplaceWholeDays(t *testing.T) {
	tests := map[string]struct{ file, day, want string }{
		"ad-hoc closure": {
			overrideHeader + "2026-12-01,closed,,,,Municipal elections,72260\n",
			"2026-12-01", "closed: Municipal elections",
		},
		"announced": {
			"date,status,phase,start,end,name,source,announced\n2026-12-01,closed,,,,Municipal elections,72260,2026-11-30\n",
			"2026-12-01", "closed: Municipal elections, announced 2026-11-30",
		},
		"announced left out of a row": {
			"date,status,phase,start,end,name,source,announced\n2026-12-01,closed,,,,Municipal elections,72260\n",
			"2026-12-01", "closed: Municipal elections",
		},
		"early close with the phase left out": {
			overrideHeader + "2026-12-24,early_close,,09:15,12:30,Christmas Eve,\n",
			"2026-12-24", "shortened session (early close): Christmas Eve | regular 09:15-12:30",
		},
		"late open": {
			overrideHeader + "2026-12-24,late_open,regular,10:15,,Exam,\n",
			"2026-12-24", "shortened session (late open): Exam | regular 10:15-15:30",
		},
		"weekend session at the hours of its era": {
			overrideHeader + "2026-12-05,regular,,,,Budget Saturday,\n",
			"2026-12-05", "regular session: Budget Saturday | pre_open 09:00-09:15 | regular 09:15-15:30",
		},
		"session in two windows on rows apart": {
			overrideHeader + "2026-12-05,special,pre_open,09:00,09:15,Drill,\n" +
				"2026-12-07,closed,,,,Storm,\n" +
				"2026-12-05,special,regular,09:15,10:00,,\n" +
				"2026-12-05,special,regular,11:30,12:30,Drill,circular\n",
			"2026-12-05", "special session: Drill | pre_open 09:00-09:15 | regular 09:15-10:00 | regular 11:30-12:30",
		},
		"unknown hours": {
			overrideHeader + "2026-12-06,hours_unknown,,,,Muhurat,\n",
			"2026-12-06", "special session: Muhurat | hours unknown",
		},
		"a holiday of the data becomes a session": {
			overrideHeader + "2026-11-24,regular,,,,Holiday moved,\n",
			"2026-11-24", "regular session: Holiday moved | pre_open 09:00-09:15 | regular 09:15-15:30",
		},
		"withdrawn": {
			overrideHeader + "2026-12-01,withdrawn,,,,Municipal elections,\n",
			"2026-12-01", "regular session | pre_open 09:00-09:15 | regular 09:15-15:30",
		},
		"withdrawn on a line of its own": {
			overrideHeader + "2026-11-24,regular,,,,Holiday moved,\n2026-11-24,withdrawn,,,,,\n",
			"2026-11-24", "closed: Guru Nanak Jayanti, announced 2025-12-12",
		},
		"withdrawn and announced again": {
			overrideHeader + "2026-12-01,closed,,,,Storm,\n2026-12-01,withdrawn,,,,,\n2026-12-01,late_open,,11:00,,Storm after all,\n",
			"2026-12-01", "shortened session (late open): Storm after all | regular 11:00-15:30",
		},
		"as a spreadsheet writes it": {
			"\uFEFF# closures\r\n" + strings.ReplaceAll(overrideHeader, "\n", "\r\n") +
				"\r\n,,,,,,\r\n 2026-12-01 , closed ,,,, \"Elections, municipal\",\r\n   \r\n",
			"2026-12-01", "closed: Elections, municipal",
		},
		"quoted": {
			overrideHeader + `2026-12-01,closed,,,,"Elections, ""municipal""",`,
			"2026-12-01", `closed: Elections, "municipal"`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, describe(t, overridden(t, tt.file, "XTST", "XTST"), tt.day))
		})
	}
}

func TestOverridesKeepTheirSource(t *testing.T) {
	c := overridden(t, overrideHeader+"2026-12-01,closed,,,,Elections,NSE/CMTR/72260\n", "XTST", "XTST.FO")
	s, err := c.Session(date(t, "2026-12-01"))
	require.NoError(t, err)
	assert.Equal(t, "NSE/CMTR/72260", s.Source)
	assert.Zero(t, s.Announced)
}

func TestOverridesOfOneCalendarLeaveTheOthers(t *testing.T) {
	file := overrideHeader + "2026-12-01,closed,,,,No futures,\n2026-11-24,special,,10:00,11:00,Futures only,\n"
	assert.Equal(t, "closed: No futures", describe(t, overridden(t, file, "XTST.FO", "XTST.FO"), "2026-12-01"))
	main := overridden(t, file, "XTST.FO", "XTST")
	assert.Equal(t, "regular session | pre_open 09:00-09:15 | regular 09:15-15:30", describe(t, main, "2026-12-01"))
	assert.Equal(t, "closed: Guru Nanak Jayanti, announced 2025-12-12", describe(t, main, "2026-11-24"))
}

func TestOverridesLeaveAnEdgeToEachCalendar(t *testing.T) {
	file := overrideHeader +
		"2026-12-01,late_open,,10:15,,Outage,\n" +
		"2026-12-02,early_close,,,12:30,Storm,\n2026-12-02,early_close,post_close,12:40,13:00,,\n"
	shares := overridden(t, file, "XTST", "XTST")
	assert.Equal(t, "shortened session (late open): Outage | regular 10:15-15:30", describe(t, shares, "2026-12-01"))
	assert.Equal(t, "shortened session (early close): Storm | regular 09:15-12:30 | post_close 12:40-13:00", describe(t, shares, "2026-12-02"))
	futures := overridden(t, file, "XTST", "XTST.FO")
	assert.Equal(t, "shortened session (late open): Outage | regular 10:15-15:40", describe(t, futures, "2026-12-01"))
	only := overridden(t, file, "XTST.FO", "XTST.FO")
	assert.Equal(t, "shortened session (late open): Outage | regular 10:15-15:40", describe(t, only, "2026-12-01"))

	tokyo, err := EmbeddedMarket("XTKS")
	require.NoError(t, err)
	o, err := ReadOverrides(strings.NewReader(overrideHeader + "2026-12-01,late_open,,10:15,,Outage,\n2026-12-02,late_open,,13:00,,Outage,\n"))
	require.NoError(t, err)
	tokyo, err = o.Apply(tokyo, "XTKS")
	require.NoError(t, err)
	assert.Equal(t, "shortened session (late open): Outage | regular 10:15-11:30 | regular 12:30-15:25",
		describe(t, find(t, tokyo, "XTKS"), "2026-12-01"), "the break stays")
	assert.Equal(t, "shortened session (late open): Outage | regular 13:00-15:25", describe(t, find(t, tokyo, "XTKS"), "2026-12-02"))
}

func TestOverridesChangeTheVersionAndNotTheMarket(t *testing.T) {
	m := readSmall(t)
	o, err := ReadOverrides(strings.NewReader(overrideHeader + "2026-12-01,closed,,,,Elections,\n"))
	require.NoError(t, err)
	next, err := o.Apply(m, "XTST")
	require.NoError(t, err)
	assert.Equal(t, readSmall(t), m)
	assert.NotEqual(t, find(t, m, "XTST").Version(), find(t, next, "XTST").Version())

	same, err := Overrides{}.Apply(m, "XTST.FO")
	require.NoError(t, err)
	assert.Equal(t, find(t, m, "XTST").Version(), find(t, same, "XTST").Version(), "no overrides, no change")
}

func TestReadOverridesRefusesWithLines(t *testing.T) {
	tests := map[string]struct {
		file string
		want []string
	}{
		"empty":                {"", []string{"line 1: want the header date,status,phase,start,end,name,source, and found no row"}},
		"only comments":        {"# nothing\n", []string{"line 1: want the header"}},
		"no header":            {"\n2026-12-01,closed,,,,Storm,\n", []string{"line 2: want the header date,status,phase,start,end,name,source, and found 2026-12-01,closed,,,,Storm,"}},
		"columns out of order": {"date,status,phase,end,start,name,source\n", []string{"line 1: want the header"}},
		"too few fields":       {overrideHeader + "2026-12-01,closed\n", []string{"line 2: 2 fields, and the header has 7"}},
		"too many fields":      {overrideHeader + "2026-12-01,closed,,,,Elections, municipal,72260\n", []string{"line 2: 8 fields, and the header has 7"}},
		"stray quote":          {overrideHeader + "\n2026-12-01,closed,,,,The \"storm\",\n", []string{`line 3: bare " in non-quoted-field`}},
		"not UTF-8":            {overrideHeader + "2026-12-01,closed,,,,F\xeate,\n", []string{"line 2: not UTF-8"}},
		"all problems at once": {
			overrideHeader + "# a comment\n" +
				"01-12-2026,closed,,,,Storm,\n" +
				"2026-12-02,shut,,,,Storm,\n" +
				"2026-12-03,special,,9:15,,Storm,\n" +
				"2026-12-04,special,,9.15,10:00,Storm,\n" +
				"2026-12-07,special,,09:15,25:00,Storm,\n" +
				"2026-12-07,special,,09:15,,Storm,\n" +
				"2026-12-07,late_open,pre_open,09:15,,Storm,\n" +
				"2026-12-07,early_close,,09:15,,Storm,\n" +
				"2026-12-08,withdrawn,,09:15,10:00,Storm,\n" +
				"2026-02-30,shut,,,,Storm,\n" +
				"2026-12-09,closed,,,,The \"storm\",\n" +
				"2026-12-10,closed,,,\n",
			[]string{
				`line 13: bare " in non-quoted-field`,
				"line 14: 5 fields, and the header has 7",
				`line 3: date "01-12-2026": want the form 2026-11-23`,
				`line 4: status: "shut" is none of closed, regular, early_close, late_open, special, hours_unknown and withdrawn`,
				"line 5: a window needs both its start and its end",
				`line 6: start: time of day "9.15"`,
				`line 7: end: time of day "25:00"`,
				"line 8: a window needs both its start and its end",
				"line 9: a window needs both its start and its end",
				"line 10: a window needs both its start and its end",
				"line 11: status: a day that is withdrawn has no hours",
				`line 12: date "2026-02-30"`,
				`line 12: status: "shut"`,
			},
		},
		"rows of a date that disagree": {
			strings.TrimSuffix(overrideHeader, "\n") + ",announced\n" +
				"2026-12-05,special,,09:15,10:00,Drill,circular 1,2026-11-01\n" +
				"2026-12-05,early_close,,11:30,12:30,Drill,circular 1,\n" +
				"2026-12-05,special,,11:30,12:30,Exercise,circular 2,2026-11-02\n" +
				"2026-12-05,special,,,,,,\n" +
				"2026-12-07,closed,,,,Storm,,\n" +
				"2026-12-07,closed,,,,Storm,,\n",
			[]string{
				"line 3: 2026-12-05: the status is early_close, and special on line 2",
				"line 4: 2026-12-05: the name differs from that on line 2",
				"line 4: 2026-12-05: the source differs from that on line 2",
				"line 4: 2026-12-05: the date of announcement differs from that on line 2",
				"line 5: status: a day that is special needs its hours, in the columns start and end",
				"line 7: 2026-12-07: is on line 6 already: to replace what is there, put a row of the date with the status withdrawn between them",
			},
		},
		"times that are missing": {
			overrideHeader + "2026-12-24,early_close,,,,Eve,\n2026-12-28,late_open,,,,Fog,\n",
			[]string{
				"line 2: status: a day that is early_close needs its close, in the column end",
				"line 3: status: a day that is late_open needs its open, in the column start",
			},
		},
		"bad announcement": {
			strings.TrimSuffix(overrideHeader, "\n") + ",announced\n2026-12-05,closed,,,,Storm,,yesterday\n",
			[]string{`line 2: announced: date "yesterday"`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := ReadOverrides(strings.NewReader(tt.file))
			require.Error(t, err)
			assert.Zero(t, o)
			lines := strings.Split(err.Error(), "\n")
			require.Len(t, lines, len(tt.want), "%v", err)
			for i, want := range tt.want {
				assert.Contains(t, lines[i], want)
			}
		})
	}
}

func TestApplyRefusesWithLines(t *testing.T) {
	file := overrideHeader +
		"2027-01-01,closed,,,,New Year,\n" +
		"2026-12-02,special,,15:30,09:15,Inverted,\n" +
		"2026-12-03,special,,09:15,11:00,Overlapping,\n" +
		"2026-12-03,special,,10:00,12:00,,\n" +
		"2026-12-04,closed,,09:15,10:00,Closed with hours,\n" +
		"2026-12-08,early_close,,10:15,12:30,Both edges,\n" +
		"2026-12-09,special,pre_open,09:00,09:15,No regular phase,\n" +
		"2026-12-10,special,open,09:00,09:15,No phase,\n" +
		"2026-12-11,hours_unknown,,09:15,10:00,Known,\n" +
		"2026-12-14,closed,,,,\"Two\nlines\",\n" +
		"2026-12-16,closed,,,,Fine,\n" +
		"2026-12-17,late_open,,16:00,,After the close,\n" +
		"2026-12-18,early_close,,,15:40,Not early,\n" +
		"2026-12-21,early_close,,09:15,08:00,Inverted,\n" +
		"2026-12-22,late_open,,09:15,,Not late,\n"
	o, err := ReadOverrides(strings.NewReader(file))
	require.NoError(t, err)
	m, err := o.Apply(readSmall(t), "XTST.FO")
	assert.Zero(t, m, "no part of a bad file is applied")
	var lines []string
	for _, line := range strings.Split(err.Error(), "\n") {
		lines = append(lines, strings.TrimPrefix(line, "line "))
	}
	for i, want := range []string{
		"2: 2027-01-01: outside the coverage, 2026-11-16 to 2026-12-31",
		"3: 2026-12-02: regular from 15:30 to 09:15: end is not after start",
		"4: 2026-12-03: two windows of regular overlap",
		"6: 2026-12-04: a closed day has no hours",
		"7: 2026-12-08: XTST.FO: 10:15 to 12:30 is no early close of 09:15 to 15:40",
		"8: 2026-12-09: hours: a day that is special has at least one window of the phase regular",
		"9: 2026-12-10: hours: a day that is special has at least one window of the phase regular",
		"10: 2026-12-11: the hours are given and said to be unknown",
		`11: 2026-12-14: name: "Two\nlines" has a control character`,
		"14: 2026-12-17: the open is moved to 16:00, and XTST.FO trades from 09:15 to 15:40",
		"15: 2026-12-18: the close is moved to 15:40, and XTST.FO trades from 09:15 to 15:40",
		"16: 2026-12-21: regular from 09:15 to 08:00: end is not after start",
		"17: 2026-12-22: the open is moved to 09:15, and XTST.FO trades from 09:15 to 15:40",
	} {
		require.Greater(t, len(lines), i, "%v", err)
		assert.Equal(t, want, lines[i])
	}
	assert.Len(t, lines, 13)

	_, err = Overrides{}.Apply(readSmall(t), "XTST.CD")
	assert.EqualError(t, err, "XTST.CD is no calendar of the market XTST")
	_, err = Overrides{}.Apply(Market{MIC: "XTST", Timezone: "Mars/Olympus"}, "XTST")
	assert.ErrorContains(t, err, "timezone: ")
}
