package exchange_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

func TestIsOpenAndInPhase(t *testing.T) {
	c := oneCalendar(t)
	tests := []struct {
		at, phase string
		want      bool
	}{
		{"2025-01-01 09:14:59", "regular", false},
		{"2025-01-01 09:15", "regular", true},
		{"2025-01-01 15:29:59", "regular", true},
		{"2025-01-01 15:30", "regular", false},
		{"2025-01-01 09:00", "pre_open", true},
		{"2025-01-01 09:15", "pre_open", false},
		{"2025-01-01 09:15", "closing_auction", false},
		{"2026-08-03 15:15", "closing_auction", true},
		{"2026-01-15 12:00", "regular", false},
		{"2026-03-07 09:59:59", "regular", true},
		{"2026-03-07 10:00", "regular", false}, // the break
		{"2026-03-07 11:30", "regular", true},
		{"2025-01-04 12:00", "regular", false},
	}
	for _, tt := range tests {
		t.Run(tt.at+" "+tt.phase, func(t *testing.T) {
			at := local(t, c, tt.at)
			in, err := c.InPhase(tt.phase, at)
			require.NoError(t, err)
			assert.Equal(t, tt.want, in)
			if tt.phase != calendar.PhaseRegular {
				return
			}
			for _, zone := range []string{"UTC", "America/New_York", "Pacific/Kiritimati"} {
				loc, err := time.LoadLocation(zone)
				require.NoError(t, err)
				open, err := c.IsOpen(at.In(loc))
				require.NoError(t, err)
				assert.Equal(t, tt.want, open, zone)
			}
		})
	}
}

func TestTheEdgesOfAWindowToTheNanosecond(t *testing.T) {
	c := oneCalendar(t)
	for _, tt := range []struct {
		at   time.Time
		want bool
	}{
		{local(t, c, "2025-01-01 09:15").Add(-1), false},
		{local(t, c, "2025-01-01 09:15").Add(1), true},
		{local(t, c, "2025-01-01 15:30").Add(-1), true},
		{local(t, c, "2025-01-01 15:30").Add(1), false},
	} {
		open, err := c.IsOpen(tt.at)
		require.NoError(t, err)
		assert.Equal(t, tt.want, open, tt.at)
		in, err := c.InPhase("regular", tt.at)
		require.NoError(t, err)
		assert.Equal(t, tt.want, in, tt.at)
	}
}

func TestNoAnswerIsGivenForUnknownHours(t *testing.T) {
	c := oneCalendar(t)
	on, before, after := local(t, c, "2026-11-08 18:30"), local(t, c, "2026-11-07 12:00"), local(t, c, "2026-11-09 09:10")
	var unknown *exchange.HoursUnknownError

	_, err := c.IsOpen(on)
	assert.ErrorAs(t, err, &unknown)
	_, err = c.InPhase("pre_open", on)
	assert.ErrorAs(t, err, &unknown)
	_, err = c.NextOpen(before)
	assert.ErrorAs(t, err, &unknown)
	_, err = c.NextWindow("closing_auction", before)
	assert.ErrorAs(t, err, &unknown)
	_, err = c.PreviousClose(after)
	assert.ErrorAs(t, err, &unknown)
	_, err = c.PreviousOpen(after)
	assert.ErrorAs(t, err, &unknown)

	open, err := c.IsOpen(before)
	require.NoError(t, err)
	assert.False(t, open, "the Saturday before is known to be closed")
	next, err := c.NextOpen(after)
	require.NoError(t, err)
	assert.Equal(t, local(t, c, "2026-11-09 09:15").UTC(), next)
}

func TestNextAndPreviousEdges(t *testing.T) {
	c := oneCalendar(t)
	tests := []struct{ at, previousOpen, previousClose, nextOpen, nextClose string }{
		{"2025-01-03 12:00", "2025-01-03 09:15", "2025-01-02 15:30", "2025-01-06 09:15", "2025-01-03 15:30"},
		{"2025-01-03 09:15", "2025-01-02 09:15", "2025-01-02 15:30", "2025-01-06 09:15", "2025-01-03 15:30"}, // strictly
		{"2025-01-03 15:30", "2025-01-03 09:15", "2025-01-02 15:30", "2025-01-06 09:15", "2025-01-06 15:30"},
		{"2025-03-30 00:00", "2025-03-28 09:15", "2025-03-28 15:30", "2025-04-01 09:15", "2025-04-01 15:30"},
		{"2026-03-07 10:30", "2026-03-07 09:15", "2026-03-06 15:30", "2026-03-09 09:15", "2026-03-07 12:30"}, // a break is no close
	}
	for _, tt := range tests {
		t.Run(tt.at, func(t *testing.T) {
			at := local(t, c, tt.at)
			for name, query := range map[string]struct {
				ask  func(time.Time) (time.Time, error)
				want string
			}{
				"PreviousOpen":  {c.PreviousOpen, tt.previousOpen},
				"PreviousClose": {c.PreviousClose, tt.previousClose},
				"NextOpen":      {c.NextOpen, tt.nextOpen},
				"NextClose":     {c.NextClose, tt.nextClose},
			} {
				got, err := query.ask(at)
				require.NoError(t, err)
				assert.Equal(t, query.want, got.In(c.Location()).Format("2006-01-02 15:04"), name)
			}
		})
	}
}

func TestNextWindow(t *testing.T) {
	c := oneCalendar(t)
	tests := []struct{ phase, at, want string }{
		{"regular", "2026-03-06 16:00", "2026-03-07 09:15-10:00"},
		{"regular", "2026-03-07 09:59", "2026-03-07 09:15-10:00"}, // the one that it is in
		{"regular", "2026-03-07 10:00", "2026-03-07 11:30-12:30"},
		{"regular", "2026-03-07 12:30", "2026-03-09 09:15-15:30"},
		{"closing_auction", "2026-07-01 12:00", "2026-08-03 15:15-15:35"},
	}
	for _, tt := range tests {
		t.Run(tt.phase+" "+tt.at, func(t *testing.T) {
			w, err := c.NextWindow(tt.phase, local(t, c, tt.at))
			require.NoError(t, err)
			assert.Equal(t, tt.phase, w.Name)
			assert.Equal(t, tt.want, w.Start.In(c.Location()).Format("2006-01-02 15:04")+w.End.In(c.Location()).Format("-15:04"))
		})
	}
	_, err := c.NextWindow("regualr", local(t, c, "2026-03-06 16:00"))
	assert.EqualError(t, err, `calendar XONE: no session has the phase "regualr"`)
	_, err = c.InPhase("regualr", local(t, c, "2026-03-06 16:00"))
	assert.ErrorContains(t, err, "no session has the phase")
	_, err = c.NextWindow("post_close", local(t, c, "2026-11-10 16:00"))
	assert.ErrorIs(t, err, calendar.ErrUnknownDate, "there is none up to the end of the coverage")
}

func TestDateAt(t *testing.T) {
	c := oneCalendar(t)
	for at, want := range map[string]string{
		"2025-01-01 00:00":    "2025-01-01",
		"2025-01-01 23:59:59": "2025-01-01",
		"2026-12-31 23:59:59": "2026-12-31",
		"2027-01-01 00:00":    "2027-01-01",
		"2024-12-31 23:59:59": "2024-12-31",
		"1900-01-01 12:00":    "1900-01-01",
	} {
		assert.Equal(t, ymd(want), c.DateAt(local(t, c, at)), at)
		assert.Equal(t, ymd(want), c.DateAt(local(t, c, at).UTC()), at)
	}
}
