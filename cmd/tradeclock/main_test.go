package main_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/internal/pgtest"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
	"github.com/tradeclock/tradeclock/trading"
)

var update = flag.Bool("update", false, "write the golden files anew")

// program is the built command.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(built(m))
}

func built(m *testing.M) int {
	folder, err := os.MkdirTemp("", "tradeclock")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "tradeclock")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	defer func() {
		if err := pgtest.CloseShared(); err != nil {
			panic(err)
		}
	}()
	return m.Run()
}

// address is a database as the command is told of it.
type address struct{ driver, dsn, url string }

// onEach runs a test on a new database of each kind.
func onEach(t *testing.T, test func(t *testing.T, at address)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteFile(t)) })
	t.Run("postgres", func(t *testing.T) {
		dsn, schema, err := pgtest.Shared()
		needs.Met(t, err)
		db, err := sql.Open("pgx", dsn)
		require.NoError(t, err)
		t.Cleanup(func() {
			_, err := db.Exec("SET client_min_messages TO warning; DROP SCHEMA " + schema + " CASCADE")
			assert.NoError(t, err)
			db.Close()
		})
		_, err = db.ExecContext(t.Context(), "CREATE SCHEMA "+schema)
		require.NoError(t, err)
		test(t, address{"pgx", dsn, dsn})
	})
}

// service is a trading service whose Monday went on until some time.
type service struct {
	t     *testing.T
	at    address
	clock *clockwork.FakeClock
	store *sqlstore.Store
	sched *tradeclock.UnifiedTaskScheduler
	drive *tradeclocktest.Driver
}

var kolkata = exchange.MustGet("XNSE").Location()

func at(text string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, text, kolkata)
	if err != nil {
		panic(err)
	}
	return t
}

// monday is a service that was down from 09:20 to 09:40, and whose adjustment at 09:05
// fails.
func monday(t *testing.T, at_ address, until string) *service {
	t.Helper()
	clock := clockwork.NewFakeClockAt(at("2026-11-23 08:59:00"))
	db, err := sql.Open(at_.driver, at_.dsn)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	st, err := sqlstore.Open(t.Context(), db, sqlstore.WithClock(clock))
	require.NoError(t, err)
	rows := byTheClock()
	_, err = st.SeedSchedules(t.Context(), rows...)
	require.NoError(t, err)
	s := &service{t: t, at: at_, clock: clock, store: st}
	s.start()
	if until < "09:20:00" {
		s.drive.Until(at("2026-11-23 " + until))
		return s
	}
	s.drive.Until(at("2026-11-23 09:20:00"))
	require.NoError(t, s.sched.Close(context.Background()))
	clock.Advance(20 * time.Minute)
	s.start()
	s.drive.Until(at("2026-11-23 " + until))
	return s
}

func (s *service) start() {
	s.t.Helper()
	var mux tradeclock.Mux
	for _, row := range byTheClock() {
		mux.HandleFunc(row.Task, func(_ context.Context, run store.Run) error {
			if run.Task == trading.TaskPremarketAMOAdjustment {
				return errors.New("the broker said \x1b[31mno\x1b[0m: margin\nsee the log")
			}
			return nil
		})
	}
	sched, err := tradeclock.New(tradeclock.Config{
		Name: "paper", Account: "42", Executor: &mux, Schedules: s.store, Ledger: s.store, Heartbeats: s.store,
		Calendar: exchange.MustGet("XNSE"), Clock: s.clock, Logger: slog.New(slog.DiscardHandler), Instance: "host-1",
	})
	require.NoError(s.t, err)
	s.sched, s.drive = sched, tradeclocktest.NewDriver(s.t, sched, s.clock)
}

// answer is what the command said.
type answer struct {
	out, err string
	code     int
}

// ask runs the command at the service's time.
func (s *service) ask(args ...string) answer {
	s.t.Helper()
	now := s.clock.Now().In(kolkata).Format("2006-01-02T15:04:05")
	return run(s.t, "", append(args, "--db", s.at.url, "--calendar", "XNSE", "--at", now)...)
}

func run(t *testing.T, in string, args ...string) answer {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &errs
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		require.NoError(t, err)
	}
	return answer{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// random is the part of an instance's name that is another one each time.
var random = regexp.MustCompile(`host-1/[A-Z2-7]+`)

// version is that of the build.
var version = regexp.MustCompile(`VERSION:\n   .*\n`)

// golden compares what people read with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	got = random.ReplaceAllString(got, "host-1/…")
	got = version.ReplaceAllString(got, "VERSION:\n   …\n")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func sqliteFile(t *testing.T) address {
	file := filepath.Join(t.TempDir(), "day.db")
	return address{"sqlite", "file:" + file, "sqlite:" + file}
}

// byTheClock are the seven tasks at instants that are known beforehand: here buy_orders does
// not wait for the analysis.
func byTheClock() []store.Schedule {
	rows := trading.DefaultSchedules()
	for i := range rows {
		if rows[i].Task == trading.TaskBuyOrders {
			rows[i].Rule, rows[i].CatchUp = rule.MustParse("daily 16:05"), 90*time.Minute
		}
	}
	return rows
}
