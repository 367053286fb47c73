package tradeclock_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

func TestRule41_NoAccount(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	cfg := w.config(row("buy", "daily 09:00"))
	cfg.Account, cfg.Executor = "", nil
	s, d := w.drive(cfg)
	d.Tick()
	assert.Equal(t, []string{"no account is enrolled: nothing runs"}, s.Status().Degraded)
	assert.Zero(t, s.Status().Next)
	said, err := s.Explain(t.Context(), "42", "buy", day("2026-11-23"))
	require.NoError(t, err)
	assert.Contains(t, said, "no account is enrolled")

	require.NoError(t, s.Enroll(t.Context(), "42", w.rec))
	d.Tick()
	assert.Empty(t, s.Status().Degraded)
	assert.Equal(t, at("2026-11-23 09:00:00").UTC(), s.Status().Next)
	require.NoError(t, s.Withdraw(t.Context(), "42"))
	d.Tick()
	assert.Equal(t, []string{"no account is enrolled: nothing runs"}, s.Status().Degraded)
}

func TestRule41_RowsOfAccountsThatNobodyServes(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:58:00")
	for _, account := range []string{"7", "24"} {
		own := row("buy", "daily 09:00")
		own.Account = account
		_, err := w.store.PutSchedule(t.Context(), ops, own)
		require.NoError(t, err)
	}
	cfg := w.config()
	cfg.Schedules = w.store
	s, d := w.drive(cfg)
	d.Tick()
	assert.Equal(t, []string{"schedules of accounts that are not enrolled: buy for account 24, buy for account 7"}, s.Status().Degraded)
	assert.Zero(t, s.Status().Next, "nothing of them runs")

	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	_, err := w.store.UpdateSchedule(t.Context(), ops, "24", "buy", 1, store.ScheduleEdit{Disabled: ptr(true)})
	require.NoError(t, err)
	d.For(time.Minute)
	assert.Empty(t, s.Status().Degraded, "one is served, and the other disabled")

	_, err = w.store.UpdateSchedule(t.Context(), ops, "24", "buy", 2, store.ScheduleEdit{Disabled: ptr(false)})
	require.NoError(t, err)
	require.NoError(t, s.Withdraw(t.Context(), "7"))
	d.For(time.Minute)
	assert.Equal(t, []string{"schedules of accounts that are not enrolled: buy for account 24"}, s.Status().Degraded,
		"who was withdrawn is not served as somebody asked for it")
	next, d := w.drive(cfg)
	stop(t, s)
	d.For(time.Minute)
	assert.Equal(t, []string{"schedules of accounts that are not enrolled: buy for account 24"}, next.Status().Degraded,
		"the ledger knows who was withdrawn")
	require.NoError(t, w.store.DeleteSchedule(t.Context(), ops, "24", "buy"))
	d.For(time.Minute)
	assert.Empty(t, next.Status().Degraded)
}

func ptr[T any](v T) *T { return &v }

// TestRule41_RowsFromTheFuture has a store on a clock of its own, which is ahead.
func TestRule41_RowsFromTheFuture(t *testing.T) {
	for _, test := range []struct {
		ahead time.Duration
		want  []string
	}{
		{time.Minute, nil},
		{time.Minute + time.Second, []string{"schedules hold only from the future of this clock: buy, report (until 2026-11-23T03:29:01Z): is the store's clock another?"}},
		{24 * time.Hour, []string{"schedules hold only from the future of this clock: buy, report (until 2026-11-24T03:28:00Z): is the store's clock another?"}},
	} {
		t.Run(test.ahead.String(), func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:58:00")
			ahead := memstore.New(clockwork.NewFakeClockAt(w.clock.Now().Add(test.ahead)))
			_, err := ahead.SeedSchedules(t.Context(), row("buy", "daily 09:00"), row("report", "after buy 5m"))
			require.NoError(t, err)
			cfg := w.config()
			cfg.Schedules = ahead
			s, d := w.drive(cfg)
			d.Tick()
			assert.Equal(t, test.want, s.Status().Degraded)
			if test.want == nil {
				return
			}
			said, err := s.Explain(t.Context(), "42", "buy", day("2026-11-23"))
			require.NoError(t, err)
			assert.Contains(t, said, "its schedule holds only from")
			assert.Contains(t, said, "the future of this clock")
			w.clock.Advance(test.ahead)
			d.For(2 * time.Minute)
			assert.Empty(t, s.Status().Degraded, "it clears when the clock is there")
		})
	}
}

// An executor whose Start is of another form, one that has half of a Starter, one that
// is a Starter by its pointer alone, and one whose Unwrap is of another form.
type oddStart struct{ tradeclock.ExecutorFunc }

func (*oddStart) Start(context.Context) error { return nil }

type halfStart struct{ tradeclock.ExecutorFunc }

func (halfStart) Start(context.Context, string) error { return nil }

type pointerStart struct{ tradeclock.ExecutorFunc }

func (*pointerStart) Start(context.Context, string) error { return nil }
func (*pointerStart) Stop(context.Context, string) error  { return nil }

type oddUnwrap struct{ tradeclock.ExecutorFunc }

func (oddUnwrap) Unwrap() *oddStart { return nil }

// Stores and a calendar of the same kind.
type oddStore struct{ tradeclock.ScheduleStore }

func (oddStore) Revision(context.Context) (int64, error) { return 0, nil }

type halfHalts struct{ tradeclock.Ledger }

func (halfHalts) Halts(context.Context, string) ([]store.Halt, error) { return nil, nil }

type oddCalendar struct{ calendar.Calendar }

func (oddCalendar) Coverage() calendar.Date { return calendar.Date{} }

func TestRule41_AlmostAnOptionalInterface(t *testing.T) {
	does := tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error { return nil })
	mux := func(e tradeclock.TaskExecutor) tradeclock.TaskExecutor {
		m := new(tradeclock.Mux)
		m.Handle("buy", e)
		return m
	}
	pass := func(ctx context.Context, run tradeclock.Run, next tradeclock.TaskExecutor) error {
		return next.Execute(ctx, run)
	}
	const oddStarts = "*tradeclock_test.oddStart is not used as Starter: it has Start(context.Context) error, " +
		"and needs Start(context.Context, string) error and Stop(context.Context, string) error"
	for _, test := range []struct {
		name   string
		change func(*tradeclock.Config)
		want   []string
	}{
		{"none", func(cfg *tradeclock.Config) { cfg.Executor = does }, nil},
		{"another signature", func(cfg *tradeclock.Config) { cfg.Executor = &oddStart{does} }, []string{oddStarts}},
		{"behind a wrapper", func(cfg *tradeclock.Config) { cfg.Executor = tradeclock.Wrap(&oddStart{does}, pass) }, []string{oddStarts}},
		{"behind a mux", func(cfg *tradeclock.Config) { cfg.Executor = mux(&oddStart{does}) }, []string{oddStarts}},
		{"a starter behind a mux", func(cfg *tradeclock.Config) { cfg.Executor = mux(&pointerStart{does}) },
			[]string{"*tradeclock_test.pointerStart of task buy is not used as Starter: a Mux starts nobody"}},
		{"one half", func(cfg *tradeclock.Config) { cfg.Executor = halfStart{does} }, []string{
			"tradeclock_test.halfStart is not used as Starter: it has Start(context.Context, string) error, " +
				"and needs Start(context.Context, string) error and Stop(context.Context, string) error"}},
		{"a value", func(cfg *tradeclock.Config) { cfg.Executor = pointerStart{does} },
			[]string{"tradeclock_test.pointerStart is not used as Starter: its pointer is one, and it is given as a value"}},
		{"an odd unwrap", func(cfg *tradeclock.Config) { cfg.Executor = oddUnwrap{does} }, []string{
			"tradeclock_test.oddUnwrap is not used as wrapper: it has Unwrap() *tradeclock_test.oddStart, and needs Unwrap() tradeclock.TaskExecutor"}},
		{"a schedule store", func(cfg *tradeclock.Config) { cfg.Schedules = oddStore{cfg.Schedules} }, []string{
			"tradeclock_test.oddStore is not used as Reviser: it has Revision(context.Context) (int64, error), and needs Revision(context.Context) (string, error)"}},
		{"a ledger", func(cfg *tradeclock.Config) { cfg.Ledger = halfHalts{cfg.Ledger} }, []string{
			"tradeclock_test.halfHalts is not used as HaltStore: it has Halts(context.Context, string) ([]store.Halt, error), and needs " +
				"Halt(context.Context, store.Halt) error and Halts(context.Context, string) ([]store.Halt, error) and Lift(context.Context, store.Halt) error"}},
		{"a calendar", func(cfg *tradeclock.Config) { cfg.Calendar = oddCalendar{cfg.Calendar} }, []string{
			"tradeclock_test.oddCalendar is not used as Covered: it has Coverage() calendar.Date, and needs Coverage() (calendar.Date, calendar.Date)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:58:00")
			var log bytes.Buffer
			cfg := w.config(row("buy", "daily 09:00"))
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			test.change(&cfg)
			s := w.scheduler(cfg)
			assert.Equal(t, test.want, s.Status().Degraded, "from New on")
			assert.Equal(t, len(test.want), strings.Count(log.String(), "is not used as"), log.String())
		})
	}
}

func TestRule41_AnAlmostStarterIsToldUntilItIsWithdrawn(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:58:00")
	s, d := w.driver(row("buy", "daily 09:00"))
	d.Tick()
	broker := &oddStart{func(context.Context, tradeclock.Run) error { return assert.AnError }}
	require.NoError(t, s.Enroll(t.Context(), "7", broker))
	require.NoError(t, s.Enroll(t.Context(), "8", broker))
	require.Len(t, s.Status().Degraded, 1)
	require.NoError(t, s.Withdraw(t.Context(), "8"))
	require.Len(t, s.Status().Degraded, 1)
	d.Until(at("2026-11-23 09:00:00"))
	said, err := s.Explain(t.Context(), "7", "buy", day("2026-11-23"))
	require.NoError(t, err)
	assert.Contains(t, said, "*tradeclock_test.oddStart is not used as Starter")
	require.NoError(t, s.Withdraw(t.Context(), "7"))
	assert.Empty(t, s.Status().Degraded)
}

func TestRule41_AnEditForTheNextSession(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:58:00")
	_, err := w.store.SeedSchedules(t.Context(), row("watch", "hourly 09:30-15:30"))
	require.NoError(t, err)
	cfg := w.config()
	cfg.Schedules = w.store
	s, d := w.drive(cfg)
	d.Tick()
	assert.Empty(t, s.Status().Notices)
	_, err = w.store.UpdateSchedule(t.Context(), ops, "", "watch", 1, store.ScheduleEdit{Rule: rule.MustParse("every 1m 09:15-15:30")})
	require.NoError(t, err)
	d.For(time.Minute)
	const notice = "watch: the rule every 1m 09:15-15:30 takes effect at the next session, and until then hourly 09:30-15:30 holds"
	assert.Equal(t, []string{notice}, s.Status().Notices)
	assert.Empty(t, s.Status().Degraded)
	said, err := s.Explain(t.Context(), "42", "watch", day("2026-11-23"))
	require.NoError(t, err)
	assert.Contains(t, said, "takes effect at the next session")
	d.Until(at("2026-11-24 00:00:00"))
	assert.Empty(t, s.Status().Notices)
}

// TestManyRowsOfNobodyAreToldShortly has rows of many accounts that nobody serves: the
// condition names the first of them, and follows what changes.
func TestManyRowsOfNobodyAreToldShortly(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:00:00")
	rows := []tradeclock.Schedule{row("buy", "daily 09:00")}
	for i := range 30 {
		own := row("buy", "daily 09:00")
		own.Account = fmt.Sprintf("9%02d", 29-i)
		rows = append(rows, own)
	}
	s, d := w.drive(w.config(rows...))
	told := func(accounts ...string) string {
		text := "schedules of accounts that are not enrolled: "
		for i, account := range accounts {
			if i > 0 {
				text += ", "
			}
			text += "buy for account " + account
		}
		return text
	}
	d.Tick()
	assert.Contains(t, s.Status().Degraded, told("900", "901", "902", "903", "904", "905", "906", "907", "908", "909")+" and 20 more")

	require.NoError(t, s.Enroll(t.Context(), "902", w.rec))
	d.Tick()
	assert.Contains(t, s.Status().Degraded, told("900", "901", "903", "904", "905", "906", "907", "908", "909", "910")+" and 19 more")

	for i := range 25 {
		if i != 2 {
			require.NoError(t, s.Enroll(t.Context(), fmt.Sprintf("9%02d", i), w.rec))
		}
	}
	d.Tick()
	assert.Contains(t, s.Status().Degraded, told("925", "926", "927", "928", "929"))
}
