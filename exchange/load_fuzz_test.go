package exchange

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

// buildable reports whether a fuzzed market has a coverage that is built in a
// moment.
func buildable(m Market) bool {
	return checkRange(m.From, m.To) == nil && number(m.To)-number(m.From) < 3000
}

// answers builds the market and asks its calendars for the dates at its edges.
func answers(t *testing.T, m Market) {
	t.Helper()
	calendars, err := m.Build()
	require.NoError(t, err)
	for _, c := range calendars {
		for _, d := range []calendar.Date{m.From, m.To} {
			s, err := c.Session(d)
			require.NoError(t, err)
			require.Equal(t, d, s.Date)
		}
		_, err := c.Session(m.To.AddDays(1))
		require.ErrorIs(t, err, calendar.ErrUnknownDate)
	}
}

// tinyMarket is a data file that is short, so that the fuzzer makes many of it.
const tinyMarket = `{"mic":"XTST","name":"T","timezone":"Asia/Kolkata","version":"1","from":"2026-11-16","to":"2026-12-31","basis":"",
"segments":[{"calendar":"XTST","name":"","eras":[{"from":"2026-11-16","hours":[{"phase":"regular","start":"09:15","end":"15:30"}]}]}],
"days":[{"date":"2026-11-24","status":"closed","name":"Jayanti"}]}`

func FuzzReadMarket(f *testing.F) {
	f.Add([]byte(smallMarket))
	f.Add([]byte(tinyMarket))
	f.Add([]byte(strings.Replace(tinyMarket, `"basis"`, `"Basis"`, 1)))
	f.Add([]byte("\uFEFF{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadMarket(bytes.NewReader(data))
		if err != nil {
			assert.Zero(t, m)
			return
		}
		text, err := json.Marshal(m)
		require.NoError(t, err)
		again, err := ReadMarket(bytes.NewReader(text))
		require.NoError(t, err)
		same, err := json.Marshal(again)
		require.NoError(t, err)
		assert.Equal(t, string(text), string(same), "what is written reads the same")
		if !buildable(m) || m.check() != nil {
			return
		}
		if _, err := m.Build(); err == nil { // an hour of an era may be skipped by the clocks
			answers(t, m)
		}
	})
}

func FuzzReadOverrides(f *testing.F) {
	f.Add([]byte(overrideHeader+"2026-12-01,closed,,,,Storm,72260\n# note\n2026-12-02,early_close,,,12:30,Storm,\n"), "XTST")
	f.Add([]byte(overrideHeader+"2026-12-05,special,pre_open,09:00,09:15,Drill,\n2026-12-05,special,,09:15,10:00,,\n"), "XTST.FO")
	f.Add([]byte("\uFEFFdate,status,phase,start,end,name,source,announced\r\n2026-12-01,withdrawn,,,,\"a \"\"b\"\"\",,2026-11-01\r\n"), "XTST")
	f.Add([]byte(overrideHeader+"2026-11-24,regular,,,,,\n2026-11-25,hours_unknown,,,,,\n2026-11-26,late_open,,10:00,,,\n"), "XTST")
	m, untouched := readSmall(f), readSmall(f)
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		o, err := ReadOverrides(bytes.NewReader(data))
		if err != nil {
			assert.Zero(t, o)
			return
		}
		next, err := o.Apply(m, name)
		assert.Equal(t, untouched, m)
		if err != nil {
			assert.Zero(t, next)
			return
		}
		answers(t, next)
	})
}

func FuzzReadNSEHolidays(f *testing.F) {
	f.Add([]byte(`{"CM":[{"tradingDate":"01-Dec-2026","weekDay":"Tuesday","description":"Laxmi Pujan*"}]}`), "CM", "2025-01-01")
	f.Add([]byte(`{"CM":[{"tradingDate":"25-Dec-2026","weekDay":"Friday","description":"Christmas"}]}`), "CM", "")
	f.Add([]byte(`{"CM":[{"tradingDate":"26-Jan-2027","weekDay":"Tuesday","description":"Republic Day","Sr_no":1}],"FO":[]}`), "FO", "")
	f.Add([]byte(`{"CM":[{"tradingDate":"01-Dec-2026","weekDay":"Tuesday","description":"Storm"}]}`), "CM", "0000-01-01")
	m, untouched := readSmall(f), readSmall(f)
	m.From, untouched.From = date(f, "2026-01-01"), date(f, "2026-01-01")
	for _, market := range []Market{m, untouched} {
		for i := range market.Segments {
			market.Segments[i].Eras[0].From = market.From
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, segment, announced string) {
		h, err := ReadNSEHolidays(bytes.NewReader(data), segment)
		if err != nil {
			assert.Zero(t, h)
			return
		}
		published, _ := calendar.ParseDate(announced)
		next, err := h.Apply(m, "list", published)
		assert.Equal(t, untouched, m)
		if err != nil {
			assert.Zero(t, next)
			return
		}
		if buildable(next) {
			answers(t, next)
		}
	})
}

func FuzzLoadFS(f *testing.F) {
	f.Add("XTST.json", []byte(tinyMarket), "XTST.csv", []byte(overrideHeader+"2026-12-01,closed,,,,Storm,\n"))
	f.Add("XTST.json", []byte(smallMarket), "XTST.FO.csv", []byte(overrideHeader+"2026-12-01,closed,,,,Storm,\n"))
	f.Add("XTST.json", []byte(tinyMarket), "XTST.2027.nse.json", []byte(`{"CM":[{"tradingDate":"26-Jan-2027","weekDay":"Tuesday","description":"Republic Day"}]}`))
	f.Add("README.md", []byte(""), "XTST.csv", []byte(overrideHeader))
	f.Add("XTST.json~", []byte(""), ".csv", []byte(overrideHeader))
	f.Fuzz(func(t *testing.T, name string, data []byte, other string, more []byte) {
		if path.Base(name) != name || path.Base(other) != other {
			return // not names of files in a directory
		}
		if m, err := ReadMarket(bytes.NewReader(data)); err == nil && !buildable(m) {
			return
		}
		s, err := LoadFS(fstest.MapFS{name: {Data: data}, other: {Data: more}})
		if err != nil {
			assert.Nil(t, s)
			return
		}
		for name, c := range s.calendars {
			again, err := s.Calendar(name)
			require.NoError(t, err)
			assert.Same(t, c, again)
			assert.Equal(t, name, c.Name())
		}
	})
}
