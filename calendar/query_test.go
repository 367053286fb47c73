package calendar

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBetweenAndCountByKind(t *testing.T) {
	c, err := NewTable(diwali(t)) // 2026-11-02, a Monday, to 2026-11-15
	require.NoError(t, err)
	for _, test := range []struct {
		name     string
		from, to int
		kinds    SessionSet
		want     []int
	}{
		{"the default kinds", 6, 13, 0, []int{6, 9, 11, 12, 13}},
		{"regular", 6, 15, OnRegular, []int{6, 9, 11, 12, 14}},
		{"shortened", 2, 15, OnShortened, []int{13}},
		{"special", 2, 15, OnSpecial, []int{8}},
		{"each date", 7, 10, EveryDay, []int{7, 8, 9, 10}},
		{"one date", 9, 9, 0, []int{9}},
		{"none", 7, 8, 0, nil},
		{"in the wrong order", 12, 9, 0, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			from, to := Date{2026, 11, test.from}, Date{2026, 11, test.to}
			sessions, err := Between(c, from, to, test.kinds)
			require.NoError(t, err)
			var days []int
			for _, s := range sessions {
				days = append(days, s.Date.Day)
			}
			assert.Equal(t, test.want, days)
			n, err := Count(c, from, to, test.kinds)
			require.NoError(t, err)
			assert.Equal(t, len(test.want), n)
		})
	}
	_, err = Between(c, Date{2026, 11, 9}, Date{2026, 11, 16}, 0)
	require.ErrorIs(t, err, ErrUnknownDate, "a date past the coverage is not left out")
	_, err = Count(c, Date{2026, 11, 1}, Date{2026, 11, 9}, OnSpecial)
	require.ErrorIs(t, err, ErrUnknownDate)
	_, err = Count(c, Date{2026, 2, 31}, Date{2026, 11, 9}, 1<<7)
	require.EqualError(t, err, "calendar XNSE: 0x80 has unknown kinds\n2026-02-31 is no date")
}

func TestNextHoliday(t *testing.T) {
	c, err := NewTable(diwali(t))
	require.NoError(t, err)
	s, err := NextHoliday(c, Date{2026, 11, 2})
	require.NoError(t, err)
	assert.Equal(t, "2026-11-10 closed: Balipratipada", s.Date.String()+" "+s.Describe(), "a Saturday is no holiday")
	_, err = NextHoliday(c, Date{2026, 11, 10})
	require.ErrorIs(t, err, ErrUnknownDate, "one after the coverage is not known")
	_, err = NextHoliday(Weekdays(time.UTC), Date{2026, 11, 10})
	require.ErrorIs(t, err, ErrNoHoliday)
	assert.EqualError(t, err, "calendar weekdays: there is no holiday in the next two years after 2026-11-10")
}

func TestWindowsBreaksAndTradingTime(t *testing.T) {
	c, err := NewTable(diwali(t))
	require.NoError(t, err)
	s, err := c.Session(Date{2026, 11, 13})
	require.NoError(t, err)
	at := func(h, m int) time.Time { return Wall(h, m).On(s.Date, c.Location()) }
	assert.Equal(t, []Phase{{"regular", at(9, 15), at(12, 0)}, {"regular", at(13, 0), at(15, 30)}}, s.Windows(PhaseRegular))
	assert.Equal(t, []Phase{{"break", at(12, 0), at(13, 0)}}, s.Breaks())
	assert.Equal(t, 5*time.Hour+15*time.Minute, s.TradingTime())

	for _, day := range []int{8, 9, 10} { // of unknown hours, without a break, closed
		s, err := c.Session(Date{2026, 11, day})
		require.NoError(t, err)
		assert.Empty(t, s.Breaks())
		assert.Equal(t, day == 9, s.TradingTime() > 0)
	}
	touching := Session{Phases: []Phase{{"regular", at(9, 0), at(12, 0)}, {"regular", at(12, 0), at(15, 0)}}}
	assert.Empty(t, touching.Breaks(), "windows that touch have no break between them")
}

func TestWhichEndOfAShortenedSessionWasMoved(t *testing.T) {
	day := TableDay{Date: Date{2026, 11, 13}, Kind: Shortened, EarlyClose: true, Hours: []Hours{{PhaseRegular, Wall(9, 15), Wall(12, 0)}}}
	s, err := day.Session(time.UTC)
	require.NoError(t, err)
	assert.True(t, s.EarlyClose && !s.LateOpen)
	assert.Equal(t, "shortened session (early close)", s.Describe())
	day.EarlyClose, day.LateOpen, day.Reason = false, true, "Storm"
	s, err = day.Session(time.UTC)
	require.NoError(t, err)
	assert.Equal(t, "shortened session (late open): Storm", s.Describe())
	day.Kind = Special
	_, err = day.Session(time.UTC)
	assert.EqualError(t, err, "2026-11-13: only a shortened session has an early close or a late open")
}
