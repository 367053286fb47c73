package main

import (
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/audit"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/client"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/sandbox"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/wire"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/trading"
)

var (
	// monday is a regular session, and the Tuesday after it a holiday.
	monday = calendar.Date{Year: 2026, Month: time.November, Day: 23}
	// muhurat is a special one, of an hour.
	muhurat = calendar.Date{Year: 2025, Month: time.October, Day: 21}
)

// step is how far the clock of a day moves at once.
const step = 10 * time.Second

// day is a trading day on a fake clock: a sandbox that listens on the network, and
// replicas of the service in this process.
type day struct {
	t                *testing.T
	opening, closing time.Time
	clock            *clockwork.FakeClock
	sandbox          *sandbox.Sandbox
	address          string
	down             atomic.Bool // the broker answers 503
	logins           atomic.Int32
	openDB           func() *sql.DB
	accounts         []string
	replicas         []*replica
}

// replica is a service that runs.
type replica struct {
	*service
	done chan error
}

// evening is when the last tasks of a day are due, which in earnest leave people more
// time.
var evening = map[string]string{
	trading.TaskAnalysis: "daily close+5m", trading.TaskBuyOrders: "daily close+10m", trading.TaskEODCleanup: "daily close+20m",
}

// newDay begins a day a little before its first task.
func newDay(t *testing.T, session calendar.Date, openDB func() *sql.DB) *day {
	t.Helper()
	opening, closing, err := nse.OpenClose(session)
	require.NoError(t, err)
	d := &day{
		t: t, opening: opening, closing: closing, clock: clockwork.NewFakeClockAt(opening.Add(-17 * time.Minute)),
		openDB: openDB, accounts: strings.Fields("alice bob carol dave erin frank"),
	}
	db, err := broker.OpenFile(filepath.Join(t.TempDir(), "sandbox.db"))
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	d.sandbox, err = sandbox.Open(t.Context(), sandbox.Config{
		DB: db, Clock: d.clock, Calendar: nse, Source: market.Walk{Seed: 3, Calendar: nse},
		Accounts: d.accounts, Secret: "sandbox", Log: slog.New(slog.DiscardHandler),
		Rules:  sandbox.Rules{Login: 30 * time.Minute, ChangesPerSecond: 10},
		Faults: sandbox.Faults{Lost: 0.15, Late: 0.2, LateBy: time.Minute, Seed: 1},
	})
	require.NoError(t, err)
	t.Cleanup(d.sandbox.Close)
	st, err := sqlstore.Open(t.Context(), openDB(), sqlstore.WithClock(d.clock))
	require.NoError(t, err)
	storeRows(t, st, evening)
	server := httptest.NewServer(d.network(d.sandbox.Handler()))
	t.Cleanup(server.Close)
	d.address = server.URL
	return d
}

// network is what lies between service and broker.
func (d *day) network(broker http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			d.logins.Add(1)
		}
		if d.down.Load() {
			http.Error(w, "down for repairs", http.StatusServiceUnavailable)
			return
		}
		broker.ServeHTTP(w, r)
	})
}

// start starts a replica.
func (d *day) start() {
	d.t.Helper()
	opts := options{broker: d.address, secret: "sandbox", accounts: d.accounts, actor: "the desk"}
	s, err := newService(d.t.Context(), opts, d.openDB(), d.clock, slog.New(slog.DiscardHandler))
	require.NoError(d.t, err)
	r := &replica{s, make(chan error, 1)}
	go func() { r.done <- s.scheduler.Run(d.t.Context()) }()
	require.NoError(d.t, s.scheduler.Started(d.t.Context()))
	require.NoError(d.t, s.scheduler.Quiesce(d.t.Context()))
	d.replicas = append(d.replicas, r)
}

// crash ends the replica that is active, as a power cut would.
func (d *day) crash() {
	d.t.Helper()
	for i, r := range d.replicas {
		if r.scheduler.Status().Term == 0 {
			continue
		}
		r.scheduler.Crash()
		require.ErrorIs(d.t, <-r.done, tradeclock.ErrCrashed)
		d.replicas = append(d.replicas[:i], d.replicas[i+1:]...)
		return
	}
	require.FailNow(d.t, "no replica is active")
}

// until moves the clock, the market and all replicas to an instant.
func (d *day) until(end time.Time) {
	d.t.Helper()
	for d.clock.Now().Before(end) {
		next := d.clock.Now().Add(step)
		if next.Truncate(time.Minute).Equal(next) {
			require.NoError(d.t, d.sandbox.Minute(d.t.Context(), next))
		}
		d.clock.Advance(step)
		for _, r := range d.replicas {
			require.NoError(d.t, r.scheduler.Quiesce(d.t.Context()))
		}
	}
}

// halt pulls the kill switch for an account, or lets it go, in no replica.
func (d *day) halt(account string, on bool) {
	d.t.Helper()
	st := d.replicas[0].store
	do := st.Lift
	if on {
		do = st.Halt
	}
	require.NoError(d.t, do(d.t.Context(), store.Halt{
		Scheduler: schedulerName, Account: account, Reason: "asked to stop", Actor: "operator", At: d.clock.Now(),
	}))
}

// finish ends the day and returns both accounts of it.
func (d *day) finish() ([]tradeclock.Run, wire.Book) {
	d.t.Helper()
	d.until(d.closing.Add(22 * time.Minute))
	runs, err := d.replicas[0].store.Runs(d.t.Context(), store.Query{Scheduler: schedulerName})
	require.NoError(d.t, err)
	book, err := client.New(d.address, "", d.clock, slog.New(slog.DiscardHandler)).Book(d.t.Context())
	require.NoError(d.t, err)
	d.end()
	return runs, book
}

// end ends all replicas. Nothing is left for them to do.
func (d *day) end() {
	d.t.Helper()
	for _, r := range d.replicas {
		r.scheduler.Crash()
		require.ErrorIs(d.t, <-r.done, tradeclock.ErrCrashed)
	}
}

// TestADayOfFailures loses answers and gets them late, lets logins expire, takes the
// broker away for minutes, halts an account, and crashes the active replica at the
// bell and between two orders.
func TestADayOfFailures(t *testing.T) {
	for _, c := range []struct {
		name        string
		session     calendar.Date
		openDB      func(t *testing.T) func() *sql.DB
		replicas    int
		occurrences int // of each account
	}{
		{"PostgreSQL", muhurat, onPostgreSQL, 2, 60 + 1 + 5},
		{"SQLite", monday, onSQLite, 1, 375 + 7 + 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDay(t, c.session, c.openDB(t))
			for range c.replicas {
				d.start()
			}
			runs, book := d.ofFailures()

			result := audit.Compare(runs, book)
			var text strings.Builder
			require.NoError(t, result.Print(&text))
			t.Logf("%d logins\n%s", d.logins.Load(), &text)
			assert.Empty(t, result.Findings)
			d.checkFailures(runs, result)
			occurrences := 0
			for _, run := range runs {
				occurrences += run.Occurrences()
			}
			assert.Equal(t, c.occurrences*len(d.accounts), occurrences, "each has an outcome")
		})
	}
}

// ofFailures lets all of it go wrong, and returns both accounts of the day.
func (d *day) ofFailures() ([]tradeclock.Run, wire.Book) {
	d.t.Helper()
	d.until(d.opening)
	d.crash() // while some runs wait to ask again
	d.start()
	d.until(d.opening.Add(20 * time.Minute))
	d.down.Store(true)
	d.until(d.opening.Add(27 * time.Minute))
	d.down.Store(false)
	d.until(d.opening.Add(30 * time.Minute))
	d.halt("bob", true)
	d.until(d.opening.Add(45 * time.Minute))
	d.halt("bob", false)
	d.until(d.closing.Add(10*time.Minute + step))
	d.crash() // while accounts wait between two orders
	d.start()
	return d.finish()
}

// checkFailures asserts that all that was to go wrong did.
func (d *day) checkFailures(runs []tradeclock.Run, result audit.Report) {
	d.t.Helper()
	for _, fate := range []wire.Fate{wire.Lost, wire.Late, wire.LateDone, wire.LateStale, wire.TooFast} {
		assert.NotZero(d.t, result.Fates[fate], fate)
	}
	assert.NotZero(d.t, result.Again)
	assert.Greater(d.t, int(d.logins.Load()), 3*len(d.accounts), "beside those of three terms, logins have expired")
	seen := make(map[string]int)
	for _, run := range runs {
		if run.Outcome != tradeclock.Succeeded {
			seen[run.Task+" "+run.Outcome.String()] += run.Occurrences()
		}
		if strings.Contains(run.Reason, "halted by operator: asked to stop") {
			seen["halted "+run.Account] += run.Occurrences()
		}
	}
	d.t.Log(seen)
	assert.NotZero(d.t, seen[trading.TaskSellMonitor+" failed"], "the broker was down")
	assert.NotZero(d.t, seen[trading.TaskBuyOrders+" interrupted"], "the second crash came between two orders")
	assert.Equal(d.t, 15, seen["halted bob"])
}
