package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/internal/money"
	"github.com/tradeclock/tradeclock/examples/papertrading/internal/replay"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/trading"
)

var update = flag.Bool("update", false, "write the golden files anew")

// secondSession is two days later: the Tuesday is a holiday.
var secondSession = firstSession.AddDays(2)

// perDay are the occurrences of each task in a regular session.
var perDay = occurrences(375, 7)

// occurrences are those of a session in which the monitors run so often.
func occurrences(sellMonitor, positionMonitor int) map[string]int {
	return map[string]int{
		trading.TaskPremarketRetry: 1, trading.TaskPremarketAMOAdjustment: 1, trading.TaskSellMonitor: sellMonitor,
		trading.TaskPositionMonitor: positionMonitor, trading.TaskAnalysis: 1, trading.TaskBuyOrders: 1, trading.TaskEODCleanup: 1,
	}
}

// fast parses a command line that replays as fast as it can, on a file in a new
// folder.
func fast(t *testing.T, args ...string) options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "papertrading.db")
	opts, err := parseOptions(append([]string{"-speed", "0", "-db", file}, args...), io.Discard)
	require.NoError(t, err)
	return opts
}

// replayed runs a session and returns what it printed after the log lines.
func replayed(t *testing.T, opts options) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), opts, &out), "%s", &out)
	_, summary, found := strings.Cut(out.String(), "\nLedger of ")
	require.True(t, found)
	return "Ledger of " + summary
}

// records reads ledger and books of a file.
type records struct {
	store *sqlstore.Store
	paper *broker.Broker
	t     *testing.T
}

func read(t *testing.T, file string) records {
	t.Helper()
	db, err := broker.OpenFile(file)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	clock := clockwork.NewFakeClockAt(calendar.Wall(23, 0).On(secondSession, kolkata))
	st, err := sqlstore.Open(t.Context(), db, sqlstore.WithClock(clock))
	require.NoError(t, err)
	paper, err := broker.Open(t.Context(), db, clock, nse)
	require.NoError(t, err)
	return records{st, paper, t}
}

func (r records) runs(session calendar.Date, task string) []tradeclock.Run {
	r.t.Helper()
	runs, err := r.store.Runs(r.t.Context(), store.Query{Scheduler: schedulerName, Task: task, From: session, To: session})
	require.NoError(r.t, err)
	return runs
}

// due returns the due times of a task's runs.
func (r records) due(session calendar.Date, task string) []string {
	r.t.Helper()
	var due []string
	for _, run := range r.runs(session, task) {
		due = append(due, run.Due.In(kolkata).Format("15:04"))
	}
	return due
}

func (r records) orders(account string, session calendar.Date) []broker.Order {
	r.t.Helper()
	orders, err := r.paper.Orders(r.t.Context(), account, session)
	require.NoError(r.t, err)
	return orders
}

func (r records) report(account string, session calendar.Date) broker.Report {
	r.t.Helper()
	report, err := r.paper.Report(r.t.Context(), account, session)
	require.NoError(r.t, err)
	return report
}

// checkWholeDay asserts that each task has all its occurrences of a session, all of
// them started on time.
func (r records) checkWholeDay(session calendar.Date, accounts int, occurrences map[string]int) {
	r.t.Helper()
	for task, n := range occurrences {
		runs := r.runs(session, task)
		assert.Len(r.t, runs, n*accounts, task)
		for _, run := range runs {
			assert.Contains(r.t, []tradeclock.Outcome{tradeclock.Succeeded, tradeclock.Skipped}, run.Outcome, "%s %s: %s", task, run.Slot, run.Reason)
			assert.Equal(r.t, 1, run.Occurrences(), "%s %s: %s", task, run.Slot, run.Reason)
			assert.Zero(r.t, run.Lateness(), "%s %s", task, run.Slot)
			assert.Equal(r.t, nse.Version(), run.CalendarVersion, "%s %s", task, run.Slot)
		}
	}
}

func TestASeededDayIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	opts := fast(t)

	summary := replayed(t, opts)

	golden := filepath.Join("testdata", "day.golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(summary), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), summary)
	read(t, opts.file).checkWholeDay(firstSession, 2, perDay)
}

func TestASecondRunReplaysTheNextSession(t *testing.T) {
	t.Parallel()
	opts := fast(t, "-accounts", "alice")

	assert.Contains(t, replayed(t, opts), "Ledger of 2026-11-23\n")
	assert.Contains(t, replayed(t, opts), "Ledger of 2026-11-25\n")

	r := read(t, opts.file)
	r.checkWholeDay(firstSession, 1, perDay)
	r.checkWholeDay(secondSession, 1, perDay)
	assert.Equal(t, r.report("alice", firstSession).Closing, r.report("alice", secondSession).Opening, "no money is made at night")
	for _, o := range r.orders("alice", secondSession) {
		assert.NotEqual(t, broker.StatusWaiting, o.Status, "the evening's orders were released")
	}
}

func TestASpecialSessionMovesItsTasks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, date string
		sell       int
		position   []string
		daily      map[string]string
		summary    string
	}{
		{
			"a Muhurat hour", "2025-10-21", 60, []string{"14:00"},
			map[string]string{
				trading.TaskPremarketRetry: "13:30", trading.TaskPremarketAMOAdjustment: "13:35",
				trading.TaskAnalysis: "15:15", trading.TaskBuyOrders: "15:20", trading.TaskEODCleanup: "17:15",
			},
			"2025-10-21, special session: Diwali Laxmi Pujan: Muhurat trading, announced 2025-09-22, 13:45 to 14:45",
		},
		{
			"a Muhurat hour in the evening, on a Sunday", "2023-11-12", 60, []string{"18:30"},
			map[string]string{
				trading.TaskPremarketRetry: "18:00", trading.TaskPremarketAMOAdjustment: "18:05",
				trading.TaskAnalysis: "19:45", trading.TaskBuyOrders: "19:50", trading.TaskEODCleanup: "21:45",
			},
			"18:15 to 19:15",
		},
		{
			"a split Saturday", "2024-03-02", 45 + 60, []string{"09:30", "10:30", "11:30", "12:30"},
			map[string]string{
				trading.TaskPremarketRetry: "09:00", trading.TaskPremarketAMOAdjustment: "09:05",
				trading.TaskAnalysis: "13:00", trading.TaskBuyOrders: "13:05", trading.TaskEODCleanup: "15:00",
			},
			"special session: Disaster-recovery Saturday, announced 2024-02-14, 09:15 to 10:00 and 11:30 to 12:30",
		},
		{
			"a close that was moved on the day", "2021-02-24", 465,
			[]string{"09:30", "10:30", "11:30", "12:30", "13:30", "14:30", "15:30", "16:30"},
			map[string]string{
				trading.TaskPremarketRetry: "09:00", trading.TaskPremarketAMOAdjustment: "09:05",
				trading.TaskAnalysis: "17:30", trading.TaskBuyOrders: "17:35", trading.TaskEODCleanup: "19:30",
			},
			"09:15 to 17:00",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			opts := fast(t, "-accounts", "alice", "-date", c.date)
			var out bytes.Buffer

			require.NoError(t, run(t.Context(), opts, &out), "%s", &out)

			assert.Contains(t, out.String(), c.summary)
			assert.Contains(t, out.String(), "Calendar XNSE, version "+nse.Version()+"\n")
			r := read(t, opts.file)
			r.checkWholeDay(opts.date, 1, occurrences(c.sell, len(c.position)))
			assert.Equal(t, c.position, r.due(opts.date, trading.TaskPositionMonitor))
			for task, due := range c.daily {
				assert.Equal(t, []string{due}, r.due(opts.date, task), task)
			}
			assert.True(t, r.report("alice", opts.date).Closed)
		})
	}
}

func TestRealBars(t *testing.T) {
	t.Parallel()
	files := barFiles(t)
	opts := fast(t, append([]string{"-accounts", "alice", "-bars"}, files...)...)
	for day := 9; day <= 11; day++ {
		session := calendar.Date{Year: 2019, Month: time.July, Day: day}

		summary := replayed(t, opts)

		assert.Contains(t, summary, "Ledger of "+session.String())
		r := read(t, opts.file)
		r.checkWholeDay(session, 1, perDay)
		assert.True(t, r.report("alice", session).Closed)
	}
	traded := read(t, opts.file).orders("alice", calendar.Date{Year: 2019, Month: time.July, Day: 9})
	assert.NotEmpty(t, traded)
	assert.Error(t, run(t.Context(), opts, io.Discard), "there is no fourth day")
}

// barFiles returns three days' files of real bars, if they lie beside the
// repository, and else writes made-up ones in their layout.
func barFiles(t *testing.T) []string {
	t.Helper()
	folder, err := filepath.Abs(".")
	require.NoError(t, err)
	for folder != filepath.Dir(folder) {
		folder = filepath.Dir(folder)
		found, err := filepath.Glob(filepath.Join(folder, "shared", "facts", "bars", "XNSE-*-2019-07-*.csv"))
		require.NoError(t, err)
		if len(found) > 0 {
			return found
		}
	}
	var files []string
	for day := 9; day <= 11; day++ {
		date := calendar.Date{Year: 2019, Month: time.July, Day: day}
		bars := (market.Walk{Seed: 1, Calendar: nse}).Day(date)["DEODAR"]
		files = append(files, writeBars(t, "DEODAR", date, bars))
	}
	return files
}

// writeBars writes a file of a day's bars, and returns its name.
func writeBars(t *testing.T, symbol string, date calendar.Date, bars []market.Bar) string {
	t.Helper()
	var text strings.Builder
	for _, b := range bars {
		since := b.Start.Sub(calendar.Wall(0, 0).On(date, kolkata)).Milliseconds()
		fmt.Fprintf(&text, "%d,%d,%d,%d,%d,%d\n", since, b.Open, b.High, b.Low, b.Close, b.Volume)
	}
	file := filepath.Join(t.TempDir(), fmt.Sprintf("XNSE-%s-%s.csv", symbol, date))
	require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o600))
	return file
}

// barAt is a minute of a date in which a share costs a rupee.
func barAt(date calendar.Date, hour, minute int) market.Bar {
	start := calendar.Wall(hour, minute).On(date, kolkata)
	return market.Bar{Start: start, Open: money.Rupee, High: money.Rupee, Low: money.Rupee, Close: money.Rupee, Volume: 1}
}

func TestBarsOfAClosedDayAreRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		date calendar.Date
		bar  [2]int
		want string
	}{
		{"a Saturday", calendar.Date{Year: 2019, Month: time.July, Day: 13}, [2]int{9, 15},
			"there are bars of a day without trading hours: calendar XNSE: 2019-07-13 is closed: Saturday"},
		{"no hours", calendar.Date{Year: 2026, Month: time.November, Day: 8}, [2]int{18, 15}, "the hours of 2026-11-08 are not known"},
		{"not in the hours", calendar.Date{Year: 2025, Month: time.October, Day: 21}, [2]int{9, 15},
			"there are no bars in the session of 2025-10-21, special session: Diwali Laxmi Pujan"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := writeBars(t, "TEAK", c.date, []market.Bar{barAt(c.date, c.bar[0], c.bar[1])})

			err := run(t.Context(), fast(t, "-bars", file), io.Discard)

			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestBarsOutsideOfTheHoursAreLeftOut(t *testing.T) {
	t.Parallel()
	date := calendar.Date{Year: 2025, Month: time.October, Day: 21}
	file := writeBars(t, "TEAK", date, []market.Bar{barAt(date, 13, 45), barAt(date, 14, 44), barAt(date, 14, 55), barAt(date, 14, 56)})
	var out bytes.Buffer

	require.NoError(t, run(t.Context(), fast(t, "-bars", file), &out), "%s", &out)

	assert.Contains(t, out.String(), `msg="bars outside of the trading hours are left out" symbol=TEAK bars=2 first=14:55`)
}

func TestTheFirstSessionOfTheCalendarHasNoneBeforeIt(t *testing.T) {
	first, _ := nse.Coverage()
	opts := fast(t, "-date", first.String())
	db, err := broker.OpenFile(opts.file)
	require.NoError(t, err)
	defer db.Close()
	progress, err := replay.OpenLog(t.Context(), db)
	require.NoError(t, err)
	source, err := opts.source()
	require.NoError(t, err)

	d, err := chooseDay(t.Context(), opts, source, progress)

	require.NoError(t, err)
	assert.Equal(t, first, d.session.Date)
	assert.NotEmpty(t, d.bars)
	assert.Empty(t, d.yesterday)
}

// TestACrashInTheMiddleOfTheBuyOrders ends a process hard between an account's
// orders, and lets another go on: what was cut off is not placed again.
func TestACrashInTheMiddleOfTheBuyOrders(t *testing.T) {
	t.Parallel()
	binary := build(t)
	file := filepath.Join(t.TempDir(), "papertrading.db")

	crash := exec.CommandContext(t.Context(), binary, "-speed", "0", "-db", file, "-crash-at", "16:05:30")
	output, err := crash.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "%s", output)
	require.Equal(t, 3, exit.ExitCode(), "%s", output)

	r := read(t, file)
	before := append(r.orders("alice", secondSession), r.orders("bob", secondSession)...)
	require.NotEmpty(t, before, "the crash came after the first order")

	output, err = exec.CommandContext(t.Context(), binary, "-speed", "0", "-db", file).CombinedOutput()
	require.NoError(t, err, "%s", output)

	assert.Equal(t, before, append(r.orders("alice", secondSession), r.orders("bob", secondSession)...))
	outcomes := make(map[string]tradeclock.Outcome)
	for _, run := range r.runs(firstSession, trading.TaskBuyOrders) {
		outcomes[run.Account] = run.Outcome
	}
	// Alice has one candidate and was done with it. Bob has three, and had placed
	// orders for two of them.
	assert.Equal(t, map[string]tradeclock.Outcome{"alice": tradeclock.Succeeded, "bob": tradeclock.Interrupted}, outcomes)
	assert.Len(t, r.orders("bob", secondSession), 2)
	for _, run := range r.runs(firstSession, trading.TaskEODCleanup) {
		assert.Equal(t, tradeclock.Succeeded, run.Outcome, run.Account)
		assert.EqualValues(t, 2, run.Term)
	}
	assert.Len(t, r.runs(firstSession, trading.TaskSellMonitor), 2*375)
}

func TestWhatACrashMissedIsRecorded(t *testing.T) {
	t.Parallel()
	binary := build(t)
	file := filepath.Join(t.TempDir(), "papertrading.db")
	args := []string{"-speed", "0", "-db", file, "-accounts", "alice"}
	require.Error(t, exec.CommandContext(t.Context(), binary, append(args, "-crash-at", "10:00:10")...).Run())

	output, err := exec.CommandContext(t.Context(), binary, append(args, "-restart-at", "11:00:30")...).CombinedOutput()
	require.NoError(t, err, "%s", output)

	r := read(t, file)
	occurrences, missed := 0, 0
	for _, run := range r.runs(firstSession, trading.TaskSellMonitor) {
		occurrences += run.Occurrences()
		if run.Outcome == tradeclock.Missed {
			missed += run.Occurrences()
		}
	}
	assert.Equal(t, 375, occurrences)
	assert.Equal(t, 59, missed, "from 10:01 to 10:59; that of 11:00 is caught up")
}

func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "papertrading")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", output)
	return binary
}

// stopper is an output that ends a context when a text is written to it.
type stopper struct {
	bytes.Buffer
	text string
	stop context.CancelFunc
}

func (s *stopper) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(s.text)) {
		s.stop()
	}
	return s.Buffer.Write(p)
}

func TestAnInterruptDrainsAndARestartGoesOn(t *testing.T) {
	t.Parallel()
	opts := fast(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &stopper{text: "evening buy\" status=waiting", stop: cancel}

	require.NoError(t, run(ctx, opts, out), "%s", out)
	for _, run := range read(t, opts.file).runs(firstSession, trading.TaskBuyOrders) {
		assert.True(t, run.Outcome.Final(), "%s is %s", run.Account, run.Outcome)
	}

	summary := replayed(t, opts)

	assert.Contains(t, summary, "Ledger of 2026-11-23")
	r := read(t, opts.file)
	for task, n := range perDay {
		assert.Len(t, r.runs(firstSession, task), 2*n, task)
	}
	for _, account := range opts.accounts {
		var symbols []string
		for _, o := range r.orders(account, secondSession) {
			symbols = append(symbols, o.Symbol)
		}
		slices.Sort(symbols)
		assert.Equal(t, slices.Compact(slices.Clone(symbols)), symbols, "no candidate is bought twice")
	}
}

func TestBadOptionsAreNamed(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-accounts ,", "-accounts"},
		{"-speed -1", "-speed"},
		{"-bars", "-bars needs files"},
		{"bars.csv", `unexpected argument "bars.csv"`},
		{"-crash-at noon", `-crash-at: time "noon"`},
		{"-restart-at 25:00", `-restart-at: time "25:00"`},
		{"-date tomorrow", "tomorrow"},
		{"-nonsense", "nonsense"},
	} {
		_, err := parseOptions(strings.Fields(c.args), io.Discard)
		assert.ErrorContains(t, err, c.want, c.args)
	}
}

func TestBarFilesMayStandBetweenOptions(t *testing.T) {
	opts, err := parseOptions(strings.Fields("-bars a.csv b.csv -speed 0"), io.Discard)

	require.NoError(t, err)
	assert.Equal(t, []string{"a.csv", "b.csv"}, opts.bars)
	assert.Zero(t, opts.speed)
}

// saveReplayed notes in a file that a session was replayed.
func saveReplayed(t *testing.T, file string, session calendar.Date) {
	t.Helper()
	db, err := broker.OpenFile(file)
	require.NoError(t, err)
	defer db.Close()
	progress, err := replay.OpenLog(t.Context(), db)
	require.NoError(t, err)
	state := replay.State{Session: session, At: calendar.Wall(18, 5).On(session, kolkata), Finished: true}
	require.NoError(t, progress.Save(t.Context(), state))
}

func TestTheFirstSessionBeginsBeforeTheOpen(t *testing.T) {
	opts := fast(t)
	opts.restartAt = "09:15"
	assert.ErrorContains(t, run(t.Context(), opts, io.Discard), "-restart-at 09:15: the first session of a file begins before the open, at 09:15:00")
}

// freezeCalendar puts a calendar in the place of the exchange's that ends with
// 2026 and does not know the hours of the Muhurat session of that year.
// A test that uses it must not be parallel.
func freezeCalendar(t *testing.T) {
	t.Helper()
	set, err := exchange.LoadFile("../../exchange/testdata/XNSE.json")
	require.NoError(t, err)
	embedded := nse
	t.Cleanup(func() { nse = embedded })
	nse, err = set.Calendar("XNSE")
	require.NoError(t, err)
}

func TestADateThatIsRefusedLeavesNoFile(t *testing.T) {
	opts := fast(t, "-date", "2026-11-24")
	require.Error(t, run(t.Context(), opts, io.Discard))
	assert.NoFileExists(t, opts.file)
}

func TestAnOptionThatIsWrongIsToldOnce(t *testing.T) {
	var stderr bytes.Buffer
	_, err := parseOptions([]string{"-date", "tomorrow"}, &stderr)
	assert.ErrorContains(t, err, `"tomorrow"`)
	assert.Empty(t, stderr.String(), "main prints the error")
	_, err = parseOptions([]string{"-h"}, &stderr)
	assert.ErrorIs(t, err, flag.ErrHelp)
	assert.Contains(t, stderr.String(), "-restart-at")
}

func TestADayThatCannotBeReplayedIsRefused(t *testing.T) {
	freezeCalendar(t)
	opts := fast(t)
	saveReplayed(t, opts.file, firstSession)
	for _, c := range []struct {
		name   string
		change func(*options)
		want   string
	}{
		{"replayed already", func(o *options) { o.date = firstSession }, "was replayed up to 2026-11-23"},
		{"weekend", func(o *options) { o.date = firstSession.AddDays(5) }, "2026-11-28 is closed: Saturday"},
		{"holiday", func(o *options) { o.date = firstSession.AddDays(1) }, "2026-11-24 is closed: Guru Nanak Jayanti, announced 2025-12-12"},
		{"unknown hours", func(o *options) { o.date = firstSession.AddDays(-15) }, "the hours of 2026-11-08 are not known: special session: Diwali Laxmi Pujan: Muhurat trading"},
		{"after the coverage", func(o *options) { o.date = calendar.Date{Year: 2027, Month: 1, Day: 1} }, "calendar XNSE: 2027-01-01 is unknown: the coverage ends on 2026-12-31"},
		{"crash before the day", func(o *options) { o.crashAt = "08:00" }, "-crash-at 08:00"},
		{"restart before the day", func(o *options) { o.restartAt = "08:00" }, "-restart-at 08:00"},
		{"no such file", func(o *options) { o.bars = []string{"XNSE-A-2026-11-24.csv"} }, "XNSE-A-2026-11-24.csv"},
		{"no folder", func(o *options) { o.file = filepath.Join(o.file, "none.db") }, "none.db"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := opts
			c.change(&changed)

			err := run(t.Context(), changed, io.Discard)

			assert.ErrorContains(t, err, c.want)
		})
	}
}
