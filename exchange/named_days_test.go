package exchange_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

// The days that calendars are known to get wrong, as people would say them.
func TestNamedDays(t *testing.T) {
	const preOpen2026 = "pre_open.order_entry 09:00-09:08 / pre_open 09:00-09:15 / pre_open.matching 09:08-09:12 / pre_open.buffer 09:12-09:15 / "
	const preOpenSeptember = "pre_open.order_entry 09:00-09:05 / pre_open 09:00-09:15 / pre_open.limit_only 09:05-09:10 / pre_open.matching 09:10-09:12 / pre_open.buffer 09:12-09:15 / "
	const auction = "regular 09:15-15:15 / closing_auction.reference_price 15:15-15:20 / closing_auction 15:15-15:35 / closing_auction.order_entry 15:20-15:25 / " +
		"closing_auction.limit_only 15:25-15:30 / closing_auction.matching 15:30-15:35 / post_close 15:50-16:00"
	tests := []struct{ name, calendar, date, want string }{
		{"a Sunday with a Muhurat hour", "XNSE.FO", "2023-11-12", "special session: Diwali Laxmi Pujan: Muhurat trading, announced 2023-10-27 / regular 18:15-19:15"},
		{"a full Saturday", "XNSE.FO", "2024-01-20", "regular session: Saturday full session (planned as disaster-recovery test), announced 2024-01-19 / regular 09:15-15:30"},
		{"a split Saturday", "XNSE.FO", "2024-03-02", "special session: Disaster-recovery Saturday, announced 2024-02-14 / regular 09:15-10:00 / regular 11:30-12:30"},
		{"a close moved on the day", "XNSE", "2021-02-24", "regular session: Trading outage from 11:40; reopened 15:45, close moved to 17:00 the same day, announced 2021-02-24 / regular 09:15-17:00"},
		{"a Budget Saturday", "XNSE.FO", "2025-02-01", "regular session: Union Budget Saturday, announced 2024-12-23 / regular 09:15-15:30"},
		{"a Budget Sunday", "XNSE.FO", "2026-02-01", "regular session: Union Budget Sunday, announced 2026-01-16 / " + preOpen2026 + "regular 09:15-15:30"},
		{"an afternoon Muhurat", "XNSE.FO", "2025-10-21", "special session: Diwali Laxmi Pujan: Muhurat trading, announced 2025-09-22 / regular 13:45-14:45"},
		{"a closure three days ahead", "XNSE", "2026-01-15", "closed: Maharashtra municipal elections, announced 2026-01-12"},
		{"the last day of one close", "XNSE.CAS", "2026-07-31", "regular session / " + preOpen2026 + "regular 09:15-15:30 / post_close 15:40-16:00"},
		{"three closes, shares", "XNSE", "2026-08-03", "regular session / " + preOpen2026 + "regular 09:15-15:30 / post_close 15:50-16:00"},
		{"three closes, with an auction", "XNSE.CAS", "2026-08-03", "regular session / " + preOpen2026 + auction},
		{"three closes, derivatives", "XNSE.FO", "2026-08-03", "regular session / " + preOpen2026 + "regular 09:15-15:40"},
		{"another pre-open", "XNSE.CAS", "2026-09-07", "regular session / " + preOpenSeptember + auction},
		{"the day after next Monday", "XNSE", "2026-11-24", "closed: Guru Nanak Jayanti, announced 2025-12-12"},
		{"Bombay keeps the days of the National", "XBOM.FO", "2024-03-02", "special session: Disaster-recovery Saturday, announced 2024-02-14 / regular 09:15-10:00 / regular 11:30-12:30"},
		{"lunch in Tokyo", "XTKS", "2024-11-01", "regular session / regular 09:00-11:30 / regular 12:30-15:00"},
		{"a later close in Tokyo", "XTKS", "2024-11-05", "regular session / regular 09:00-11:30 / regular 12:30-15:25 / closing_auction 15:25-15:30"},
		{"a typhoon over the whole day", "XHKG", "2023-09-01", "closed: Typhoon Saola"},
		{"a typhoon in the morning", "XHKG", "2023-10-09", "shortened session (late open): Typhoon Koinu (morning session cancelled) / regular 14:00-16:00"},
		{"a half day without an afternoon", "XHKG", "2024-12-24", "shortened session (early close): Christmas Eve / regular 09:30-12:00 / closing_auction 12:00-12:10"},
		{"exams in Korea", "XKRX", "2025-11-13", "regular session: College Scholastic Ability Test day / regular 10:00-16:20 / closing_auction 16:20-16:30"},
		{"a late New Year in Korea", "XKRX", "2025-01-02", "shortened session (late open): First trading day of the year / regular 10:00-15:20 / closing_auction 15:20-15:30"},
		{"an auction after trading in Korea", "XKRX", "2025-11-14", "regular session / regular 09:00-15:20 / closing_auction 15:20-15:30"},
		{"an auction after trading in Shanghai", "XSHG", "2025-10-09", "regular session / regular 09:30-11:30 / regular 13:00-14:57 / closing_auction 14:57-15:00"},
		{"an auction after trading in Zurich", "XSWX", "2026-11-30", "regular session / regular 09:00-17:20 / closing_auction 17:20-17:30"},
		{"the day after Thanksgiving", "XNYS", "2026-11-27", "shortened session (early close): Day after Thanksgiving / pre_market 04:00-09:30 / regular 09:30-13:00 / post_market 13:00-17:00"},
		{"the day before a Tuesday's Independence Day", "XNYS", "2028-07-03", "shortened session (early close): Day before Independence Day, announced 2025-12-23 / pre_market 04:00-09:30 / regular 09:30-13:00 / post_market 13:00-17:00"},
		{"no observed Christmas Eve", "XNAS", "2028-12-26", "regular session / pre_market 04:00-09:30 / regular 09:30-16:00 / post_market 16:00-20:00"},
		{"a day of mourning", "XNYS", "2025-01-09", "closed: National Day of Mourning for Jimmy Carter"},
		{"a coronation", "XLON", "2023-05-08", "closed: Coronation of King Charles III"},
		{"Christmas Eve in Sydney", "XASX", "2024-12-24", "shortened session (early close): Last trading day before Christmas / regular 10:00-14:10"},
		{"Vesak Day of a year that a ministry announced", "XSES", "2027-05-20", "closed: Vesak Day, announced 2026-06-18"},
		{"a half day in Singapore", "XSES", "2027-02-05", "shortened session (early close): Chinese New Year's Eve / regular 09:00-12:00 / closing_auction 12:00-12:06"},
		{"a long holiday in Shanghai", "XSHG", "2025-10-08", "closed: National Day and Mid-Autumn Festival"},
		{"a Monday that begins on Sunday", "XCME", "2026-11-23", "regular session / regular 17:00-16:00"},
		{"a morning in Chicago after a Good Friday", "XCME", "2026-04-03", "shortened session (early close): Good Friday / regular 17:00-08:15"},
		{"a morning without an evening", "XIMC", "2026-01-01", "shortened session (early close): New Year's Day: no evening session, announced 2025-12-30 / regular 09:00-17:00"},
		{"an evening without a morning", "XIMC", "2026-11-24", "shortened session (late open): Prakash Gurpurb Sri Guru Nanak Dev: evening session alone, announced 2025-12-30 / regular 17:00-23:55"},
		{"a day with its night", "XSGE", "2026-11-27", "regular session / regular 09:00-10:15 / regular 10:30-11:30 / regular 13:30-15:00 / regular 21:00-02:30"},
		{"no night before a holiday", "XSGE", "2026-09-30", "shortened session (early close): No night session before National Day / regular 09:00-10:15 / regular 10:30-11:30 / regular 13:30-15:00"},
		{"the night of foreign exchange", "FX24", "2026-11-24", "regular session / regular 17:00-17:00"},
		{"a day of work on a Saturday is no session", "XSHG", "2025-10-11", "closed: Saturday"},
	}
	for _, tt := range tests {
		t.Run(tt.calendar+" "+tt.date+", "+tt.name, func(t *testing.T) {
			c := exchange.MustGet(tt.calendar)
			s, err := c.Session(ymd(tt.date))
			require.NoError(t, err)
			assert.Equal(t, tt.want, describe(c, s))
		})
	}
}

func TestThreeClosesOfOneDay(t *testing.T) {
	at := local(t, exchange.MustGet("XNSE"), "2026-08-03 15:20")
	for name, want := range map[string]bool{"XNSE": true, "XNSE.CAS": false, "XNSE.FO": true, "XBOM.CAS": false} {
		open, err := exchange.MustGet(name).IsOpen(at)
		require.NoError(t, err)
		assert.Equal(t, want, open, name)
	}
	in, err := exchange.MustGet("XNSE.CAS").InPhase(calendar.PhaseClosingAuction, at)
	require.NoError(t, err)
	assert.True(t, in)
}

func TestPeriodsOfNamedDays(t *testing.T) {
	nse := exchange.MustGet("XNSE")
	s, err := nse.Last(calendar.Week, ymd("2025-01-29"))
	require.NoError(t, err)
	assert.Equal(t, ymd("2025-02-01"), s.Date, "the Budget Saturday")
	s, err = nse.Last(calendar.Week, ymd("2026-11-04"))
	require.NoError(t, err)
	assert.Equal(t, ymd("2026-11-08"), s.Date, "the Muhurat Sunday, whose hours do not matter for that")
	_, err = exchange.FrozenCalendar(t, "XNSE").Last(calendar.Week, ymd("2026-12-31"))
	assert.ErrorIs(t, err, calendar.ErrUnknownDate, "2027 is not published")
	_, err = exchange.MustGet("XSHG").First(calendar.Week, ymd("2024-02-14"))
	assert.ErrorIs(t, err, exchange.ErrNoSession, "the week of the Lunar New Year")
}

func TestSettlementOfNamedDays(t *testing.T) {
	nse := exchange.MustGet("XNSE")
	for d, want := range map[string]bool{
		"2025-09-04": true,
		"2025-09-05": false, // Id-E-Milad: trading without settlement
		"2025-09-08": false, // the day that it was moved to
		"2025-02-01": false, // a Saturday with a session
		"2026-01-15": false, // closed
	} {
		settles, err := nse.Settles(ymd(d))
		require.NoError(t, err)
		assert.Equal(t, want, settles, d)
	}
	_, err := nse.Settles(ymd("2021-06-01"))
	assert.ErrorIs(t, err, calendar.ErrUnknownDate, "the list begins in 2023")
	for _, name := range []string{"XNSE.FO", "XNYS"} {
		_, err = exchange.MustGet(name).Settles(ymd("2025-09-05"))
		assert.ErrorIs(t, err, exchange.ErrNoSettlement, name)
	}
}
