package exchange_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

// ymd returns the date of a text such as 2026-11-23.
func ymd(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

// wall returns the time of a text such as 09:15, 17:00-1d or 02:30+1d.
func wall(text string) (w calendar.WallTime) {
	if err := w.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return w
}

// win returns a window of a phase.
func win(phase, start, end string) exchange.PhaseHours {
	return exchange.PhaseHours{Phase: phase, Start: wall(start), End: wall(end)}
}

// oneMarket is a small exchange of two calendars and two eras, with a day of each
// kind in its two years.
func oneMarket() exchange.Market {
	return exchange.Market{
		MIC: "XONE", Name: "Exchange One", Timezone: "Asia/Kolkata", Version: "2026-11-22",
		From: ymd("2025-01-01"), To: ymd("2026-12-31"), Basis: "made up for a test",
		Segments: []exchange.Segment{
			{Calendar: "XONE", Name: "shares", Eras: []exchange.Era{
				{From: ymd("2025-01-01"), Hours: []exchange.PhaseHours{
					win("regular", "09:15", "15:30"), win("pre_open", "09:00", "09:15"), win("post_close", "15:40", "16:00"),
				}},
				{From: ymd("2026-08-03"), Hours: []exchange.PhaseHours{
					win("pre_open", "09:00", "09:15"), win("regular", "09:15", "15:15"), win("closing_auction", "15:15", "15:35"),
				}},
			}},
			{Calendar: "XONE.FO", Name: "futures and options", Eras: []exchange.Era{
				{From: ymd("2025-01-01"), Hours: []exchange.PhaseHours{win("regular", "09:15", "15:30")}},
				{From: ymd("2026-08-03"), Hours: []exchange.PhaseHours{win("regular", "09:15", "15:40")}},
			}},
		},
		Days: []exchange.Day{
			{Date: ymd("2025-02-01"), Status: exchange.StatusRegular, Name: "Union Budget Saturday", Announced: ymd("2024-12-23"), Source: "bulletin 1"},
			{Date: ymd("2025-03-31"), Status: exchange.StatusClosed, Name: "Id-Ul-Fitr"},
			{Date: ymd("2025-10-21"), Status: exchange.StatusSpecial, Name: "Muhurat trading", Calendars: []string{"XONE"},
				Hours: []exchange.PhaseHours{win("pre_open", "13:30", "13:45"), win("regular", "13:45", "14:45")}},
			{Date: ymd("2025-10-21"), Status: exchange.StatusSpecial, Name: "Muhurat trading", Calendars: []string{"XONE.FO"},
				Hours: []exchange.PhaseHours{win("regular", "13:45", "14:45")}},
			{Date: ymd("2025-12-24"), Status: exchange.StatusEarlyClose, Name: "Christmas Eve",
				Hours: []exchange.PhaseHours{win("regular", "09:15", "13:00")}},
			{Date: ymd("2026-01-02"), Status: exchange.StatusLateOpen, Name: "Storm",
				Hours: []exchange.PhaseHours{win("regular", "11:00", "15:30")}},
			{Date: ymd("2026-01-15"), Status: exchange.StatusClosed, Name: "Municipal elections", Announced: ymd("2026-01-12"), Source: "circular 7"},
			{Date: ymd("2026-03-07"), Status: exchange.StatusSpecial, Name: "Disaster-recovery Saturday",
				Hours: []exchange.PhaseHours{win("regular", "11:30", "12:30"), win("regular", "09:15", "10:00")}},
			{Date: ymd("2026-11-08"), Status: exchange.StatusHoursUnknown, Name: "Muhurat trading"},
		},
		Settlement: &exchange.Settlement{
			From: ymd("2026-01-01"), To: ymd("2026-12-31"),
			Holidays: []exchange.Holiday{{Date: ymd("2026-04-01"), Name: "Annual bank closing"}},
		},
	}
}

// build returns the calendars of a market.
func build(t testing.TB, m exchange.Market) []*exchange.Sessions {
	t.Helper()
	calendars, err := m.Build()
	require.NoError(t, err)
	return calendars
}

// oneCalendar returns the main calendar of oneMarket.
func oneCalendar(t testing.TB) *exchange.Sessions {
	t.Helper()
	return build(t, oneMarket())[0]
}

// local returns an instant of a text such as "2026-11-23 09:15" in the calendar's
// zone.
func local(t testing.TB, c *exchange.Sessions, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", text+":00"[:19-len(text)], c.Location())
	require.NoError(t, err)
	return at
}
