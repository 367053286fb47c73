package tradeclock_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
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

// explains returns what a scheduler says of a task of account 42 on a Monday.
func explains(t testing.TB, s *tradeclock.UnifiedTaskScheduler, task string) string {
	t.Helper()
	said, err := s.Explain(t.Context(), "42", task, day("2026-11-23"))
	require.NoError(t, err)
	return strings.TrimPrefix(said, "On 2026-11-23, "+task+" for account 42 ")
}

// monitored is a scheduler with a repeating task in a store, at 09:44:30.
func monitored(t *testing.T, w *world) (*tradeclock.UnifiedTaskScheduler, *tradeclocktest.Driver) {
	t.Helper()
	_, err := w.store.SeedSchedules(t.Context(), row("watch", "every 15m 09:30-12:00"))
	require.NoError(t, err)
	cfg := w.config()
	cfg.Schedules = w.store
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:44:30"))
	return s, d
}

func TestRule32_ExplainTellsOfTheWholeDayOfARepeatingTask(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(t *testing.T, w *world, s *tradeclock.UnifiedTaskScheduler)
		want string
	}{
		{"all is well", func(*testing.T, *world, *tradeclock.UnifiedTaskScheduler) {},
			"was due several times: 9 succeeded; that of 11:45:00 is to come."},
		{"disabled", func(t *testing.T, w *world, _ *tradeclock.UnifiedTaskScheduler) {
			_, err := w.store.UpdateSchedule(t.Context(), ops, "", "watch", 1, store.ScheduleEdit{Disabled: ptr(true)})
			require.NoError(t, err)
		}, "was due at 09:30:00 and succeeded (started at 09:30:00); its schedule is disabled since 2026-11-23 09:44:30."},
		{"deleted", func(t *testing.T, w *world, _ *tradeclock.UnifiedTaskScheduler) {
			require.NoError(t, w.store.DeleteSchedule(t.Context(), ops, "", "watch"))
		}, "was due at 09:30:00 and succeeded (started at 09:30:00); it has no schedule."},
		{"halted", func(t *testing.T, _ *world, s *tradeclock.UnifiedTaskScheduler) {
			require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Account: "42", Reason: "loss limit\nof 5%", Actor: "risk"}))
		}, "was due several times: 1 succeeded, 8 skipped (halted by risk: loss limit; of 5%); " +
			"silent since 09:30:00 (the newest was skipped: halted by risk: loss limit; of 5%); that of 11:45:00 is to come, and is skipped as long as it is halted by risk: loss limit; of 5%."},
		{"withdrawn", func(t *testing.T, _ *world, s *tradeclock.UnifiedTaskScheduler) {
			require.NoError(t, s.Enroll(t.Context(), "7", tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error { return nil })))
			require.NoError(t, s.Withdraw(t.Context(), "42"))
		}, "was due at 09:30:00 and succeeded (started at 09:30:00); 8 were due from 09:45:00 to 11:30:00, and the ledger has no record of them: " +
			`account "42" was withdrawn at 2026-11-23 09:44:30; that of 11:45:00 is to come, and does not run: account "42" was withdrawn at 2026-11-23 09:44:30.`},
		{"moved", func(t *testing.T, w *world, _ *tradeclock.UnifiedTaskScheduler) {
			_, err := w.store.UpdateSchedule(t.Context(), ops, "", "watch", 1, store.ScheduleEdit{Rule: rule.MustParse("every 1h 11:00-14:00")})
			require.NoError(t, err)
		}, "was due several times: 2 succeeded; 2 are to come, from 12:00:00 to 13:00:00."},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			s, d := monitored(t, w)
			test.do(t, w, s)
			d.Until(at("2026-11-23 11:44:59"))
			assert.Equal(t, test.want, explains(t, s, "watch"))
		})
	}
}

// TestRule32_ExplainEndsWhereReasonsDoNot: the reason of an overlap names the slot of a run.
func TestRule32_ExplainEndsWhereReasonsDoNot(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	cfg := w.config(row("watch", "every 1m 09:30-11:00"))
	cfg.Executor = tradeclock.ExecutorFunc(func(ctx context.Context, _ tradeclock.Run) error {
		return tradeclock.Sleep(ctx, 90*time.Second)
	})
	s := w.scheduler(cfg)
	tradeclocktest.NewDriver(t, s, w.clock).Until(at("2026-11-23 11:30:00"))
	assert.Equal(t, "was due several times: 45 succeeded, 45 skipped for 45 reasons (the newest: the run of 2026-11-23T10:58:00+05:30 had not finished); "+
		"silent since 10:58:00 (the newest was skipped: the run of 2026-11-23T10:58:00+05:30 had not finished); the next is due at 2026-11-24 09:30:00.", explains(t, s, "watch"))
}

func TestRule32_ExplainOfADayBeforeAnEditGivesNoFalseReason(t *testing.T) {
	w := newWorld(t, "2026-11-24 09:00:00")
	_, err := w.store.SeedSchedules(t.Context(), row("watch", "every 15m 09:30-12:00"))
	require.NoError(t, err)
	cfg := w.config()
	cfg.Schedules = w.store
	s, d := w.drive(cfg)
	d.Tick()
	_, err = w.store.UpdateSchedule(t.Context(), ops, "", "watch", 1, store.ScheduleEdit{Disabled: ptr(true)})
	require.NoError(t, err)
	d.For(time.Minute)
	assert.Equal(t, "has no record: what held then is not known, as its schedule is disabled only since 2026-11-24 09:00:00.", explains(t, s, "watch"))
}

func TestRule32_ExplainOfAStandby(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	buy := row("buy", "daily 09:00")
	holder, d := w.driver(buy)
	d.Tick()
	standby, e := w.driver(buy)
	w.clock.Advance(61 * time.Second)
	w.rec.Do("buy", takes(time.Hour))
	d.Tick() // which renews the term
	e.Tick()
	assert.Contains(t, explains(t, holder, "buy"), "was due at 09:00:00 and is running")
	assert.Contains(t, explains(t, standby, "buy"), "was due at 09:00:00 and is running", "the ledger says so")
	next := row("sell", "daily 09:00")
	other := w.config(next)
	third := w.scheduler(other)
	require.NoError(t, third.Tick(t.Context()))
	said := explains(t, third, "sell")
	assert.Contains(t, said, "was due at 2026-11-23 09:00:00, and the ledger has no record of it: standing by: term 1 is held by "+holder.Status().Instance+" until 2026-11-23T03:")
	assert.Contains(t, third.Status().Notices[0], "standing by: term 1 is held by "+holder.Status().Instance+" until 2026-11-23T03:")
	require.NoError(t, third.Close(t.Context()))
}

// recurring is a rule of a user's whose slot is the same on every day.
type recurring struct{}

func (recurring) Occurrences(s calendar.Session, loc *time.Location) ([]rule.Occurrence, error) {
	return []rule.Occurrence{{Due: calendar.Wall(10, 0).On(s.Date, loc), Slot: "10:00"}}, nil
}
func (recurring) String() string { return "at ten" }

func TestRule32_ExplainOfASlotThatAnotherSessionHas(t *testing.T) {
	w := newWorld(t, "2026-11-20 09:59:00")
	s, d := w.driver(tradeclock.Schedule{Task: "watch", Rule: recurring{}})
	d.Until(at("2026-11-20 10:01:00"))
	d.Until(at("2026-11-23 10:01:00"))
	said := explains(t, s, "watch")
	assert.Contains(t, said, "10:00")
	assert.Contains(t, said, "2026-11-20", "who has the slot")
}

func TestRule32_ExplainIsOneLine(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	s, d := w.driver(row("buy", "daily 16:00"))
	d.Tick()
	_, err := s.Trigger(t.Context(), tradeclock.TriggerRequest{Task: "buy", Account: "42", Actor: "eve\nOn 2026-11-23, all is well.\u2028\x1b[2J\u202etext"})
	require.NoError(t, err)
	d.Tick()
	said := explains(t, s, "buy")
	assert.Contains(t, said, "was triggered by eve; On 2026-11-23, all is well.; ")
	assert.NotContains(t, said, "\x1b")
	assert.NotContains(t, said, "\u202e")
	assert.Len(t, strings.Split(said, "\n"), 1)
}

// TestRule32_ExplainIsTrue lives through days of edits, halts, withdrawals and restarts,
// and holds each sentence to the ledger and to what was done.
func TestRule32_ExplainIsTrue(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { explainedDay(t, rand.New(rand.NewPCG(seed, 41))) })
	}
}

// explained is what was done to the task of a day.
type explained struct {
	disabled, withdrawn time.Time // since when, or zero
	since               time.Time // the rule's occurrences after it hold
	halted              bool
	gap                 bool // the account was withdrawn for a time
}

func explainedDay(t *testing.T, random *rand.Rand) {
	w := newWorld(t, "2026-11-23 09:00:00")
	_, err := w.store.SeedSchedules(t.Context(), row("watch", "every 5m 09:30-11:30"))
	require.NoError(t, err)
	cfg := w.config()
	cfg.Schedules, cfg.Account, cfg.Executor = w.store, "", nil
	enrol := func(s *tradeclock.UnifiedTaskScheduler) { require.NoError(t, s.Enroll(t.Context(), "42", w.rec)) }
	s, d := w.drive(cfg)
	enrol(s)
	d.Tick()
	state := explained{since: w.clock.Now()}
	for range 1 + random.IntN(6) {
		d.For(time.Duration(1+random.IntN(1500)) * time.Second)
		now := w.clock.Now()
		switch random.IntN(4) {
		case 0:
			rows, err := w.store.Schedules(t.Context())
			require.NoError(t, err)
			off := state.disabled.IsZero()
			_, err = w.store.UpdateSchedule(t.Context(), ops, "", "watch", rows[0].Version, store.ScheduleEdit{Disabled: &off})
			require.NoError(t, err)
			state.disabled, state.since = time.Time{}, now
			if off {
				state.disabled = now
			}
		case 1:
			if state.halted = !state.halted; state.halted {
				require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Reason: "loss limit", Actor: "risk"}))
			} else {
				require.NoError(t, s.Lift(t.Context(), tradeclock.LiftRequest{Reason: "all clear", Actor: "risk"}))
			}
		case 2:
			if state.withdrawn.IsZero() {
				require.NoError(t, s.Withdraw(t.Context(), "42"))
				state.withdrawn = now
			} else {
				enrol(s)
				state.withdrawn, state.gap = time.Time{}, true
			}
		case 3:
			stop(t, s)
			w.clock.Advance(time.Duration(random.IntN(1200)) * time.Second)
			s, d = w.drive(cfg)
			if state.withdrawn.IsZero() {
				enrol(s)
			}
			d.Tick()
		}
		d.For(time.Minute) // the edit is read, and the withdrawal written
		assertExplained(t, w, s, state)
	}
}

var (
	// The first finds outcomes in a sentence, and the others the occurrences that have none:
	// those that were due, and those that are to come.
	countedOutcome = regexp.MustCompile(`(\d+) (succeeded|skipped|missed)`)
	countedPast    = regexp.MustCompile(`(\d+) were due|was due (\d+) times|that of \S+ was due|was due at \S+ \S+, and`)
	countedComing  = regexp.MustCompile(`(\d+) are to come|(?:^|; )is due (\d+) times|that of \S+ is to come|^is due at`)
	// cameBack is said of an account that is served again.
	cameBack = regexp.MustCompile(`was withdrawn at \S+ \S+ and came back at`)
)

// countedIn adds up what a sentence tells, each of one occurrence if it has no number.
func countedIn(told *regexp.Regexp, said string) (sum int) {
	for _, match := range told.FindAllStringSubmatch(said, -1) {
		n, err := strconv.Atoi(strings.Join(match[1:], ""))
		if err != nil {
			n = 1
		}
		sum += n
	}
	return sum
}

func assertExplained(t *testing.T, w *world, s *tradeclock.UnifiedTaskScheduler, state explained) {
	t.Helper()
	said, now := explains(t, s, "watch"), w.clock.Now()
	context := fmt.Sprintf("at %s: %s\n%v", now.In(kolkata).Format(time.TimeOnly), said, became(w.runs("watch")))

	rows, recorded := make(map[string]int), make(map[int64]bool)
	for _, run := range w.runs("watch") {
		rows[run.Outcome.String()] += run.Occurrences()
		for due := run.Due; !due.After(run.Through()); due = due.Add(5 * time.Minute) {
			recorded[due.Unix()] = true
		}
	}
	var past, coming int
	for due := at("2026-11-23 09:30:00"); due.Before(at("2026-11-23 11:30:00")); due = due.Add(5 * time.Minute) {
		holds := state.disabled.IsZero() && due.After(state.since)
		switch {
		case recorded[due.Unix()] || !holds:
		case due.After(now):
			coming++
		default:
			past++
		}
	}
	if len(w.runs("watch")) > 1 {
		told := make(map[string]int)
		for _, match := range countedOutcome.FindAllStringSubmatch(said, -1) {
			n, _ := strconv.Atoi(match[1])
			told[match[2]] += n
		}
		assert.Equal(t, rows, told, context)
	}
	if len(w.runs("watch"))+past+coming > 1 {
		assert.Equal(t, past, countedIn(countedPast, said), context)
		assert.Equal(t, coming, countedIn(countedComing, said), context)
	}
	served := state.withdrawn.IsZero()
	assert.Equal(t, !state.disabled.IsZero(), strings.Contains(said, "is disabled since "+state.disabled.In(kolkata).Format(time.DateTime)), context)
	assert.Equal(t, state.halted && served && coming > 0, strings.Contains(said, "as long as it is halted by risk: loss limit"), context)
	if past+coming > 0 || len(w.runs("watch")) == 0 && state.disabled.IsZero() {
		gone := strings.Contains(cameBack.ReplaceAllString(said, ""), "was withdrawn at")
		assert.Equal(t, !served && past+coming > 0, gone, context)
	}
	assert.True(t, state.gap || !strings.Contains(said, "pruned"), "nothing was, and the account was there: "+context)
	assert.NotContains(t, said, "not enrolled", context)
}
