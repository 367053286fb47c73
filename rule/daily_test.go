package rule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

func TestSeveralTimesText(t *testing.T) {
	tests := []struct {
		text string
		rule Rule
	}{
		{"daily 10:00,14:00", Daily(At(10, 0), At(14, 0))},
		{"daily 14:00,10:00", Daily(At(14, 0), At(10, 0))},
		{"daily 09:30,close-15m,02:00+1d", Daily(At(9, 30), AtAnchor("close", -15*time.Minute), At(26, 0))},
		{"daily first close,last open on mon", On(Daily(AtAnchor("close", 0).In(FirstWindow), AtAnchor("open", 0).In(LastWindow)), OnWeekdays(time.Monday))},
		{"daily 10:00", Daily(At(10, 0), []Moment{}...)},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			parsed, err := Parse(test.text)
			require.NoError(t, err)
			assert.True(t, test.rule == parsed, "rules are compared by their values")
			assert.Equal(t, test.text, test.rule.String())
			assert.NoError(t, Validate(test.rule))
			assert.Equal(t, KindDaily, KindOf(parsed))
			assert.True(t, Comparable(parsed))
		})
	}
	for text, want := range map[string]string{
		"daily 10:00 , 14:00":                "daily 10:00,14:00",
		"daily 10:00 as 10:00,14:00":         "daily 10:00,14:00",
		"daily 10:00 as date":                "daily 10:00",
		"daily 10:30 as 10:00,14:00":         "daily 10:30 as 10:00,14:00",
		"daily 14:00 as 14:00":               "daily 14:00 as 14:00",
		"daily 10:00 as date, close as open": "daily 10:00 as date,close as open",
	} {
		r, err := Parse(text)
		if assert.NoError(t, err, text) {
			assert.Equal(t, want, r.String())
		}
	}
}

func TestSeveralTimesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"daily 10:00,":                     "want a time such as 09:15 or an anchor such as close-15m at the end",
		"daily 10:00,,14:00":               `want a time such as 09:15 or an anchor such as close-15m at ",14:00"`,
		"daily 10:00 14:00":                `want nothing more at "14:00"`,
		"daily 10:00,14:00,10:00":          "10:00 is named twice",
		"daily 10:00,each open":            "each open is several moments by itself: want a row of its own",
		"daily 10:00 as 14:00,14:00":       "10:00 and 14:00 have one slot",
		"daily 10:00 as each open":         `"each open" is no slot`,
		"daily 10:00 as":                   "want a time such as 09:15",
		"once 2026-11-23 10:00,14:00":      "a once rule has one time: want a row for each",
		"hourly 09:30-11:30,13:00-15:00":   "an hourly rule has one window: want a row for each",
		"every 5m 09:30-11:30,13:00-15:00": "an every rule has one window: want a row for each, or one window as in 09:30-15:00 except 11:30-13:00",
	} {
		_, err := Parse(text)
		assert.ErrorContains(t, err, want, text)
	}
	assert.ErrorContains(t, Validate(Daily(At(10, 0), At(10, 75))), "a time of day has a minute from 0 to 59")
}

// Each time has a slot of its own, which nothing else of the rule decides.
func TestSeveralTimesOnASession(t *testing.T) {
	s, loc := nse(t, nseHours...)
	noHours := calendar.Session{Date: s.Date, Kind: calendar.Regular, HoursUnknown: true}
	type due struct{ at, slot, skip string }
	tests := []struct {
		text string
		s    calendar.Session
		want []due
	}{
		{"daily 14:00,10:00", s, []due{{"10:00", "2026-11-23@10:00", ""}, {"14:00", "2026-11-23@14:00", ""}}},
		{"daily 10:00,close-15m", s, []due{{"10:00", "2026-11-23@10:00", ""}, {"15:15", "2026-11-23@close-15m", ""}}},
		{"daily 10:30 as 10:00,14:00 as date", s, []due{{"10:30", "2026-11-23@10:00", ""}, {"14:00", "2026-11-23", ""}}},
		{"daily 15:15,close-15m", s, []due{{"15:15", "2026-11-23@15:15", ""}, {"15:15", "2026-11-23@close-15m", "close-15m of session 2026-11-23 is at the instant of 15:15"}}},
		{"daily 10:00,closing_auction", s, []due{{"10:00", "2026-11-23@10:00", ""}, {"00:00", "2026-11-23@closing_auction", "session 2026-11-23 has no closing_auction"}}},
		{"daily open,10:00", noHours, []due{{"10:00", "2026-11-23@10:00", ""}, {"00:00", "2026-11-23@open", "the hours of session 2026-11-23 are not known"}}},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			spans, err := Compile(MustParse(test.text), test.s, loc)
			require.NoError(t, err)
			var got []due
			for _, sp := range spans {
				require.Equal(t, 1, sp.N)
				got = append(got, due{sp.Due(0).In(loc).Format("15:04"), sp.SlotAt(0, s.Date, loc), sp.Skip})
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestHeldOver(t *testing.T) {
	tests := []struct{ was, is, want string }{
		{"daily 10:00", "daily 11:00", ""},
		{"daily 10:00", "daily 10:00,14:00", "daily 10:00 as date,14:00"},
		{"daily 10:00", "daily 14:00,10:30", "daily 14:00,10:30 as date"},
		{"daily 10:00,14:00", "daily 10:00,12:00,14:00", ""},
		{"daily 10:00,14:00", "daily 10:00", "daily 10:00 as 10:00"},
		{"daily 10:00,14:00", "daily 14:00", "daily 14:00 as 14:00"},
		{"daily 10:00,14:00", "daily 10:30,14:00", "daily 10:30 as 10:00,14:00"},
		{"daily 10:00,14:00", "daily 10:30,14:30", "daily 10:30 as 10:00,14:30 as 14:00"},
		{"daily 10:00,14:00", "daily 15:00", "daily 15:00 as 14:00"},
		{"daily 10:00,14:00", "daily 12:00", "daily 12:00 as 10:00"},
		{"daily 10:00,14:00", "daily 14:00,10:00", ""},
		{"daily 14:00 as 14:00", "daily 15:00", "daily 15:00 as 14:00"},
		{"daily 14:00 as 14:00", "daily 14:00,15:00", ""},
		{"daily 10:30 as 10:00,14:00", "daily 11:00,14:00", "daily 11:00 as 10:00,14:00"},
		{"daily 10:30 as 10:00,14:00", "daily 10:30,14:00,16:00", "daily 10:30 as 10:00,14:00,16:00"},
		{"daily 10:30 as 10:00,14:00", "daily 10:00,10:30,14:00", "daily 10:00 as 10:30,10:30 as 10:00,14:00"},
		{"daily 09:30,close-15m", "daily 09:30,15:15", "daily 09:30,15:15 as close-15m"},
		{"daily 09:30,close-15m", "daily 09:45,close-5m", "daily 09:45 as 09:30,close-5m as close-15m"},
		{"daily 10:00,14:00 on mon", "daily 10:30,14:00 on tue", "daily 10:30 as 10:00,14:00 on tue"},
		{"daily each open", "daily 10:00,14:00", ""},
		{"daily 10:00,14:00", "daily each open", ""},
		{"every 1m open-close", "daily 10:00,14:00", ""},
	}
	for _, test := range tests {
		t.Run(test.was+" to "+test.is, func(t *testing.T) {
			held := HeldOver(MustParse(test.is), MustParse(test.was))
			if test.want == "" {
				assert.Nil(t, held)
				return
			}
			require.NotNil(t, held)
			assert.Equal(t, test.want, held.String())
			assert.True(t, MustParse(test.want) == held, "it reads back the same")
		})
	}
	assert.Nil(t, HeldOver(userRule{}, MustParse("daily 10:00,14:00")))
	assert.Nil(t, HeldOver(On(userRule{}, OnWeekdays(time.Monday)), userRule{}))
}

// usersDaily is a user's rule that is like a daily one.
type usersDaily struct{ userRule }

func (usersDaily) Daily() bool { return true }

func TestChangesKind(t *testing.T) {
	for _, test := range []struct {
		is, was Rule
		want    bool
	}{
		{MustParse("daily 10:00,14:00"), MustParse("daily 10:00"), false},
		{MustParse("daily 10:00 on mon"), MustParse("daily 10:00,14:00"), false},
		{MustParse("daily 10:00"), MustParse("daily each open"), true},
		{MustParse("hourly 09:00-15:00"), MustParse("daily 10:00,14:00"), true},
		{MustParse("every 1m open-close except 11:00-12:00"), MustParse("every 1m open-close"), false},
		{usersDaily{}, MustParse("daily 10:00"), false},
		{usersDaily{}, MustParse("daily 10:00,14:00"), true},
		{MustParse("daily 10:00,14:00 on mon"), On(usersDaily{}, OnWeekdays(time.Monday)), true},
	} {
		assert.Equal(t, test.want, ChangesKind(test.is, test.was), "%v to %v", test.was, test.is)
	}
}
