package tradeclock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

func TestRule32_StatusOfANewScheduler(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	s := w.scheduler(w.config(row("buy", "daily 09:00")))
	status := s.Status()
	assert.Equal(t, tradeclock.StateStopped, status.State)
	assert.True(t, status.Healthy())
	assert.Zero(t, status.Term)
	assert.Equal(t, []string{"42"}, status.Accounts)
}

func TestRule32_StatusWaitsForNoStore(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:30")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("orders", "daily 09:00"), row("watch", "daily 09:00", atLeastOnce))
	cfg.Ledger = faulty
	s, d := w.run(cfg)
	faulty.Hang(tradeclocktest.OpClaim)
	faulty.Hang(tradeclocktest.OpSettle)
	w.seconds(d, "2026-11-23 09:00:12")
	status := s.Status()
	assert.Equal(t, 1, status.Waiting, "orders waits for the ledger")
	assert.Equal(t, 1, status.Unstored, "watch has run")
	assert.True(t, status.Watermark.Before(at("2026-11-23 09:00:00")))
	assert.Equal(t, at("2026-11-23 09:00:00").UTC(), status.Planned)
	assert.Contains(t, status.Degraded, "runs cannot be claimed: ledger's claims: no answer in time")
	faulty.Heal()
	w.seconds(d, "2026-11-23 09:01:00")
	status = s.Status()
	assert.Zero(t, status.Waiting+status.Unstored)
	assert.Equal(t, status.Planned, status.Watermark)
	assert.Empty(t, status.Degraded)
}

func TestRule32_Agenda(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	w.rec.Do("retry", func(context.Context, tradeclock.Run) error { return errors.New("rejected") })
	own := row("buy", "daily 16:10")
	own.Account = "7"
	s, d := w.driver(row("retry", "daily 09:00"), row("watch", "hourly 09:30-10:30"), row("buy", "daily 16:05"), own)
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	d.Until(at("2026-11-23 09:45:00"))
	_, err := s.Trigger(t.Context(), operator("buy"))
	require.NoError(t, err)
	d.Tick()

	assert.Equal(t, []string{
		"09:00 42 retry failed", "09:00 7 retry failed",
		"09:30 42 watch succeeded", "09:30 7 watch succeeded",
		"09:45 42 buy succeeded",
		"10:30 42 watch", "10:30 7 watch", "16:05 42 buy", "16:10 7 buy",
	}, w.told(s, "2026-11-23"))
	assert.Equal(t, []string{
		"09:00 42 retry", "09:00 7 retry", "09:30 42 watch", "09:30 7 watch",
		"10:30 42 watch", "10:30 7 watch", "16:05 42 buy", "16:10 7 buy",
	}, w.told(s, "2026-11-24"), "a day to come")
	assert.Empty(t, w.told(s, "2026-11-22"))
}

// TestRule32_AgendaTellsTheVersionOfTheRow before and after an occurrence has run, of the
// row that holds for the account.
func TestRule32_AgendaTellsTheVersionOfTheRow(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	own := row("buy", "daily 16:10")
	own.Account = "7"
	s, d := w.edited(row("buy", "daily 16:00"), own)
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	d.Tick()
	w.edit("buy", store.ScheduleEdit{Rule: rule.MustParse("daily 16:05")})
	d.For(time.Minute)
	versions := func() map[string]int64 {
		told := make(map[string]int64)
		for _, item := range w.agenda(s, "2026-11-23") {
			told[item.Account] = item.Version
		}
		return told
	}
	assert.Equal(t, map[string]int64{"42": 2, "7": 1}, versions())
	d.Until(at("2026-11-23 16:15:00"))
	assert.Len(t, w.runs("buy"), 2)
	assert.Equal(t, map[string]int64{"42": 2, "7": 1}, versions())

	require.NoError(t, w.store.DeleteSchedule(t.Context(), ops, "7", "buy"))
	require.NoError(t, w.store.DeleteSchedule(t.Context(), ops, "", "buy"))
	d.For(time.Minute)
	assert.Equal(t, map[string]int64{"42": 0, "7": 0}, versions(), "there is no row any more")
}

// TestRule32_AgendaOfAnAccountThatCameLater enrolls an account at noon: what was due
// before is not shown as still to come.
func TestRule32_AgendaOfAnAccountThatCameLater(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	s, d := w.driver(row("retry", "daily 09:00"), row("buy", "daily 16:05"))
	d.Until(at("2026-11-23 12:00:00"))
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	d.For(time.Minute)
	assert.Equal(t, []string{
		"09:00 42 retry succeeded", "09:00 7 retry skip: it was due before the account was there, or while it was withdrawn",
		"16:05 42 buy", "16:05 7 buy",
	}, w.told(s, "2026-11-23"))
}

// told tells the agenda of a date as "09:00 account task outcome".
func (w *world) told(s *tradeclock.UnifiedTaskScheduler, date string) []string {
	w.t.Helper()
	var lines []string
	for _, item := range w.agenda(s, date) {
		line := item.Due.In(kolkata).Format("15:04") + " " + item.Account + " " + item.Task
		if item.Run.Outcome != tradeclock.NoOutcome {
			line += " " + item.Run.Outcome.String()
		}
		if item.Skip != "" {
			line += " skip: " + item.Skip
		}
		lines = append(lines, line)
	}
	return lines
}

func TestRule32_AgendaBeforeTheFirstTick(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	s := w.scheduler(w.config(row("retry", "daily 09:00")))
	assert.Equal(t, []string{"09:00 42 retry"}, w.told(s, "2026-11-23"))
	assert.Empty(t, w.runs(""), "a preview changes nothing")
}

func TestRule32_AgendaOfNoDate(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	cfg := w.config(row("month_end", "daily 16:00 on last session of month"))
	cal, err := calendar.NewTable(calendar.Table{
		Name: "short", Location: kolkata, First: day("2026-11-23"), Last: day("2026-11-27"),
	})
	require.NoError(t, err)
	cfg.Calendar = cal
	s := w.scheduler(cfg)
	for _, date := range []calendar.Date{{}, {Year: 2030, Month: 2, Day: 30}, {Year: 10000, Month: 1, Day: 1}} {
		_, err := s.Agenda(t.Context(), date)
		assert.ErrorContains(t, err, "is no date")
		_, err = s.Explain(t.Context(), "42", "month_end", date)
		assert.ErrorContains(t, err, "is no date")
	}
}

func TestRule32_AgendaShowsRangesOnce(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	watch := row("watch", "every 1m 09:15-09:25")
	first, d := w.driver(watch)
	d.Tick()
	stop(t, first)
	w.clock.Advance(20 * time.Minute)
	s, d := w.driver(watch)
	d.Tick()
	assert.Equal(t, []string{
		"09:15 42 watch missed", "09:20 42 watch succeeded",
		"09:21 42 watch", "09:22 42 watch", "09:23 42 watch", "09:24 42 watch",
	}, w.told(s, "2026-11-23"))
	assert.Equal(t, 5, w.agenda(s, "2026-11-23")[0].Run.Count)
}

// noHistory is a ledger without companions.
type noHistory struct{ tradeclock.Ledger }

func TestRule32_LedgerWithoutHistory(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	cfg := w.config(row("retry", "daily 09:00"))
	cfg.Ledger = noHistory{w.store}
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:00:00"))
	assert.Equal(t, 1, w.rec.Count("retry"), "it runs all the same")
	_, err := s.Agenda(t.Context(), day("2026-11-23"))
	assert.ErrorIs(t, err, tradeclock.ErrUnsupported)
	_, err = s.Explain(t.Context(), "42", "retry", day("2026-11-23"))
	assert.ErrorIs(t, err, tradeclock.ErrUnsupported)
}

func TestRule32_Explain(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	tasks := map[string]func(context.Context, tradeclock.Run) error{
		"failing":  func(context.Context, tradeclock.Run) error { return errors.New("rejected: no margin\nsee the log") },
		"skipping": func(context.Context, tradeclock.Run) error { return tradeclock.Skip("nothing to sell") },
		"slow":     takes(10 * time.Minute),
		"running":  takes(10 * time.Hour),
		"halting":  takes(10 * time.Minute),
		"panicky":  func(context.Context, tradeclock.Run) error { panic("nil map") },
	}
	for task, do := range tasks {
		w.rec.Do(task, do)
	}
	disabled := func(s *tradeclock.Schedule) { s.Disabled = true }
	rows := []tradeclock.Schedule{
		row("missed", "daily 08:57"), row("late", "daily 08:59:30"),
		row("good", "daily 09:00"), row("failing", "daily 09:00"), row("skipping", "daily 09:00"), row("panicky", "daily 09:00"),
		row("slow", "daily 09:00", func(s *tradeclock.Schedule) { s.Timeout = time.Minute }), row("running", "daily 09:00"),
		row("halting", "daily 09:00"), row("halted", "daily 09:10"),
		row("watch", "every 1m 08:50-09:04"), row("off", "daily 09:00", disabled), row("buy", "daily 16:05"),
		row("anchored", "daily close-90m", func(s *tradeclock.Schedule) { s.Sessions = calendar.OnSpecial | calendar.OnRegular }),
		row("trip", "once 2026-12-01 10:00"), row("manual", "daily 16:05"),
	}
	cfg := w.config(rows...)
	cfg.Calendar = holidays(t)
	first, d := w.drive(cfg)
	d.Tick()
	stop(t, first)
	w.clock.Advance(5 * time.Minute)
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:05:00"))
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Reason: "loss limit", Actor: "risk"}))
	d.Until(at("2026-11-23 09:10:00"))
	require.NoError(t, s.Lift(t.Context(), tradeclock.LiftRequest{Reason: "all clear", Actor: "risk"}))
	_, err := s.Trigger(t.Context(), operator("manual"))
	require.NoError(t, err)
	d.Until(at("2026-11-23 09:11:00"))

	for _, test := range []struct {
		account, task, date string
		want                string
	}{
		{"42", "good", "2026-11-23", "On 2026-11-23, good for account 42 was due at 09:00:00 and succeeded (started at 09:00:00); the next is due at 2026-11-25 09:00:00."},
		{"42", "late", "2026-11-23", "On 2026-11-23, late for account 42 was due at 08:59:30 and succeeded (started at 09:00:00); the next is due at 2026-11-25 08:59:30."},
		{"42", "failing", "2026-11-23", "On 2026-11-23, failing for account 42 was due at 09:00:00 and failed (started at 09:00:00): rejected: no margin; the next is due at 2026-11-25 09:00:00."},
		{"42", "panicky", "2026-11-23", "On 2026-11-23, panicky for account 42 was due at 09:00:00 and failed (started at 09:00:00): panic: nil map; the next is due at 2026-11-25 09:00:00."},
		{"42", "skipping", "2026-11-23", "On 2026-11-23, skipping for account 42 was due at 09:00:00 and was skipped (started at 09:00:00): nothing to sell; the next is due at 2026-11-25 09:00:00."},
		{"42", "slow", "2026-11-23", "On 2026-11-23, slow for account 42 was due at 09:00:00 and timed out (started at 09:00:00): it took longer than its timeout of 1m0s; the next is due at 2026-11-25 09:00:00."},
		{"42", "running", "2026-11-23", "On 2026-11-23, running for account 42 was due at 09:00:00 and is running (started at 09:00:00); the next is due at 2026-11-25 09:00:00."},
		{"42", "missed", "2026-11-23", "On 2026-11-23, missed for account 42 was due at 08:57:00 and was missed: its catch-up of 2m0s had passed; the next is due at 2026-11-25 08:57:00."},
		{"42", "halted", "2026-11-23", "On 2026-11-23, halted for account 42 was due at 09:10:00 and was skipped: halted by risk: loss limit; the next is due at 2026-11-25 09:10:00."},
		{"42", "manual", "2026-11-23", "On 2026-11-23, manual for account 42 was triggered by an operator and succeeded (started at 09:10:00); that of 16:05:00 is to come."},
		{"42", "watch", "2026-11-23", "On 2026-11-23, watch for account 42 was due several times: 4 missed (late, and a newer occurrence took its place), 4 succeeded; 6 were due from 08:50:00 to 08:55:00, and the ledger has no record of them: " +
			"before the account or the schedule was there, or while it was withdrawn, or pruned (the account is accounted for from 2026-11-23 08:55:00 on); the next is due at 2026-11-25 08:50:00."},
		{"42", "off", "2026-11-23", "On 2026-11-23, off for account 42 does not run, as its schedule is disabled."},
		{"42", "buy", "2026-11-23", "On 2026-11-23, buy for account 42 is due at 2026-11-23 16:05:00 (daily 16:05)."},
		{"42", "buy", "2026-11-24", "On 2026-11-24, buy for account 42 does not run: closed: Guru Nanak Jayanti."},
		{"42", "buy", "2026-11-22", "On 2026-11-22, buy for account 42 did not run: special session: Muhurat trading."},
		{"42", "buy", "2026-11-20", "On 2026-11-20, buy for account 42 was due at 2026-11-20 16:05:00, and the ledger has no record of it: " +
			"before the account or the schedule was there, or while it was withdrawn, or pruned (the account is accounted for from 2026-11-23 08:55:00 on)."},
		{"42", "trip", "2026-11-23", "On 2026-11-23, trip for account 42 has no occurrence: its rule is once 2026-12-01 10:00; the next is due at 2026-12-01 10:00:00."},
		{"42", "nothing", "2026-11-23", "On 2026-11-23, nothing for account 42 does not run, as it has no schedule."},
		{"7", "buy", "2026-11-23", `On 2026-11-23, buy for account 7 is due at 2026-11-23 16:05:00 (daily 16:05), and does not run: account "7" is not enrolled.`},
		{"42", "buy", "2030-01-01", "On 2030-01-01, buy for account 42 is going to be skipped: calendar XTST: 2030-01-01: date is outside the calendar's coverage, 2026-01-01 to 2027-12-31."},
	} {
		t.Run(test.task+" on "+test.date, func(t *testing.T) {
			got, err := s.Explain(t.Context(), test.account, test.task, day(test.date))
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
	got, err := s.Explain(t.Context(), "42", "anchored", day("2026-11-29"))
	require.NoError(t, err)
	assert.Equal(t, "On 2026-11-29, anchored for account 42 does not run: closed: Sunday.", got)
}
