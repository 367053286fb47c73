package rule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

func TestExceptText(t *testing.T) {
	wholeDay := Every(5*time.Minute, At(0, 0), At(24, 0))
	tests := []struct {
		text string
		rule Rule
	}{
		{"every 1m open-close except 11:30-12:30", Except(Every(time.Minute, AtAnchor("open", 0), AtAnchor("close", 0)), At(11, 30), At(12, 30))},
		{"every 5m 00:00-24:00 except 00:00-00:15,23:45-24:00", Except(Except(wholeDay, At(0, 0), At(0, 15)), At(23, 45), At(24, 0))},
		{"every 5m 00:00-24:00 except 23:45-00:15+1d", Except(wholeDay, At(23, 45), At(24, 15))},
		{"hourly 09:30-15:30 except close-30m-close on fri", Except(On(Hourly(At(9, 30), At(15, 30)), OnWeekdays(time.Friday)), AtAnchor("close", -30*time.Minute), AtAnchor("close", 0))},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			parsed, err := Parse(test.text)
			require.NoError(t, err)
			assert.True(t, test.rule == parsed, "rules are compared by their values")
			assert.Equal(t, test.text, test.rule.String())
			assert.NoError(t, Validate(test.rule))
			assert.True(t, Comparable(parsed))
			bare, _ := Split(parsed)
			assert.NotZero(t, StepOf(bare))
		})
	}
	assert.Nil(t, Except(nil, At(9, 0), At(10, 0)))
}

func TestExceptThatIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"daily 10:00 except 11:30-12:30":                     "except leaves times out of a window, as in every 1m open-close except 11:30-12:30: want an hourly or every rule",
		"once 2026-11-23 10:00 except 11:30-12:30":           "want an hourly or every rule",
		"after x 5m except 11:30-12:30":                      "want an hourly or every rule",
		"every 1m open-close except":                         "want a time such as 09:15 or an anchor such as close-15m at the end",
		"every 1m open-close except 11:30":                   "want a dash and the end of the window at the end",
		"every 1m open-close except 12:30-11:30":             "end is not after start of 12:30-11:30, which is to be left out",
		"every 5m 00:00-24:00 except 23:45-00:15":            "a time of the day after is 00:15+1d",
		"every 1m open-close except each open-close":         "each open may be several moments",
		"every 1m 10:00-11:00 except 09:00-11:00":            "nothing of 10:00-11:00 is left without 09:00-11:00",
		"hourly 10:00-11:00 except 10:00-11:01":              "nothing of 10:00-11:00 is left without 10:00-11:01",
		"every 1m open-close except 11:00-12:00 except 1:00": `want nothing more at "except 1:00"`,
		"every 1m open-close on mon except 11:00-12:00":      `want nothing more at "except 11:00-12:00": except, with commas between its windows, comes before what names days`,
		"every 1m 15:30-09:15 except 11:00-12:00":            "end is not after start",
	} {
		_, err := Parse(text)
		assert.ErrorContains(t, err, want, text)
	}
	assert.ErrorContains(t, Validate(Except(userRule{}, At(9, 0), At(10, 0))), "want an hourly or every rule")
	assert.NoError(t, Validate(MustParse("hourly 10:00-11:00 except 10:00-11:00")), "eleven is left")
}

// What is left out lies in no occurrence, and what is left stays where it was.
func TestExceptOnASession(t *testing.T) {
	s, loc := nse(t, nseHours...)
	short := calendar.Session{Date: s.Date, Kind: calendar.Shortened, Phases: []calendar.Phase{
		{Name: calendar.PhaseRegular, Start: calendar.Wall(9, 15).On(s.Date, loc), End: calendar.Wall(13, 0).On(s.Date, loc)},
	}}
	tests := []struct {
		text string
		s    calendar.Session
		n    int
		gone string // the last before what is left out
		back string // and the first after it
		err  string
	}{
		{text: "every 1m open-close except 11:30-12:30", s: s, n: 375 - 60, gone: "11:29", back: "12:30"},
		{text: "every 20m 09:00-17:00 except 11:30-12:30", s: s, n: 24 - 3, gone: "11:20", back: "12:40"},
		{text: "every 1m open-close except 11:30-11:30+1d", s: s, n: 135, gone: "11:29"},
		{text: "hourly 09:30-15:30 except 11:30-12:30", s: s, n: 6, gone: "10:30", back: "12:30"},
		{text: "hourly 09:30-15:30 except 11:00-12:00,14:00-15:00", s: s, n: 5, gone: "10:30", back: "12:30"},
		{text: "every 1m open-close except open-open+5m", s: s, n: 370, back: "09:20"},
		{text: "every 1m open-close except 12:30-close", s: short, n: 195, gone: "12:29"},
		{text: "every 1m open-close except 14:00-close", s: short, n: 225},
		{text: "every 1m open-close except 09:00-14:00", s: short, err: "nothing of session 2026-11-23 is left without 09:00-14:00"},
		{text: "every 1m open-close except closing_auction-close", s: short, err: "session 2026-11-23 has no closing_auction"},
		{text: "every 1m open-close except close-5h-close-4h", s: short, err: "close-5h is before the open of session 2026-11-23"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			list, err := MustParse(test.text).Occurrences(test.s, loc)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Len(t, list, test.n)
			gone, back := "", ""
			for i, o := range list {
				if i > 0 && o.Due.Sub(list[i-1].Due) > list[1].Due.Sub(list[0].Due) && back == "" {
					gone, back = list[i-1].Due.In(loc).Format("15:04"), o.Due.In(loc).Format("15:04")
				}
			}
			if test.gone != "" && test.back != "" {
				assert.Equal(t, []string{test.gone, test.back}, []string{gone, back})
			}
			if test.back == "" && test.gone != "" {
				assert.Equal(t, test.gone, list[len(list)-1].Due.In(loc).Format("15:04"))
			}
			if test.gone == "" && test.back != "" {
				assert.Equal(t, test.back, list[0].Due.In(loc).Format("15:04"))
			}
		})
	}
}
