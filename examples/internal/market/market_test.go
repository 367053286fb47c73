package market_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/internal/money"
	"github.com/tradeclock/tradeclock/exchange"
)

var (
	nse     = exchange.MustGet("XNSE")
	kolkata = nse.Location()
	monday  = calendar.Date{Year: 2026, Month: time.November, Day: 23}
)

func TestAWalkIsAWholeSessionOfPossibleBars(t *testing.T) {
	day := market.Walk{Seed: 1, Calendar: nse}.Day(monday)

	require.Len(t, day.Symbols(), 6)
	for symbol, bars := range day {
		require.Len(t, bars, 375, symbol)
		assert.Equal(t, time.Date(2026, 11, 23, 3, 45, 0, 0, time.UTC), bars[0].Start)
		for i, b := range bars {
			assert.Positive(t, b.Low)
			assert.LessOrEqual(t, b.Low, min(b.Open, b.Close))
			assert.GreaterOrEqual(t, b.High, max(b.Open, b.Close))
			assert.Positive(t, b.Volume)
			if i > 0 {
				assert.Equal(t, time.Minute, b.Start.Sub(bars[i-1].Start))
			}
		}
	}
}

func TestAWalkDependsOnSeedAndDateAlone(t *testing.T) {
	first := market.Walk{Seed: 1, Calendar: nse}

	assert.Equal(t, first.Day(monday), first.Day(monday))
	assert.NotEqual(t, first.Day(monday), first.Day(monday.AddDays(2)))
	assert.NotEqual(t, first.Day(monday), market.Walk{Seed: 2, Calendar: nse}.Day(monday))
}

func TestAWalkTradesInTheSessionsHours(t *testing.T) {
	for _, c := range []struct {
		name, date  string
		bars        int
		first, last string
	}{
		{"a Muhurat hour", "2025-10-21", 60, "13:45", "14:44"},
		{"a Muhurat hour in the evening", "2023-11-12", 60, "18:15", "19:14"},
		{"a split Saturday", "2024-03-02", 105, "09:15", "12:29"},
		{"a close that was moved", "2021-02-24", 465, "09:15", "16:59"},
		{"a holiday", "2026-11-24", 0, "", ""},
		{"a Saturday", "2026-11-28", 0, "", ""},
		{"unknown hours", "2026-11-08", 0, "", ""},
		{"outside the coverage", "2018-12-31", 0, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			date, err := calendar.ParseDate(c.date)
			require.NoError(t, err)

			bars := market.Walk{Seed: 1, Calendar: nse}.Day(date)["TEAK"]

			require.Len(t, bars, c.bars)
			if c.bars > 0 {
				assert.Equal(t, c.date+" "+c.first, bars[0].Start.In(kolkata).Format("2006-01-02 15:04"))
				assert.Equal(t, c.date+" "+c.last, bars[c.bars-1].Start.In(kolkata).Format("2006-01-02 15:04"))
			}
		})
	}
}

func TestBarsAreWithinTheSessionsHoursOrNot(t *testing.T) {
	saturday := calendar.Date{Year: 2024, Month: time.March, Day: 2}
	session, err := nse.Session(saturday)
	require.NoError(t, err)
	bar := func(hour, minute int) market.Bar {
		return market.Bar{Start: calendar.Wall(hour, minute).On(saturday, kolkata), Open: 1, High: 1, Low: 1, Close: 1}
	}
	day := market.Day{
		"TEAK": {bar(9, 14), bar(9, 15), bar(9, 59), bar(10, 0), bar(11, 30)},
		"SAL":  {bar(12, 29)},
		"NEEM": {bar(12, 30)},
	}

	inside, outside := day.Within(session)

	assert.Equal(t, market.Day{"TEAK": {bar(9, 15), bar(9, 59), bar(11, 30)}, "SAL": {bar(12, 29)}}, inside)
	assert.Equal(t, market.Day{"TEAK": {bar(9, 14), bar(10, 0)}, "NEEM": {bar(12, 30)}}, outside)
}

func TestAFeedShowsCompleteBarsOnly(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 11, 23, 3, 30, 0, 0, time.UTC))
	day := market.Walk{Seed: 1, Calendar: nse}.Day(monday)
	feed := market.NewFeed(day, clock)
	bars := day["SAL"]

	for _, step := range []struct {
		at   string
		seen int
	}{
		{"09:00:00", 0},
		{"09:15:59", 0},
		{"09:16:00", 1},
		{"09:17:30", 2},
		{"15:30:00", 375},
		{"18:00:00", 375},
	} {
		at, err := time.ParseInLocation(time.TimeOnly, step.at, kolkata)
		require.NoError(t, err)
		now := time.Date(2026, 11, 23, at.Hour(), at.Minute(), at.Second(), 0, kolkata)
		clock.Advance(now.Sub(clock.Now()))

		quotes, err := feed.Quotes(t.Context())
		require.NoError(t, err)
		want := market.Quote{PreMarket: bars[0].Open}
		if step.seen > 0 {
			want.Last, want.Average = bars[step.seen-1].Close, market.Average(bars[:step.seen])
		}
		assert.Equal(t, want, quotes["SAL"], step.at)
		assert.NotContains(t, quotes, "UNLISTED")
	}
}

func TestFilesAreRead(t *testing.T) {
	path := write(t, "XNSE-M-AND-M-2019-07-09.csv", "33300000,950000,950000,939000,948500,1730100\n33420000,946500,948500,941000,941000,0\n")

	archive, err := market.ReadFiles(kolkata, path)

	require.NoError(t, err)
	date := calendar.Date{Year: 2019, Month: time.July, Day: 9}
	assert.Equal(t, []calendar.Date{date}, archive.Dates())
	assert.Nil(t, archive.Day(monday))
	bars := archive.Day(date)["M-AND-M"]
	require.Len(t, bars, 2)
	assert.Equal(t, market.Bar{
		Start: time.Date(2019, 7, 9, 3, 45, 0, 0, time.UTC),
		Open:  95 * money.Rupee, High: 95 * money.Rupee, Low: 939000, Close: 948500, Volume: 1730100,
	}, bars[0])
	assert.Empty(t, archive.Day(date).Minute(bars[0].End()), "a minute without a trade has no bar")
}

func TestABadFileIsNamedWithItsLine(t *testing.T) {
	const good = "33300000,100,110,90,105,7\n"
	for _, c := range []struct{ name, file, content, want string }{
		{"no date", "XNSE-YESBANK.csv", good, "MIC-SYMBOL-DATE.csv"},
		{"not a csv", "XNSE-YESBANK-2019-07-09.txt", good, "MIC-SYMBOL-DATE.csv"},
		{"bad date", "XNSE-YESBANK-2019-13-09.csv", good, "2019-13-09"},
		{"empty", "XNSE-A-2019-07-09.csv", "", "no bars"},
		{"fields", "XNSE-A-2019-07-09.csv", good + "1,2\n", "line 2"},
		{"not a number", "XNSE-A-2019-07-09.csv", good + "33360000,100.5,110,90,105,7\n", `line 2: field 2: "100.5"`},
		{"backwards", "XNSE-A-2019-07-09.csv", good + good, "line 2: its minute"},
		{"seconds", "XNSE-A-2019-07-09.csv", "33300500,100,110,90,105,7\n", "line 1"},
		{"low above", "XNSE-A-2019-07-09.csv", "33300000,100,110,101,105,7\n", "outside of low and high"},
		{"no price", "XNSE-A-2019-07-09.csv", "33300000,0,0,0,0,7\n", "not positive"},
		{"volume", "XNSE-A-2019-07-09.csv", "33300000,100,110,90,105,-7\n", "negative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.file, c.content)

			_, err := market.ReadFiles(kolkata, path)

			require.Error(t, err)
			assert.Contains(t, err.Error(), path)
			assert.Contains(t, err.Error(), c.want)
		})
	}
}

func TestAFileThatIsGivenTwiceIsRefused(t *testing.T) {
	path := write(t, "XNSE-A-2019-07-09.csv", "33300000,100,110,90,105,7\n")

	_, err := market.ReadFiles(kolkata, path, path)

	assert.ErrorContains(t, err, "given already")
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}
