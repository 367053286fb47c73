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
	"github.com/tradeclock/tradeclock/examples/papertrading/internal/broker"
	"github.com/tradeclock/tradeclock/examples/papertrading/internal/market"
	"github.com/tradeclock/tradeclock/examples/papertrading/internal/replay"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/trading"
)

var update = flag.Bool("update", false, "write the golden files anew")

var tuesday = firstSession.AddDays(1)

// perDay are the occurrences of each task in a session.
var perDay = map[string]int{
	trading.TaskPremarketRetry: 1, trading.TaskPremarketAMOAdjustment: 1, trading.TaskSellMonitor: 375,
	trading.TaskPositionMonitor: 7, trading.TaskAnalysis: 1, trading.TaskBuyOrders: 1, trading.TaskEODCleanup: 1,
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
	db, err := openDatabase(file)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	clock := clockwork.NewFakeClockAt(dayEnds.On(tuesday, kolkata))
	store, err := sqlstore.Open(t.Context(), db, sqlstore.WithClock(clock))
	require.NoError(t, err)
	paper, err := broker.Open(t.Context(), db, clock, calendar)
	require.NoError(t, err)
	return records{store, paper, t}
}

func (r records) runs(session tradeclock.Date, task string) []tradeclock.Run {
	r.t.Helper()
	runs, err := r.store.Runs(r.t.Context(), tradeclock.Query{Scheduler: schedulerName, Task: task, From: session, To: session})
	require.NoError(r.t, err)
	return runs
}

func (r records) orders(account string, session tradeclock.Date) []broker.Order {
	r.t.Helper()
	orders, err := r.paper.Orders(r.t.Context(), account, session)
	require.NoError(r.t, err)
	return orders
}

func (r records) report(account string, session tradeclock.Date) broker.Report {
	r.t.Helper()
	report, err := r.paper.Report(r.t.Context(), account, session)
	require.NoError(r.t, err)
	return report
}

// checkWholeDay asserts that each task has all its occurrences, all of them
// started on time.
func (r records) checkWholeDay(session tradeclock.Date, accounts int) {
	r.t.Helper()
	for task, n := range perDay {
		runs := r.runs(session, task)
		assert.Len(r.t, runs, n*accounts, task)
		for _, run := range runs {
			assert.Contains(r.t, []tradeclock.Outcome{tradeclock.Succeeded, tradeclock.Skipped}, run.Outcome, "%s %s: %s", task, run.Slot, run.Reason)
			assert.Equal(r.t, 1, run.Occurrences(), "%s %s: %s", task, run.Slot, run.Reason)
			assert.Zero(r.t, run.Lateness(), "%s %s", task, run.Slot)
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
	read(t, opts.file).checkWholeDay(firstSession, 2)
}

func TestASecondRunReplaysTheNextSession(t *testing.T) {
	t.Parallel()
	opts := fast(t, "-accounts", "alice")

	assert.Contains(t, replayed(t, opts), "Ledger of 2026-11-23\n")
	assert.Contains(t, replayed(t, opts), "Ledger of 2026-11-24\n")

	r := read(t, opts.file)
	r.checkWholeDay(firstSession, 1)
	r.checkWholeDay(tuesday, 1)
	assert.Equal(t, r.report("alice", firstSession).Closing, r.report("alice", tuesday).Opening, "no money is made at night")
	for _, o := range r.orders("alice", tuesday) {
		assert.NotEqual(t, broker.StatusWaiting, o.Status, "the evening's orders were released")
	}
}

func TestRealBars(t *testing.T) {
	t.Parallel()
	files := barFiles(t)
	opts := fast(t, append([]string{"-accounts", "alice", "-bars"}, files...)...)
	for day := 9; day <= 11; day++ {
		session := tradeclock.Date{Year: 2019, Month: time.July, Day: day}

		summary := replayed(t, opts)

		assert.Contains(t, summary, "Ledger of "+session.String())
		r := read(t, opts.file)
		r.checkWholeDay(session, 1)
		assert.True(t, r.report("alice", session).Closed)
	}
	traded := read(t, opts.file).orders("alice", tradeclock.Date{Year: 2019, Month: time.July, Day: 9})
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
		date := tradeclock.Date{Year: 2019, Month: time.July, Day: day}
		var text strings.Builder
		for _, b := range (market.Walk{Seed: 1, Location: kolkata}).Day(date)["DEODAR"] {
			since := b.Start.Sub(tradeclock.Wall(0, 0).On(date, kolkata)).Milliseconds()
			fmt.Fprintf(&text, "%d,%d,%d,%d,%d,%d\n", since, b.Open, b.High, b.Low, b.Close, b.Volume)
		}
		file := filepath.Join(t.TempDir(), fmt.Sprintf("XNSE-DEODAR-%s.csv", date))
		require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o600))
		files = append(files, file)
	}
	return files
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
	before := append(r.orders("alice", tuesday), r.orders("bob", tuesday)...)
	require.NotEmpty(t, before, "the crash came after the first order")

	output, err = exec.CommandContext(t.Context(), binary, "-speed", "0", "-db", file).CombinedOutput()
	require.NoError(t, err, "%s", output)

	assert.Equal(t, before, append(r.orders("alice", tuesday), r.orders("bob", tuesday)...))
	outcomes := make(map[string]tradeclock.Outcome)
	for _, run := range r.runs(firstSession, trading.TaskBuyOrders) {
		outcomes[run.Account] = run.Outcome
	}
	// Alice has one candidate and was done with it. Bob has three, and had placed
	// orders for two of them.
	assert.Equal(t, map[string]tradeclock.Outcome{"alice": tradeclock.Succeeded, "bob": tradeclock.Interrupted}, outcomes)
	assert.Len(t, r.orders("bob", tuesday), 2)
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
		for _, o := range r.orders(account, tuesday) {
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
func saveReplayed(t *testing.T, file string, session tradeclock.Date) {
	t.Helper()
	db, err := openDatabase(file)
	require.NoError(t, err)
	defer db.Close()
	progress, err := replay.OpenLog(t.Context(), db)
	require.NoError(t, err)
	state := replay.State{Session: session, At: dayEnds.On(session, kolkata), Finished: true}
	require.NoError(t, progress.Save(t.Context(), state))
}

func TestADayThatCannotBeReplayedIsRefused(t *testing.T) {
	opts := fast(t)
	saveReplayed(t, opts.file, firstSession)
	for _, c := range []struct {
		name   string
		change func(*options)
		want   string
	}{
		{"replayed already", func(o *options) { o.date = firstSession }, "was replayed up to 2026-11-23"},
		{"weekend", func(o *options) { o.date = firstSession.AddDays(5) }, "no session on 2026-11-28: Saturday"},
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
