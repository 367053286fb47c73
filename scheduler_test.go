package tradeclock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/tradeclocktest"
	"github.com/tradeclock/tradeclock/trading"
)

var kolkata = mustZone("Asia/Kolkata")

func mustZone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

const wall = time.DateTime

// at returns the instant of a wall time in Kolkata: "2026-11-23 09:00:00".
func at(text string) time.Time {
	t, err := time.ParseInLocation(wall, text, kolkata)
	if err != nil {
		panic(err)
	}
	return t
}

// byTheClock are the seven tasks at instants that are known beforehand: here buy_orders does
// not wait for the analysis.
func byTheClock() []tradeclock.Schedule {
	rows := trading.DefaultSchedules()
	for i := range rows {
		if rows[i].Task == trading.TaskBuyOrders {
			rows[i].Rule, rows[i].CatchUp = rule.MustParse("daily 16:05"), 90*time.Minute
		}
	}
	return rows
}

// TestTradingDay runs a session with the seven tasks: each runs at its minutes,
// once, and nothing else does. It holds rules 5, 6, 14, 15 and 31.
func TestTradingDay(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	s, d := w.driver(byTheClock()...)

	d.Until(at("2026-11-23 18:05:00"))

	day := occurrencesOf("2026-11-23")
	require.Len(t, day, 375+7+5)
	for task, slots := range slotsByTask(day) {
		assert.Equal(t, slots, w.rec.Slots(task), task)
	}
	assert.Len(t, w.rec.Runs(), len(day), "nothing else ran")
	for _, e := range w.rec.Runs() {
		assert.Equal(t, e.Run.Due, e.Start.UTC(), "%s %s started late", e.Run.Task, e.Run.Slot)
	}
	assertAllSucceeded(t, accounted(t, w.runs(""), day))
	assertBeatsEveryMinute(t, w, "2026-11-23 08:55:00", "2026-11-23 18:05:00")
	assert.Empty(t, s.Status().Degraded)
}

// TestTradingDayIsToldAsItWas compares what the agenda says before and after the
// day, and what an observer was told, with the timetable. It holds rules 8, 32
// and 33.
func TestTradingDayIsToldAsItWas(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:55:00")
	var told []string
	cfg := w.config(byTheClock()...)
	cfg.Observers = []tradeclock.Observer{tradeclock.ObserverFunc(func(e tradeclock.Event) {
		if start, ok := e.(tradeclock.RunStarted); ok {
			told = append(told, start.Run.Task+" "+start.Run.Slot)
		}
	})}
	s := w.scheduler(cfg)
	d := tradeclocktest.NewDriver(t, s, w.clock)
	agenda := func(want tradeclock.Outcome) (listed []string) {
		items, err := s.Agenda(t.Context(), calendar.DateOf(w.clock.Now().In(kolkata)))
		require.NoError(t, err)
		for _, item := range items {
			listed = append(listed, item.Task+" "+item.Slot)
			assert.Equal(t, want.String(), item.Run.Outcome.String(), "%s %s", item.Task, item.Slot)
		}
		return listed
	}

	d.Tick()
	before := agenda(tradeclock.NoOutcome)
	d.Until(at("2026-11-23 18:05:00"))
	after := agenda(tradeclock.Succeeded)
	require.NoError(t, s.Close(t.Context()))

	var day []string
	for _, o := range slices.SortedStableFunc(slices.Values(occurrencesOf("2026-11-23")), func(a, b occurrence) int { return a.due.Compare(b.due) }) {
		day = append(day, o.task+" "+o.slot)
	}
	assert.ElementsMatch(t, day, before)
	assert.Equal(t, before, after)
	assert.Equal(t, day, told, "in order of due time and priority")
}

// TestTradingFortnight goes through two weekends: nothing runs on them, heartbeats
// go on, and each session is like the first. It holds rules 5, 9, 12 and 31.
func TestTradingFortnight(t *testing.T) {
	w := newWorld(t, "2026-11-23 00:00:00") // a Monday
	s, d := w.driver(byTheClock()...)

	d.Until(at("2026-12-07 00:00:00"))

	var fortnight []occurrence
	for _, date := range []string{
		"2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27",
		"2026-11-30", "2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04",
	} {
		fortnight = append(fortnight, occurrencesOf(date)...)
	}
	assertAllSucceeded(t, accounted(t, w.runs(""), fortnight))
	assert.Len(t, w.rec.Runs(), len(fortnight), "nothing else ran")
	assertBeatsEveryMinute(t, w, "2026-11-23 00:00:00", "2026-12-07 00:00:00")
	assert.Empty(t, s.Status().Degraded)
}

// TestTradingDayWithOneBadTask lets each task in turn misbehave all day. Whatever
// it does, heartbeats go on, each occurrence is accounted for once, and the
// others run at their minutes, but for those that are to wait for it. It holds
// rules 13, 15, 16, 17 and 31.
func TestTradingDayWithOneBadTask(t *testing.T) {
	behaviours := map[string]func(context.Context, tradeclock.Run) error{
		"slow":      func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, 3*time.Minute) },
		"failing":   func(context.Context, tradeclock.Run) error { return errors.New("the broker refused") },
		"panicking": func(context.Context, tradeclock.Run) error { panic("index out of range") },
		"hanging":   hang(t),
	}
	for behaviour, do := range behaviours {
		for _, bad := range byTheClock() {
			t.Run(behaviour+" "+bad.Task, func(t *testing.T) {
				w := newWorld(t, "2026-11-23 08:55:00")
				s, d := w.driver(byTheClock()...)
				w.rec.Do(bad.Task, do)

				d.Until(at("2026-11-23 21:01:00")) // the last catch-up ends at 21:00

				became := accounted(t, w.runs(""), occurrencesOf("2026-11-23"))
				for _, row := range byTheClock() {
					if row.Task != bad.Task {
						want := tradeclock.Succeeded
						if behaviour == "hanging" && waitsFor(row, bad) {
							want = tradeclock.Missed
						}
						assertOutcomes(t, became, row.Task, want)
					}
				}
				assertBad(t, became[bad.Task], behaviour)
				assertBeatsEveryMinute(t, w, "2026-11-23 08:55:00", "2026-11-23 21:01:00")
				assert.Equal(t, behaviour == "hanging", len(s.Status().Running) == 1, "a run that hangs is shown, to the end")
			})
		}
	}
}

// hang returns a task that does not look at its context, and returns when the
// test has ended.
func hang(t testing.TB) func(context.Context, tradeclock.Run) error {
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended) })
	return func(ctx context.Context, _ tradeclock.Run) error {
		defer tradeclock.Park(context.WithoutCancel(ctx))()
		<-ended
		return nil
	}
}

// waitsFor reports whether the task of row waits for bad, which hangs: it is
// later in bad's group.
func waitsFor(row, bad tradeclock.Schedule) bool {
	rows := byTheClock()
	index := func(task string) int {
		return slices.IndexFunc(rows, func(s tradeclock.Schedule) bool { return s.Task == task })
	}
	return bad.Exclusive != "" && row.Exclusive == bad.Exclusive && index(row.Task) > index(bad.Task)
}

// assertBad checks what became of the runs of a task that misbehaved all day.
func assertBad(t *testing.T, outcomes []tradeclock.Outcome, behaviour string) {
	t.Helper()
	allowed := map[string][]tradeclock.Outcome{
		// A sell monitor that takes three minutes meets its timeout of two, and is
		// due again meanwhile.
		"slow":      {tradeclock.Succeeded, tradeclock.TimedOut, tradeclock.Skipped},
		"failing":   {tradeclock.Failed},
		"panicking": {tradeclock.Failed},
		"hanging":   {tradeclock.TimedOut, tradeclock.Skipped},
	}
	for i, o := range outcomes {
		assert.Contains(t, allowed[behaviour], o, "occurrence %d", i)
	}
	assert.NotEqual(t, tradeclock.Skipped, outcomes[0], "the first occurrence starts")
}

// occurrence is one that a test expects, from the day's timetable and not from
// the library.
type occurrence struct {
	task, slot string
	due        time.Time
}

// occurrencesOf lists what a session brings up of the seven tasks, each task's in
// order.
func occurrencesOf(date string) []occurrence {
	day := []occurrence{
		{trading.TaskPremarketRetry, date, at(date + " 09:00:00")},
		{trading.TaskPremarketAMOAdjustment, date, at(date + " 09:05:00")},
		{trading.TaskAnalysis, date, at(date + " 16:00:00")},
		{trading.TaskBuyOrders, date, at(date + " 16:05:00")},
		{trading.TaskEODCleanup, date, at(date + " 18:00:00")},
	}
	for minute := 9*60 + 15; minute < 15*60+30; minute++ {
		clock := fmt.Sprintf("%02d:%02d:00", minute/60, minute%60)
		day = append(day, occurrence{trading.TaskSellMonitor, date + "T" + clock + "+05:30", at(date + " " + clock)})
	}
	for hour := 9; hour <= 15; hour++ {
		day = append(day, occurrence{
			trading.TaskPositionMonitor,
			fmt.Sprintf("%sT%02d+05:30", date, hour),
			at(fmt.Sprintf("%s %02d:30:00", date, hour)),
		})
	}
	return day
}

func slotsByTask(occurrences []occurrence) map[string][]string {
	slots := make(map[string][]string)
	for _, o := range occurrences {
		slots[o.task] = append(slots[o.task], o.slot)
	}
	return slots
}

// accounted checks that the ledger's rows account for each of the occurrences
// exactly once, with a final outcome, and for nothing else. It returns the
// outcomes of each task in the order of want, where its occurrences must follow
// each other.
func accounted(t testing.TB, rows []tradeclock.Run, want []occurrence) map[string][]tradeclock.Outcome {
	t.Helper()
	type slot struct{ task, slot string }
	index := make(map[slot]int, len(want))
	for i, o := range want {
		index[slot{o.task, o.slot}] = i
	}
	found := make([]tradeclock.Outcome, len(want))
	for _, r := range rows {
		require.True(t, r.Outcome.Final(), "%s %s is %s", r.Task, r.Slot, r.Outcome)
		first, ok := index[slot{r.Task, r.Slot}]
		require.True(t, ok, "%s %s was never due", r.Task, r.Slot)
		if r.Count > 1 {
			last, ok := index[slot{r.Task, r.LastSlot}]
			require.True(t, ok, "%s %s was never due", r.Task, r.LastSlot)
			require.Equal(t, r.Count, last-first+1, "%s %s does not stand for what was due until %s", r.Task, r.Slot, r.LastSlot)
		}
		for i := first; i < first+r.Occurrences(); i++ {
			require.Zero(t, found[i], "%s %s has two outcomes", want[i].task, want[i].slot)
			found[i] = r.Outcome
		}
	}
	outcomes := make(map[string][]tradeclock.Outcome)
	for i, o := range want {
		require.NotZero(t, found[i], "%s %s is unaccounted for", o.task, o.slot)
		outcomes[o.task] = append(outcomes[o.task], found[i])
	}
	return outcomes
}

func assertOutcomes(t testing.TB, became map[string][]tradeclock.Outcome, task string, want tradeclock.Outcome) {
	t.Helper()
	require.NotEmpty(t, became[task], task)
	for i, o := range became[task] {
		require.Equal(t, want.String(), o.String(), "%s, occurrence %d", task, i)
	}
}

func assertAllSucceeded(t testing.TB, became map[string][]tradeclock.Outcome) {
	t.Helper()
	for task := range became {
		assertOutcomes(t, became, task, tradeclock.Succeeded)
	}
}

// assertBeatsEveryMinute checks that there was one heartbeat at each minute, both
// ends included.
func assertBeatsEveryMinute(t testing.TB, w *world, first, last string) {
	t.Helper()
	var want []time.Time
	for minute := at(first); !minute.After(at(last)); minute = minute.Add(time.Minute) {
		want = append(want, minute.UTC())
	}
	var got []time.Time
	for _, hb := range w.beats.All() {
		got = append(got, hb.At)
	}
	assert.Equal(t, want, got, "one heartbeat a minute")
}
