package calendar

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDate(t *testing.T) {
	d := Date{2028, 2, 28}
	assert.Equal(t, Date{2028, 2, 29}, d.AddDays(1))
	assert.Equal(t, Date{2028, 3, 1}, d.AddDays(2))
	assert.Equal(t, Date{2027, 12, 31}, Date{2028, 1, 1}.AddDays(-1))
	assert.Equal(t, time.Monday, d.Weekday())
	assert.Equal(t, "2028-02-28", d.String())
	assert.True(t, d.Before(Date{2028, 3, 1}))
	assert.True(t, d.After(Date{2027, 12, 31}))
	assert.False(t, d.Before(d) || d.After(d))
	assert.Zero(t, d.Compare(d))
	assert.True(t, Date{}.IsZero())
	assert.False(t, d.IsZero())

	late := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	assert.Equal(t, Date{2026, 11, 22}, DateOf(late))
	assert.Equal(t, Date{2026, 11, 23}, DateOf(late.In(zone(t, "Asia/Kolkata"))), "the date where the time is shown")
}

func TestParseDate(t *testing.T) {
	d, err := ParseDate("2026-11-23")
	require.NoError(t, err)
	assert.Equal(t, Date{2026, 11, 23}, d)
	for _, text := range []string{"", "23-11-2026", "2026-1-2", "2026-11-23T00:00:00Z"} {
		_, err := ParseDate(text)
		assert.EqualError(t, err, `date "`+text+`": want the form 2026-11-23`)
	}
	for _, text := range []string{"2026-11-31", "2026-02-29", "2026-13-01", "2026-00-10"} {
		_, err := ParseDate(text)
		assert.EqualError(t, err, `date "`+text+`": there is no such date`)
	}
}

func TestDateAsText(t *testing.T) {
	type row struct{ Day Date }
	for want, r := range map[string]row{`{"Day":"2026-11-23"}`: {Date{2026, 11, 23}}, `{"Day":""}`: {}} {
		text, err := json.Marshal(r)
		require.NoError(t, err)
		assert.Equal(t, want, string(text))
		back := row{Date{1, 2, 3}}
		require.NoError(t, json.Unmarshal(text, &back))
		assert.Equal(t, r, back)
	}
	assert.Error(t, json.Unmarshal([]byte(`{"Day":"tomorrow"}`), &row{}))
}

func TestSessionKind(t *testing.T) {
	assert.Equal(t, "closed", Closed.String())
	assert.Equal(t, "special", Special.String())
	assert.Equal(t, "SessionKind(9)", SessionKind(9).String())
	assert.False(t, Session{}.Open())
	for _, kind := range []SessionKind{Regular, Shortened, Special} {
		assert.True(t, Session{Kind: kind}.Open())
	}
}

func TestSessionSetWithoutNamesIsTheDefault(t *testing.T) {
	assert.Equal(t, "regular,shortened", SessionSet(0).String())
	assert.Equal(t, "special", OnSpecial.String())
}

func TestWeekdays(t *testing.T) {
	loc := zone(t, "Asia/Kolkata")
	c := Weekdays(loc, nseHours...)
	assert.Equal(t, loc, c.Location())
	assert.Equal(t, []string{PhasePreOpen, PhaseRegular, PhasePostClose}, c.(PhaseLister).PhaseNames())

	monday := Date{2026, 11, 23}
	for i, open := range []bool{true, true, true, true, true, false, false} {
		s, err := c.Session(monday.AddDays(i))
		require.NoError(t, err)
		assert.Equal(t, monday.AddDays(i), s.Date)
		assert.Equal(t, open, s.Open())
		assert.Equal(t, open, len(s.Phases) == 3)
	}
	s, err := c.Session(monday)
	require.NoError(t, err)
	assert.Equal(t, Phase{PhaseRegular, Wall(9, 15).On(monday, loc), Wall(15, 30).On(monday, loc)}, s.Phases[1])
	s, err = c.Session(monday.AddDays(5))
	require.NoError(t, err)
	assert.Equal(t, "Saturday", s.Reason)

	without, err := Weekdays(loc).Session(monday)
	require.NoError(t, err)
	assert.Equal(t, Regular, without.Kind)
	assert.Empty(t, without.Phases)
}

func TestWeekdaysRefusesHours(t *testing.T) {
	for _, h := range []Hours{
		{"", Wall(9, 0), Wall(10, 0)},
		{PhaseRegular, Wall(10, 0), Wall(9, 0)},
		{PhaseRegular, Wall(9, 0), Wall(9, 0)},
		{PhaseRegular, -EndOfDay - 1, Wall(9, 0)},
		{PhaseRegular, Wall(40, 0), Wall(48, 1)},
		{PhaseRegular, -1, EndOfDay},
	} {
		assert.Panics(t, func() { Weekdays(time.UTC, h) }, "%+v", h)
	}
}

// An always open market has one session for each date, and no instant is outside
// of them or in two, though a date may have 23 hours or 25.
func TestAlwaysOpen(t *testing.T) {
	c := AlwaysOpen(zone(t, "America/New_York"))
	var end time.Time
	for d := (Date{2026, 1, 1}); d.Year == 2026; d = d.AddDays(1) {
		s, err := c.Session(d)
		require.NoError(t, err)
		require.Equal(t, Regular, s.Kind)
		require.Len(t, s.Phases, 1)
		if !end.IsZero() {
			require.Equal(t, end, s.Phases[0].Start)
		}
		end = s.Phases[0].End
	}
}
