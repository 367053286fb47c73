package exchange_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
)

// The code in docs/calendars.md is that of the functions below: see
// TestDocumentationShowsCodeThatCompiles.

func Example_queries() {
	nse := exchange.MustGet("XNSE")

	// The session of a date, which may be a closed one.
	election, err := nse.Session(calendar.Date{Year: 2026, Month: time.January, Day: 15})
	fmt.Println(election.Open(), election.Describe(), err)

	// The next session, its hours, and its minutes of trading.
	next, err := nse.Next(election.Date)
	open, end, err := nse.OpenClose(next.Date)
	minutes, err := nse.Minutes(next.Date)
	fmt.Println(next.Date, open.In(nse.Location()), end.In(nse.Location()), minutes, err)

	// Whether there is trading at an instant, given in any location.
	trading, err := nse.IsOpen(time.Date(2026, time.November, 24, 6, 0, 0, 0, time.UTC))
	fmt.Println(trading, err)

	// The last session of the month, and the fifth session from a date.
	last, err := nse.Last(calendar.Month, election.Date)
	fifth, err := nse.Nth(election.Date, 5)
	fmt.Println(last.Date, fifth.Date, err)

	// How many sessions there are in a month, those that are not full days, and the next holiday.
	monthBegin, monthEnd := calendar.Month.Bounds(election.Date)
	count, err := calendar.Count(nse, monthBegin, monthEnd, 0)
	others, err := calendar.Between(nse, monthBegin, monthEnd, calendar.OnShortened|calendar.OnSpecial)
	holiday, err := calendar.NextHoliday(nse, election.Date)
	fmt.Println(count, len(others), holiday.Date, holiday.Reason, err)

	// The instant 30 minutes of trading from now, and the window of trading before it.
	now := time.Date(2026, time.January, 16, 9, 50, 0, 0, time.UTC)
	later, err := nse.AddTrading(now, 30*time.Minute)
	window, err := nse.PreviousWindow(calendar.PhasePreOpen, later)
	fmt.Println(later.In(nse.Location()), window.Start.In(nse.Location()), err)

	// A name by which the exchange goes, and a month on a page.
	nyse, err := exchange.Get("NYSE")
	grid, err := calendar.MonthGrid(nyse, calendar.Date{Year: 2026, Month: time.November, Day: 1})
	fmt.Print(grid)

	// A date that is not covered is neither open nor closed.
	_, err = nse.IsSession(calendar.Date{Year: 2047, Month: time.January, Day: 25})
	fmt.Println(errors.Is(err, calendar.ErrUnknownDate))

	// Output:
	// false closed: Maharashtra municipal elections, announced 2026-01-12 <nil>
	// 2026-01-16 2026-01-16 09:15:00 +0530 IST 2026-01-16 15:30:00 +0530 IST 375 <nil>
	// false <nil>
	// 2026-01-30 2026-01-22 <nil>
	// 20 0 2026-01-26 Republic Day <nil>
	// 2026-01-19 09:35:00 +0530 IST 2026-01-19 09:00:00 +0530 IST <nil>
	// XNYS, November 2026
	//  Mo  Tu  We  Th  Fr  Sa  Su
	//                           1-
	//   2   3   4   5   6   7-  8-
	//   9  10  11  12  13  14- 15-
	//  16  17  18  19  20  21- 22-
	//  23  24  25  26- 27< 28- 29-
	//  30
	//   - closed   < early close   > late open   * special   ? hours unknown
	//   2026-11-26 Thu closed: Thanksgiving
	//   2026-11-27 Fri shortened session (early close): Day after Thanksgiving
	// true
}

func schedulerWithCalendars() tradeclock.Config {
	cfg := tradeclock.Config{
		Calendar:  exchange.MustGet("XNSE"),
		Calendars: exchange.Lookup,
		Schedules: tradeclock.FixedSchedules(
			tradeclock.Schedule{Task: "rebalance", Rule: rule.MustParse("daily close-15m")},
			tradeclock.Schedule{Task: "roll_futures", Calendar: "XNSE.FO",
				Rule: rule.MustParse("daily close-30m on last session of month")},
			tradeclock.Schedule{Task: "muhurat_report", Sessions: calendar.OnSpecial,
				Rule: rule.MustParse("daily close+5m")},
		),
	}
	return cfg
}

func TestConfigurationOfTheDocumentationIsValid(t *testing.T) {
	cfg := schedulerWithCalendars()
	cfg.Executor = tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error { return nil })
	cfg.Ledger, cfg.Logger = memstore.New(nil), slog.New(slog.DiscardHandler)
	_, err := tradeclock.New(cfg)
	require.NoError(t, err)
}

func applyHolidayList() error {
	list, err := os.Open("holiday-master.json")
	if err != nil {
		return err
	}
	defer list.Close()
	holidays, err := exchange.ReadNSEHolidays(list, "CM")
	if err != nil {
		return err
	}
	market, err := exchange.EmbeddedMarket("XNSE")
	if err != nil {
		return err
	}
	announced := calendar.Date{Year: 2026, Month: time.December, Day: 11}
	market, err = holidays.Apply(market, "NSE/CMTR/00000", announced)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(market, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile("XNSE.json", data, 0o644)
}

// holidayList returns a list in the form of the exchange: its closed days of 2026,
// or the same days of another year.
func holidayList(t *testing.T, year int) []byte {
	t.Helper()
	m, err := exchange.EmbeddedMarket("XNSE")
	require.NoError(t, err)
	var list []map[string]string
	for _, d := range m.Days {
		if d.Date.Year == 2026 && d.Status == exchange.StatusClosed {
			at := time.Date(year, d.Date.Month, d.Date.Day, 0, 0, 0, 0, time.UTC)
			list = append(list, map[string]string{
				"tradingDate": at.Format("02-Jan-2006"), "weekDay": at.Weekday().String(), "description": d.Name,
			})
		}
	}
	content, err := json.Marshal(map[string]any{"CM": list})
	require.NoError(t, err)
	return content
}

func TestHolidayListOfTheDocumentationBecomesDataOfTheMarket(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("holiday-master.json", holidayList(t, 2026), 0o644))

	require.NoError(t, applyHolidayList())
	require.NoError(t, os.Remove("holiday-master.json"))
	set, err := exchange.LoadDir(".")
	require.NoError(t, err)
	c, err := set.Calendar("XNSE")
	require.NoError(t, err)
	assert.Equal(t, exchange.MustGet("XNSE").Version(), c.Version(), "the list says what is known")
}

func watchCalendars(ctx context.Context, dir string, cfg *tradeclock.Config) error {
	watcher, err := exchange.NewWatcher(exchange.WatcherConfig{Path: dir}) // /etc/tradeclock/calendars
	if err != nil {
		return err
	}
	go watcher.Run(ctx)

	nse, err := watcher.Calendar("XNSE")
	if err != nil {
		return err
	}
	cfg.Calendar, cfg.Calendars = nse, watcher.Lookup
	return nil
}

func assumeWeekdays(watcher *exchange.Watcher, cfg *tradeclock.Config) error {
	assuming := func(name string) (calendar.Calendar, error) {
		c, err := watcher.Calendar(name) // or exchange.Get(name)
		if err != nil {
			return nil, err
		}
		return c.AssumeWeekdays(), nil
	}
	nse, err := assuming("XNSE")
	if err != nil {
		return err
	}
	cfg.Calendar, cfg.Calendars = nse, assuming
	return nil
}

// A scheduler may be told to guess where its calendars know nothing, those that
// schedules name included.
func ExampleLive_AssumeWeekdays() {
	dir, err := os.MkdirTemp("", "calendars")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	watcher, err := exchange.NewWatcher(exchange.WatcherConfig{Path: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	assuming := func(name string) (calendar.Calendar, error) {
		c, err := watcher.Calendar(name)
		if err != nil {
			return nil, err
		}
		return c.AssumeWeekdays(), nil
	}
	for _, name := range []string{"XNSE", "XNYS", "XABC"} {
		c, err := assuming(name)
		if err != nil {
			fmt.Println(err)
			continue
		}
		session, err := c.Session(calendar.Date{Year: 2047, Month: time.January, Day: 24})
		fmt.Println(name, session.Kind, session.Assumed, err)
	}
	// Output:
	// XNSE regular true <nil>
	// XNYS regular true <nil>
	// "XABC": no calendar has this name: there are FX24, XAMS, XASX, XBOM, XCME, XETR, XHKG, XIMC, XKRX, XLON, XNAS, XNSE, XNYS, XPAR, XSES, XSGE, XSHG, XSWX, XTKS, XTSE
}

func TestAssumptionOfTheDocumentationIsForAllCalendars(t *testing.T) {
	watcher, err := exchange.NewWatcher(exchange.WatcherConfig{Path: t.TempDir()})
	require.NoError(t, err)
	var cfg tradeclock.Config
	require.NoError(t, assumeWeekdays(watcher, &cfg))
	nyse, err := cfg.Calendars("XNYS")
	require.NoError(t, err)
	for _, c := range []calendar.Calendar{cfg.Calendar, nyse} {
		s, err := c.Session(calendar.Date{Year: 2047, Month: time.January, Day: 24})
		require.NoError(t, err)
		assert.True(t, s.Assumed, c.Name())
	}
	none, err := cfg.Calendars("XABC")
	assert.ErrorIs(t, err, exchange.ErrUnknownCalendar)
	assert.Nil(t, none)
}

func TestWatcherOfTheDocumentationServesAllMarkets(t *testing.T) {
	dir := t.TempDir()
	overrides := "date,status,phase,start,end,name,source\n2026-11-25,closed,,,,Day of mourning,\n"
	require.NoError(t, os.WriteFile(dir+"/XNSE.csv", []byte(overrides), 0o644))
	var cfg tradeclock.Config
	require.NoError(t, watchCalendars(t.Context(), dir, &cfg))
	assert.Equal(t, "XNSE", cfg.Calendar.Name())
	for name, open := range map[string]bool{"XNSE": false, "XNSE.FO": false, "XBOM": true, "XNYS": true} {
		c, err := cfg.Calendars(name)
		require.NoError(t, err)
		s, err := c.Session(calendar.Date{Year: 2026, Month: time.November, Day: 25})
		require.NoError(t, err)
		assert.Equal(t, open, s.Open(), name)
	}
}
