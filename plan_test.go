package tradeclock_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
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

func TestRule05_TickTwiceInAMinute(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:58:30")
	_, d := w.driver(row("buy", "daily 09:01"), row("watch", "every 1m 09:00-09:10"))

	for w.clock.Now().Before(at("2026-11-23 09:12:00")) {
		d.Tick()
		d.Tick()
		w.clock.Advance(20 * time.Second)
	}

	assert.Equal(t, 1, w.rec.Count("buy"))
	assert.Equal(t, 10, w.rec.Count("watch"))
}

func TestRule05_ATickLateBySecondsChangesNothingButLateness(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:47")
	_, d := w.driver(row("buy", "daily 09:01"), row("watch", "every 1m 09:00-09:10"))

	for range 15 { // each tick 47 seconds after the minute
		d.Tick()
		w.clock.Advance(time.Minute)
	}

	assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("buy")))
	require.Len(t, w.runs("watch"), 10)
	for _, r := range w.runs("") {
		assert.Equal(t, tradeclock.Succeeded, r.Outcome, r.Slot)
		assert.Equal(t, 47*time.Second, r.Lateness(), r.Slot)
	}
}

func TestRule05_AMissedTickIsMadeUpFor(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	_, d := w.driver(row("buy", "daily 09:01"), row("sell", "daily 09:01"))
	d.Tick()

	w.clock.Advance(2 * time.Minute) // no tick at 09:01
	d.Tick()

	for _, task := range []string{"buy", "sell"} {
		require.Len(t, w.runs(task), 1)
		assert.Equal(t, tradeclock.Succeeded, w.runs(task)[0].Outcome)
		assert.Equal(t, time.Minute, w.runs(task)[0].Lateness())
	}
}

// What is due at the instant at which a day begins is due in the tick of that instant,
// also if that is the first of a process.
func TestRule05_DueAtMidnight(t *testing.T) {
	w := newWorld(t, "2026-11-23 23:58:00")
	s, d := w.driver(row("roll", "daily 00:00"))
	d.Until(at("2026-11-23 23:59:00"))
	stop(t, s)
	w.clock.Advance(time.Minute)

	_, d = w.driver(row("roll", "daily 00:00"))
	d.Tick()
	assert.Equal(t, []string{"2026-11-24 succeeded"}, tell(w.runs("roll")))

	d.Until(at("2026-11-26 00:00:00"))
	assert.Equal(t, []string{"2026-11-24 succeeded", "2026-11-25 succeeded", "2026-11-26 succeeded"}, tell(w.runs("roll")))
}

// TestRule05_TicksAtAnyInstantsAccountForTheSameDay ticks at random instants, none
// of them further apart than the catch-up.
func TestRule05_TicksAtAnyInstantsAccountForTheSameDay(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, "2026-11-23 08:50:00")
		_, d := w.driver(row("buy", "daily 09:01:30"), row("hourly", "hourly 09:30-11:30"), row("after", "after hourly 10m"))
		random := rand.New(rand.NewPCG(seed, 0))
		for w.clock.Now().Before(at("2026-11-23 11:50:00")) {
			d.Tick()
			w.clock.Advance(time.Duration(random.IntN(119_999)) * time.Millisecond)
		}
		hours := []string{"2026-11-23T09+05:30", "2026-11-23T10+05:30", "2026-11-23T11+05:30"}
		require.Equal(t, []string{"2026-11-23"}, w.rec.Slots("buy"), "seed %d", seed)
		require.Equal(t, hours, w.rec.Slots("hourly"), "seed %d", seed)
		require.Equal(t, hours, w.rec.Slots("after"), "seed %d", seed)
		for _, r := range w.runs("") {
			require.Equal(t, tradeclock.Succeeded, r.Outcome, "seed %d: %s %s", seed, r.Task, r.Slot)
		}
	}
}

func TestRule05_TheWatermarkPassesNothingThatIsNotAccountedFor(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 09:00", catchUp(10*time.Minute)), row("watch", "every 1m 09:00-09:10", atLeastOnce))
	cfg.Ledger = faulty
	s, d := w.drive(cfg)
	d.Tick()
	faulty.Fail(tradeclocktest.OpClaim, errors.New("disk full"))

	d.Until(at("2026-11-23 09:04:00"))

	assert.True(t, s.Status().Watermark.Before(at("2026-11-23 09:00:00")), "buy is neither claimed nor recorded")
	assert.Equal(t, 0, w.rec.Count("buy"))
	assert.Equal(t, 5, w.rec.Count("watch"), "what is delivered at least once goes on")

	faulty.Heal()
	d.Until(at("2026-11-23 09:06:00"))
	assert.Equal(t, 1, w.rec.Count("buy"))
	assert.Equal(t, at("2026-11-23 09:06:00").UTC(), s.Status().Watermark)
	for _, r := range w.runs("") {
		assert.Equal(t, tradeclock.Succeeded, r.Outcome, "%s %s", r.Task, r.Slot)
	}
}

func TestRule05_TheWatermarkWaitsForRecords(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 09:00"))
	cfg.Ledger = faulty
	s, d := w.drive(cfg)
	d.Tick()
	mark := s.Status().Watermark
	faulty.Fail(tradeclocktest.OpRecord, errors.New("disk full"))

	w.clock.Advance(5 * time.Minute) // past the catch-up
	d.Tick()
	assert.Equal(t, mark, s.Status().Watermark)
	assert.Empty(t, w.runs("buy"))

	faulty.Heal()
	d.For(time.Minute)
	assert.Equal(t, []string{"09:00 missed"}, became(w.runs("buy")))
	assert.Equal(t, at("2026-11-23 09:05:00").UTC(), s.Status().Watermark)
}

// cronLike is a user's rule: due at the minutes of each hour in a range of hours.
type cronLike struct {
	minutes     []int
	first, last int // hours
}

func (c cronLike) String() string { return fmt.Sprintf("cron %v %d-%d", c.minutes, c.first, c.last) }

func (c cronLike) Occurrences(s calendar.Session, loc *time.Location) ([]rule.Occurrence, error) {
	var found []rule.Occurrence
	for hour := c.first; hour <= c.last; hour++ {
		for _, minute := range c.minutes {
			due := calendar.Wall(hour, minute).On(s.Date, loc)
			found = append(found, rule.Occurrence{Due: due, Slot: due.In(loc).Format("20060102-1504")})
		}
	}
	return found, nil
}

func TestRule06_RulesThroughADay(t *testing.T) {
	nse := calendar.Weekdays(kolkata,
		calendar.Hours{Phase: calendar.PhasePreOpen, Start: calendar.Wall(9, 0), End: calendar.Wall(9, 8)},
		calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(12, 0)},
		calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(13, 0), End: calendar.Wall(15, 30)},
		calendar.Hours{Phase: calendar.PhaseClosingAuction, Start: calendar.Wall(15, 40), End: calendar.Wall(15, 50)},
	)
	tests := []struct {
		name string
		rule rule.Rule
		want []string // the due times
	}{
		{"daily", rule.MustParse("daily 09:15:30"), []string{"09:15:30"}},
		{"wall times are not clipped by the hours", rule.MustParse("daily 03:00"), []string{"03:00:00"}},
		{"hourly, both ends included", rule.MustParse("hourly 09:30-12:30"),
			[]string{"09:30:00", "10:30:00", "11:30:00", "12:30:00"}},
		{"hourly, an end between", rule.MustParse("hourly 09:30-11:29"), []string{"09:30:00", "10:30:00"}},
		{"every, the end not included", rule.MustParse("every 20m 09:15-10:15"), []string{"09:15:00", "09:35:00", "09:55:00"}},
		{"every between anchors skips the break and begins anew", rule.MustParse("every 50m open-close"),
			[]string{"09:15:00", "10:05:00", "10:55:00", "11:45:00", "13:00:00", "13:50:00", "14:40:00"}},
		{"open is the first start", rule.MustParse("daily open+5m"), []string{"09:20:00"}},
		{"close is the last end", rule.MustParse("daily close-15m"), []string{"15:15:00"}},
		{"before the open", rule.MustParse("daily open-15m"), []string{"09:00:00"}},
		{"after the close", rule.MustParse("daily close+30m"), []string{"16:00:00"}},
		{"a phase", rule.MustParse("daily pre_open"), []string{"09:00:00"}},
		{"the end of a phase", rule.MustParse("daily closing_auction.end"), []string{"15:50:00"}},
		{"once", rule.MustParse("once 2026-11-23 10:00"), []string{"10:00:00"}},
		{"a user's", cronLike{minutes: []int{5, 35}, first: 10, last: 11}, []string{"10:05:00", "10:35:00", "11:05:00", "11:35:00"}},
	}
	w := newWorld(t, "2026-11-23 00:00:00")
	cfg := w.config()
	cfg.Calendar = nse
	var rows []tradeclock.Schedule
	for _, test := range tests {
		rows = append(rows, tradeclock.Schedule{Task: test.name, Rule: test.rule})
	}
	cfg.Schedules = tradeclock.FixedSchedules(rows...)
	_, d := w.drive(cfg)

	d.Until(at("2026-11-24 00:00:00"))

	for _, test := range tests {
		var got []string
		for _, r := range w.runs(test.name) {
			assert.Equal(t, tradeclock.Succeeded, r.Outcome, "%s %s", test.name, r.Slot)
			got = append(got, r.Due.In(kolkata).Format(time.TimeOnly))
		}
		assert.Equal(t, test.want, got, test.name)
	}
}

func TestRule06_ATimeOfTheNextDayIsStillThatSessionsSlot(t *testing.T) {
	w := newWorld(t, "2026-11-27 12:00:00") // a Friday
	_, d := w.driver(row("report", "daily 02:00+1d"))

	d.Until(at("2026-12-01 12:00:00"))

	runs := w.runs("report")
	assert.Equal(t, []string{"2026-11-27 succeeded", "2026-11-30 succeeded"}, tell(runs))
	assert.Equal(t, at("2026-11-28 02:00:00").UTC(), runs[0].Started, "on Saturday")
	assert.Equal(t, day("2026-11-27"), runs[0].Session)
}

func TestRule06_AfterFollowsThePlannedTime(t *testing.T) {
	t.Run("whatever the outcome, in a chain, and with the same slots", func(t *testing.T) {
		w := newWorld(t, "2026-11-23 08:55:00")
		_, d := w.driver(row("base", "daily 09:00"), row("second", "after base 5m"), row("third", "after second 5m"),
			row("beats", "every 30m 09:00-10:00"), row("echo", "after beats 90s"))
		w.rec.Do("base", func(context.Context, tradeclock.Run) error { return errors.New("no") })

		d.Until(at("2026-11-23 10:00:00"))

		assert.Equal(t, []string{"2026-11-23 failed"}, tell(w.runs("base")))
		assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("second")))
		assert.Equal(t, at("2026-11-23 09:05:00").UTC(), w.runs("second")[0].Started)
		assert.Equal(t, at("2026-11-23 09:10:00").UTC(), w.runs("third")[0].Started)
		assert.Equal(t, w.rec.Slots("beats"), w.rec.Slots("echo"))
		assert.Equal(t, at("2026-11-23 09:31:30").UTC(), w.runs("echo")[1].Started)
	})

	t.Run("of a task that is disabled", func(t *testing.T) {
		w := newWorld(t, "2026-11-23 08:55:00")
		_, d := w.driver(row("base", "daily 09:00", func(s *tradeclock.Schedule) { s.Disabled = true }), row("second", "after base 5m"))

		d.Until(at("2026-11-23 09:10:00"))

		assert.Empty(t, w.runs("base"))
		assert.Equal(t, []string{"09:05 succeeded"}, became(w.runs("second")))
	})

	t.Run("of the account", func(t *testing.T) {
		w := newWorld(t, "2026-11-23 08:55:00")
		s, d := w.driver(row("base", "daily 09:00"), row("second", "after base 5m"), row("third", "after second 1m"),
			row("base", "daily 10:00", func(s *tradeclock.Schedule) { s.Account = "7" }))
		require.NoError(t, s.Enroll(t.Context(), "7", w.rec))

		d.Until(at("2026-11-23 11:00:00"))

		due := make(map[string][]string)
		for _, r := range w.runs("") {
			due[r.Account] = append(due[r.Account], r.Task+" "+r.Started.In(kolkata).Format("15:04"))
		}
		assert.Equal(t, map[string][]string{
			"42": {"base 09:00", "second 09:05", "third 09:06"},
			"7":  {"base 10:00", "second 10:05", "third 10:06"},
		}, due)
	})

	t.Run("on the sessions of both", func(t *testing.T) {
		w := newWorld(t, "2026-11-23 08:00:00")
		cfg := w.config(
			row("everyday", "daily 09:00", func(s *tradeclock.Schedule) { s.Sessions = calendar.EveryDay }),
			row("special", "daily 09:00", func(s *tradeclock.Schedule) { s.Sessions = calendar.OnRegular | calendar.OnSpecial }),
			row("after everyday", "after everyday 1m"),
			row("everyday after special", "after special 1m", func(s *tradeclock.Schedule) { s.Sessions = calendar.EveryDay }),
			row("after special", "after special 2m"),
		)
		cfg.Calendar = week(t)
		_, d := w.drive(cfg)

		d.Until(at("2026-11-29 00:00:00"))

		assert.Equal(t, []string{"2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-28"}, w.rec.Slots("everyday"))
		assert.Equal(t, []string{"2026-11-23", "2026-11-25", "2026-11-26"}, w.rec.Slots("after everyday"))
		assert.Equal(t, []string{"2026-11-23", "2026-11-26", "2026-11-27"}, w.rec.Slots("special"))
		assert.Equal(t, []string{"2026-11-23", "2026-11-26", "2026-11-27"}, w.rec.Slots("everyday after special"))
		assert.Equal(t, []string{"2026-11-23", "2026-11-26"}, w.rec.Slots("after special"))
	})
}

func TestRule06_AUsersRuleThatFailsIsOneSkippedRun(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:00:00")
	_, d := w.driver(tradeclock.Schedule{Task: "odd", Rule: brokenRule{}}, row("buy", "daily 09:00"))

	d.Until(at("2026-11-24 00:01:00"))

	assert.Equal(t, []string{"2026-11-23 skipped"}, tell(w.runs("odd")))
	assert.Contains(t, w.runs("odd")[0].Reason, "out of luck")
	assert.Equal(t, at("2026-11-24 00:00:00").UTC(), w.runs("odd")[0].Due)
	assert.Equal(t, 1, w.rec.Count("buy"))
}

type brokenRule struct{}

func (brokenRule) String() string { return "broken" }
func (brokenRule) Occurrences(calendar.Session, *time.Location) ([]rule.Occurrence, error) {
	panic("out of luck")
}

// edit changes a row of the store.
func (w *world) edit(task string, edit store.ScheduleEdit) {
	w.t.Helper()
	rows, err := w.store.Schedules(w.t.Context())
	require.NoError(w.t, err)
	i := slices.IndexFunc(rows, func(s tradeclock.Schedule) bool { return s.Task == task })
	require.GreaterOrEqual(w.t, i, 0)
	_, err = w.store.UpdateSchedule(w.t.Context(), ops, "", task, rows[i].Version, edit)
	require.NoError(w.t, err)
}

// edited makes a scheduler whose rows are in the store and can be edited.
func (w *world) edited(rows ...tradeclock.Schedule) (*tradeclock.UnifiedTaskScheduler, *tradeclocktest.Driver) {
	w.t.Helper()
	_, err := w.store.SeedSchedules(w.t.Context(), rows...)
	require.NoError(w.t, err)
	cfg := w.config()
	cfg.Schedules = w.store
	return w.drive(cfg)
}

func TestRule07_AnEditNeverReopensASlot(t *testing.T) {
	off := true
	tests := []struct {
		name  string
		setup func(w *world, s *tradeclock.UnifiedTaskScheduler, d *tradeclocktest.Driver) // until 09:05
		want  []string
	}{
		{"that ran", func(w *world, _ *tradeclock.UnifiedTaskScheduler, d *tradeclocktest.Driver) {
			d.Until(at("2026-11-23 09:05:00"))
		}, []string{"09:00 succeeded"}},
		{"that failed", func(w *world, _ *tradeclock.UnifiedTaskScheduler, d *tradeclocktest.Driver) {
			w.rec.Do("buy", func(context.Context, tradeclock.Run) error { return errors.New("no") })
			d.Until(at("2026-11-23 09:05:00"))
		}, []string{"09:00 failed"}},
		{"that was missed", func(w *world, _ *tradeclock.UnifiedTaskScheduler, d *tradeclocktest.Driver) {
			d.Tick()
			w.clock.Advance(6 * time.Minute)
			d.Tick()
		}, []string{"09:00 missed"}},
		{"that was skipped", func(w *world, s *tradeclock.UnifiedTaskScheduler, d *tradeclocktest.Driver) {
			require.NoError(w.t, s.Halt(w.t.Context(), tradeclock.HaltRequest{Reason: "maintenance", Actor: "ann"}))
			d.Until(at("2026-11-23 09:05:00"))
			require.NoError(w.t, s.Lift(w.t.Context(), tradeclock.LiftRequest{Reason: "done", Actor: "ann"}))
		}, []string{"09:00 skipped"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			s, d := w.edited(row("buy", "daily 09:00"))
			test.setup(w, s, d)

			w.edit("buy", store.ScheduleEdit{Rule: rule.MustParse("daily 09:30")})
			d.Until(at("2026-11-23 09:40:00"))
			w.edit("buy", store.ScheduleEdit{Disabled: &off})
			d.Until(at("2026-11-23 09:50:00"))
			on := false
			w.edit("buy", store.ScheduleEdit{Disabled: &on, Rule: rule.MustParse("daily 10:00")})
			d.Until(at("2026-11-23 11:00:00"))

			assert.Equal(t, test.want, became(w.runs("buy")))
			assert.LessOrEqual(t, w.rec.Count("buy"), 1)
			d.Until(at("2026-11-24 10:01:00"))
			assert.Equal(t, append(test.want, "10:00 "+w.runs("buy")[1].Outcome.String()), became(w.runs("buy")), "the next day is as ever")
		})
	}
}

func TestRule07_TriggerMayReopenASlotThatNeverStarted(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	s, d := w.driver(row("missed", "daily 09:00"), row("ran", "daily 09:05"))
	d.Tick()
	w.clock.Advance(6 * time.Minute)
	d.Tick()
	require.Equal(t, []string{"09:00 missed"}, became(w.runs("missed")))

	_, err := s.Trigger(t.Context(), tradeclock.TriggerRequest{Task: "missed", Account: "42", Actor: "ann", ForToday: true})
	require.NoError(t, err)
	_, err = s.Trigger(t.Context(), tradeclock.TriggerRequest{Task: "ran", Account: "42", Actor: "ann", ForToday: true})
	assert.ErrorIs(t, err, tradeclock.ErrSlotTaken)
	d.Tick()

	assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("missed")))
	assert.Equal(t, []string{"2026-11-23"}, w.rec.Slots("ran"))
}

func TestRule07_AChangeOfKindTakesEffectAtTheNextSession(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	_, d := w.edited(row("watch", "hourly 09:30-12:30"), row("echo", "after watch 5m"))
	d.Until(at("2026-11-23 10:00:00"))

	w.edit("watch", store.ScheduleEdit{Rule: rule.MustParse("daily 11:00")})
	d.Until(at("2026-11-24 13:00:00"))

	want := []string{"2026-11-23T09+05:30", "2026-11-23T10+05:30", "2026-11-23T11+05:30", "2026-11-23T12+05:30", "2026-11-24"}
	assert.Equal(t, want, w.rec.Slots("watch"))
	assert.Equal(t, want, w.rec.Slots("echo"), "what follows it goes with it")
}

func TestRule07_AChangeOfKindBeforeTheFirstOccurrenceIsForToday(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	_, d := w.edited(row("watch", "daily 11:00"))
	d.Until(at("2026-11-23 10:00:00"))

	w.edit("watch", store.ScheduleEdit{Rule: rule.MustParse("hourly 09:30-12:30")})
	d.Until(at("2026-11-23 13:00:00"))

	assert.Equal(t, []string{"2026-11-23T10+05:30", "2026-11-23T11+05:30", "2026-11-23T12+05:30"}, w.rec.Slots("watch"))
}

// What is due at the instant of an edit is past, of the new rule as of the old one.
func TestRule07_AnEditAtTheInstantThatIsDue(t *testing.T) {
	for name, test := range map[string]struct {
		was, is string
		want    []string
	}{
		"of the new rule":                    {"daily 11:00", "daily 10:00", []string{"2026-11-24"}},
		"a second later":                     {"daily 11:00", "daily 10:00:01", []string{"2026-11-23", "2026-11-24"}},
		"of the rule of another kind":        {"daily 11:00", "hourly 10:00-11:00", []string{"2026-11-23T11+05:30", "2026-11-24T10+05:30", "2026-11-24T11+05:30"}},
		"of the rule that has another kind":  {"daily 10:00", "hourly 10:30-11:30", []string{"2026-11-23", "2026-11-24T10+05:30", "2026-11-24T11+05:30"}},
		"of a rule that is replaced at once": {"hourly 10:00-11:00", "daily 11:30", []string{"2026-11-23T10+05:30", "2026-11-23T11+05:30", "2026-11-24"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			_, d := w.edited(row("watch", test.was))
			d.Until(at("2026-11-23 10:00:00"))

			w.edit("watch", store.ScheduleEdit{Rule: rule.MustParse(test.is)})
			d.Until(at("2026-11-24 13:00:00"))

			assert.Equal(t, test.want, w.rec.Slots("watch"))
		})
	}
}

// TestRule07_AChangeOfKindThatIsTakenBack leaves no trace, whether the store keeps what a
// rule replaced or not.
func TestRule07_AChangeOfKindThatIsTakenBack(t *testing.T) {
	for _, test := range []struct {
		name  string
		store func(w *world) (tradeclock.ScheduleStore, func(tradeclock.Schedule))
	}{
		{"kept", func(w *world) (tradeclock.ScheduleStore, func(tradeclock.Schedule)) {
			return w.store, func(r tradeclock.Schedule) {
				_, err := w.store.PutSchedule(w.t.Context(), ops, r)
				require.NoError(w.t, err)
			}
		}},
		{"not kept", func(*world) (tradeclock.ScheduleStore, func(tradeclock.Schedule)) {
			st := new(forgetful)
			return st, func(r tradeclock.Schedule) { st.rows = []tradeclock.Schedule{r} }
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			cfg := w.config()
			st, put := test.store(w)
			cfg.Schedules = st
			put(row("watch", "daily 09:00"))
			_, d := w.drive(cfg)
			d.Until(at("2026-11-23 09:05:00"))
			put(row("watch", "every 10m 09:00-11:00"))
			d.Until(at("2026-11-23 09:32:00"))
			put(row("watch", "daily 09:00"))
			d.Until(at("2026-11-24 09:30:00"))
			assert.Equal(t, []string{"2026-11-23", "2026-11-24"}, w.rec.Slots("watch"))
		})
	}
}

// forgetful is a store that keeps rows, and nothing of what they were.
type forgetful struct{ rows []tradeclock.Schedule }

func (f *forgetful) Schedules(context.Context) ([]tradeclock.Schedule, error) { return f.rows, nil }

func TestRule07_AChangeOfKindOutlivesARestart(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	s, d := w.edited(row("watch", "hourly 09:30-12:30"))
	d.Until(at("2026-11-23 10:00:00"))
	w.edit("watch", store.ScheduleEdit{Rule: rule.MustParse("daily 11:00")})
	require.NoError(t, s.Close(t.Context()))

	_, d = w.edited()
	d.Until(at("2026-11-24 13:00:00"))

	assert.Equal(t, []string{"2026-11-23T09+05:30", "2026-11-23T10+05:30", "2026-11-23T11+05:30", "2026-11-23T12+05:30", "2026-11-24"},
		w.rec.Slots("watch"))
}

func TestRule07_AChangeOfKindLeavesTheNightOfTheSessionBefore(t *testing.T) {
	w := newWorld(t, "2026-11-23 20:00:00")
	_, d := w.edited(row("report", "daily 02:00+1d"))
	d.Until(at("2026-11-24 01:00:00"))

	w.edit("report", store.ScheduleEdit{Rule: rule.MustParse("hourly 10:00-11:00")})
	d.Until(at("2026-11-24 12:00:00"))

	assert.Equal(t, []string{"2026-11-23", "2026-11-24T10+05:30", "2026-11-24T11+05:30"}, w.rec.Slots("report"))
}

func TestRule07_OnceOnAClosedDateIsOneSkippedRun(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:00:00")
	cfg := w.config(row("holiday", "once 2026-11-24 09:00"), row("special", "once 2026-11-27 09:00"),
		row("anchored", "once 2026-11-24 open"), row("open", "once 2026-11-25 09:00"))
	cfg.Calendar = week(t)
	_, d := w.drive(cfg)

	d.Until(at("2026-11-29 00:00:00"))

	for task, want := range map[string]struct{ told, due, reason string }{
		"holiday":  {"2026-11-24 skipped", "2026-11-24 09:00:00", "closed: Guru Nanak Jayanti"},
		"special":  {"2026-11-27 skipped", "2026-11-27 09:00:00", "special session: Muhurat"},
		"anchored": {"2026-11-24 skipped", "2026-11-25 00:00:00", "closed: Guru Nanak Jayanti"},
		"open":     {"2026-11-25 succeeded", "2026-11-25 09:00:00", ""},
	} {
		runs := w.runs(task)
		require.Equal(t, []string{want.told}, tell(runs), task)
		assert.Equal(t, at(want.due).UTC(), runs[0].Due, task)
		assert.Equal(t, want.reason, runs[0].Reason, task)
	}
}

func TestRule07_OnceInThePastIsReported(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	s, d := w.edited(row("past", "once 2026-11-23 09:00"), row("today", "once 2026-11-23 11:00"))

	d.Until(at("2026-11-23 12:00:00"))

	assert.Empty(t, w.runs("past"))
	assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("today")))
	assert.Equal(t, []string{"scheduled once, in the past: past (once 2026-11-23 09:00)"}, s.Status().Degraded)
}

func TestRule08_StartsAreOrderedByDueTimePriorityAndName(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	log := new(eventLog)
	first := func(p int) func(*tradeclock.Schedule) { return func(s *tradeclock.Schedule) { s.Priority = p } }
	cfg := w.config(
		row("c", "daily 09:02"), row("a", "daily 09:02"), row("b", "daily 09:02"),
		row("z", "daily 09:02", first(-1)), row("aa", "daily 09:02", first(5)),
		row("later", "daily 09:02:10", first(-9)), row("sooner", "daily 09:01:50", first(9)),
		row("after", "after sooner 10s", first(1)),
	)
	cfg.Observers = []tradeclock.Observer{log}
	s, d := w.drive(cfg)
	d.Tick()

	w.clock.Advance(150 * time.Second)
	d.Tick()

	require.NoError(t, s.Close(t.Context()))
	var order []string
	for _, e := range eventsOf[tradeclock.RunStarted](log) {
		order = append(order, e.Run.Task)
	}
	assert.Equal(t, []string{"sooner", "z", "a", "b", "c", "after", "aa", "later"}, order)
}

func TestRule08_TheAccountsOfOneTaskAreTogether(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	log := new(eventLog)
	cfg := w.config(row("b", "daily 09:01"), row("a", "daily 09:01"))
	cfg.Observers = []tradeclock.Observer{log}
	s, d := w.drive(cfg)
	for _, account := range []string{"9", "1"} {
		require.NoError(t, s.Enroll(t.Context(), account, w.rec))
	}
	d.For(time.Minute)

	require.NoError(t, s.Close(t.Context()))
	var order []string
	for _, e := range eventsOf[tradeclock.RunStarted](log) {
		order = append(order, e.Run.Task+e.Run.Account)
	}
	assert.Equal(t, []string{"a1", "a42", "a9", "b1", "b42", "b9"}, order)
}

func TestPreviewOfADayEqualsWhatThenRuns(t *testing.T) {
	for _, date := range []string{"2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-28", "2026-11-29"} {
		t.Run(date, func(t *testing.T) {
			w := newWorld(t, "2026-11-22 20:00:00")
			cfg := w.config(append(tradingWeekRows(),
				row("anchored", "every 10m open-close"), row("last", "daily close-15m"), row("night", "daily 02:00+1d"),
				row("holiday", "once 2026-11-24 09:00"), row("backup", "daily 22:00", func(s *tradeclock.Schedule) {
					s.Sessions = calendar.EveryDay
				}),
				tradeclock.Schedule{Task: "cron", Rule: cronLike{[]int{0, 30}, 9, 11}},
				row("buy_orders", "daily 15:00", func(s *tradeclock.Schedule) { s.Account = "7" }),
				row("off", "daily 09:00", func(s *tradeclock.Schedule) { s.Disabled = true }),
			)...)
			cfg.Calendar = week(t)
			s, d := w.drive(cfg)
			require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
			d.Tick()

			before := w.agenda(s, date)
			d.Until(at(date+" 00:00:00").AddDate(0, 0, 1).Add(3 * time.Hour))
			after := w.agenda(s, date)

			assert.Equal(t, lines(before), lines(after))
			var ran []string
			for _, e := range w.rec.Runs() {
				if e.Run.Session == day(date) {
					ran = append(ran, e.Run.Account+" "+e.Run.Task+" "+e.Run.Slot)
				}
			}
			var announced []string
			for _, item := range before {
				if item.Skip == "" {
					announced = append(announced, item.Account+" "+item.Task+" "+item.Slot)
				}
			}
			assert.ElementsMatch(t, announced, ran)
		})
	}
}

func TestPreviewOfAnUnknownDayEqualsWhatIsThenRecorded(t *testing.T) {
	table := weekTable()
	table.Last = day("2026-11-27")
	calendars := map[string]calendar.Calendar{
		"a table": calendarOf(t, table),
		"another": struct{ calendar.Calendar }{calendarOf(t, table)},
	}
	for name, cal := range calendars {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-29 23:00:00")
			cfg := w.config(row("buy", "daily 09:00"), row("close", "daily close"), row("backup", "daily 22:00", on(calendar.EveryDay)))
			cfg.Calendar = cal
			s, d := w.drive(cfg)
			d.Tick()

			before := w.agenda(s, "2026-11-30")
			d.Until(at("2026-12-01 01:00:00"))

			assert.Len(t, before, 3)
			assert.Equal(t, lines(before), lines(w.agenda(s, "2026-11-30")))
		})
	}
}

// lines tells the items of an agenda, apart from what became of those that ran.
func lines(items []tradeclock.AgendaItem) (lines []string) {
	for _, item := range items {
		skip := item.Skip
		if item.Run.Outcome == tradeclock.Skipped {
			skip = item.Run.Reason
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %s %q", item.Account, item.Task, item.Slot, item.Due.UTC().Format(time.DateTime), skip))
	}
	return lines
}
