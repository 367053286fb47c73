package exchange

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

// smallMarket is a data file of one market with two calendars over two weeks, in
// which every key occurs.
const smallMarket = `{
  "mic": "XTST",
  "name": "Test Exchange",
  "timezone": "Asia/Kolkata",
  "version": "2026-11-22",
  "from": "2026-11-16",
  "to": "2026-12-31",
  "basis": "made up",
  "segments": [
    {
      "calendar": "XTST",
      "name": "shares",
      "eras": [
        {"from": "2026-11-16", "source": "rule book", "hours": [
          {"phase": "pre_open", "start": "09:00", "end": "09:15"},
          {"phase": "regular", "start": "09:15", "end": "15:30", "note": "continuous"}
        ]}
      ]
    },
    {
      "calendar": "XTST.FO",
      "name": "futures",
      "eras": [
        {"from": "2026-11-16", "hours": [{"phase": "regular", "start": "09:15", "end": "15:40"}]}
      ]
    }
  ],
  "days": [
    {"date": "2026-11-24", "status": "closed", "name": "Guru Nanak Jayanti", "announced": "2025-12-12", "source": "71775"},
    {"date": "2026-11-28", "calendars": ["XTST"], "status": "special", "name": "Drill", "hours": [
      {"phase": "regular", "start": "10:00", "end": "11:00"}
    ]},
    {"date": "2026-12-25", "status": "closed", "name": "Christmas"}
  ],
  "settlement": {
    "calendars": ["XTST", "XTST.FO"], "from": "2026-11-16",
    "to": "2026-12-31",
    "basis": "made up",
    "holidays": [{"date": "2026-12-01", "name": "Bank holiday", "announced": "2025-12-12", "source": "clearing house"}]
  }
}
`

// date returns the date of the form 2026-11-23.
func date(t testing.TB, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	require.NoError(t, err)
	return d
}

// readSmall returns the market of smallMarket.
func readSmall(t testing.TB) Market {
	t.Helper()
	m, err := ReadMarket(strings.NewReader(smallMarket))
	require.NoError(t, err)
	return m
}

func TestReadMarketTakesEveryKey(t *testing.T) {
	m := readSmall(t)
	assert.Equal(t, "XTST", m.MIC)
	assert.Equal(t, date(t, "2026-12-31"), m.To)
	require.Len(t, m.Segments, 2)
	assert.Equal(t, Era{
		From:   date(t, "2026-11-16"),
		Source: "rule book",
		Hours: []PhaseHours{
			{Phase: "pre_open", Start: calendar.Wall(9, 0), End: calendar.Wall(9, 15)},
			{Phase: "regular", Start: calendar.Wall(9, 15), End: calendar.Wall(15, 30), Note: "continuous"},
		},
	}, m.Segments[0].Eras[0])
	require.Len(t, m.Days, 3)
	assert.Equal(t, Day{
		Date: date(t, "2026-11-24"), Status: StatusClosed, Name: "Guru Nanak Jayanti",
		Announced: date(t, "2025-12-12"), Source: "71775",
	}, m.Days[0])
	assert.Equal(t, []string{"XTST"}, m.Days[1].Calendars)
	require.NotNil(t, m.Settlement)
	assert.Equal(t, []string{"XTST", "XTST.FO"}, m.Settlement.Calendars)
	assert.Equal(t, "Bank holiday", m.Settlement.Holidays[0].Name)
}

func TestReadMarketTakesWhatMarshalWrites(t *testing.T) {
	withoutDays := readSmall(t)
	withoutDays.Days, withoutDays.Settlement = []Day{}, nil
	for name, m := range map[string]Market{"whole": readSmall(t), "without days": withoutDays} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(m)
			require.NoError(t, err)
			again, err := ReadMarket(strings.NewReader("\uFEFF" + string(text)))
			require.NoError(t, err)
			assert.Equal(t, m, again)
		})
	}
}

// A list that is lost is not an empty one.
func TestReadMarketRefusesNullForAList(t *testing.T) {
	for key, drop := range map[string]func(m *Market){
		"days":                      func(m *Market) { m.Days = nil },
		"segments":                  func(m *Market) { m.Segments = nil },
		"segments[1].eras":          func(m *Market) { m.Segments[1].Eras = nil },
		"segments[0].eras[0].hours": func(m *Market) { m.Segments[0].Eras[0].Hours = nil },
		"settlement.holidays":       func(m *Market) { m.Settlement.Holidays = nil },
	} {
		m := readSmall(t)
		drop(&m)
		text, err := json.Marshal(m)
		require.NoError(t, err)
		_, err = ReadMarket(bytes.NewReader(text))
		assert.EqualError(t, err, "line 1: "+key+": want a list")
	}
	_, err := ReadNSEHolidays(strings.NewReader(`{"CM": null}`), "CM")
	assert.EqualError(t, err, "line 1: CM: want a list")
}

func TestReadMarketRefusesWithLineAndKey(t *testing.T) {
	tests := map[string]struct{ old, new, want string }{
		"unknown key":        {`"basis"`, `"bases"`, `line 8: bases: unknown key`},
		"key in other case":  {`"basis"`, `"Basis"`, `line 8: Basis: unknown key`},
		"key twice":          {`"basis": "made up"`, `"mic": "XTST"`, `line 8: mic: the key is given twice`},
		"key twice, escaped": {`"basis": "made up"`, `"\u006dic": "XTST"`, `line 8: mic: the key is given twice`},
		"key missing":        {`"phase": "pre_open", "start": "09:00"`, `"phase": "pre_open"`, `line 15: segments[0].eras[0].hours[0]: key "start" is missing`},
		"unknown key deep":   {`"start": "10:00"`, `"begin": "10:00"`, `line 31: days[1].hours[0].begin: unknown key`},
		"bad date":           {`"2026-12-25"`, `"2026-12-32"`, `line 33: days[2].date: date "2026-12-32": there is no such date`},
		"bad time":           {`"15:40"`, `"15:60"`, `line 24: segments[1].eras[0].hours[0].end: time of day "15:60": there is no such time of day`},
		"number for string":  {`"XTST",`, `12,`, `line 2: mic: want a string`},
		"number too large":   {`"XTST",`, `1e999999,`, `line 2: mic: want a string`},
		"null for string":    {`"XTST",`, `null,`, `line 2: mic: want a string`},
		"object for list":    {`["XTST"]`, `{"XTST": 1}`, `line 30: days[1].calendars: want a list`},
		"null for a list":    {`["XTST"]`, `null`, `line 30: days[1].calendars: want a list`},
		"string for object":  {`[{"date": "2026-12-01"`, `["2026-12-01", {"date": "2026-12-01"`, `line 39: settlement.holidays[0]: want an object`},
		"syntax":             {`"basis": "made up",`, `"basis": "made up"`, `line 9: invalid character '"' after object key:value pair`},
		"trailing comma":     {`"name": "Christmas"}`, `"name": "Christmas"},`, `line 34: invalid character ']' looking for beginning of value`},
		"two values":         {"  }\n}\n", "  }\n}\n{}", `line 42: invalid character '{' after top-level value`},
		"cut off":            {"  }\n}\n", "", `unexpected end of JSON input`},
		"not UTF-8":          {`Christmas`, "Christm\xe4s", `line 33: not UTF-8`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, smallMarket, tt.old)
			m, err := ReadMarket(strings.NewReader(strings.Replace(smallMarket, tt.old, tt.new, 1)))
			require.ErrorContains(t, err, tt.want)
			assert.Zero(t, m, "nothing is handed out of a bad file")
		})
	}
	for _, text := range []string{"", "null", "[]", `"XTST"`, "{}"} {
		_, err := ReadMarket(strings.NewReader(text))
		assert.ErrorContains(t, err, "line 1: ", "text %q", text)
	}
	_, err := ReadMarket(strings.NewReader(strings.Repeat(" ", maxFileSize+1)))
	assert.EqualError(t, err, "larger than 8 MiB")
}
