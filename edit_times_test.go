package tradeclock_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// TestRule07_FromOneTimeToTwoAndBack edits the times of a daily rule through one day: a time
// that has run never runs again, one that is left as it is keeps its run, and one that is
// added runs.
func TestRule07_FromOneTimeToTwoAndBack(t *testing.T) {
	for _, test := range []struct {
		name  string
		edits []string // of 11:00, 12:00 and so on; the first is the rule of the morning
		want  string   // when it runs on the day
		next  string   // and on the next one
	}{
		{"a time is added", []string{"daily 10:00", "daily 10:00,14:00"}, "10:00 14:00", "10:00 14:00"},
		{"and taken back", []string{"daily 10:00", "daily 10:00,14:00", "daily 10:00"}, "10:00", "10:00"},
		{"the first is taken out", []string{"daily 10:00,14:00", "daily 14:00"}, "10:00 14:00", "14:00"},
		{"one that ran is moved", []string{"daily 10:00,14:00", "daily 11:30,14:00"}, "10:00 14:00", "11:30 14:00"},
		{"and moved again", []string{"daily 10:00,14:00", "daily 11:30,14:00", "daily 12:30,14:00"}, "10:00 14:00", "12:30 14:00"},
		{"one to come is moved", []string{"daily 10:00,14:00", "daily 10:00,13:00"}, "10:00 13:00", "10:00 13:00"},
		{"both are moved", []string{"daily 10:00,14:00", "daily 11:30,14:30"}, "10:00 14:30", "11:30 14:30"},
		{"one that ran is moved, and one added", []string{"daily 10:00", "daily 11:30,14:00"}, "10:00 14:00", "11:30 14:00"},
		{"it is moved first, and then one is added", []string{"daily 10:00", "daily 12:30", "daily 12:30,14:00"}, "10:00 14:00", "12:30 14:00"},
		{"to one, which is moved when it ran", []string{"daily 10:00,10:30", "daily 10:30", "daily 14:00"}, "10:00 10:30", "14:00"},
		{"through another kind", []string{"daily 10:00,14:00", "hourly 09:00-16:00", "daily 11:30,14:30"}, "10:00 14:30", "11:30 14:30"},
		{"other sessions hold at once", []string{"daily 10:00,14:00", "daily 11:30,14:00", "daily 11:30,14:00 on mon-thu"}, "10:00 14:00", "11:30 14:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			stored, err := w.store.PutSchedule(t.Context(), ops, row("buy", test.edits[0]))
			require.NoError(t, err)
			cfg := w.config()
			cfg.Schedules = w.store
			_, d := w.drive(cfg)
			for i, text := range test.edits[1:] {
				d.Until(at(fmt.Sprintf("2026-11-23 %d:00:20", 11+i)))
				stored, err = w.store.UpdateSchedule(t.Context(), ops, "", "buy", stored.Version, store.ScheduleEdit{Rule: rule.MustParse(text)})
				require.NoError(t, err)
			}
			d.Until(at("2026-11-24 17:00:00"))
			assert.Equal(t, test.want, w.timesOf("buy", "2026-11-23"))
			assert.Equal(t, test.next, w.timesOf("buy", "2026-11-24"))
		})
	}
}

// timesOf lists when a task ran on a session.
func (w *world) timesOf(task, session string) string {
	var times []string
	for _, r := range w.runs(task) {
		if r.Session == day(session) && r.Outcome == tradeclock.Succeeded {
			times = append(times, r.Due.In(kolkata).Format("15:04"))
		}
	}
	slices.Sort(times)
	return strings.Join(times, " ")
}

// TestRule07_AsManyRunsAsTimes moves times of a daily rule at made-up moments of a day, one
// or several at once: there never are more runs than the rule has times, each of those that
// nobody moved has one at its time, and no slot has two.
func TestRule07_AsManyRunsAsTimes(t *testing.T) {
	var moved, untouched int
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 7))
		n := 1 + random.IntN(4)
		hours := random.Perm(24)[:n]
		row := tradeclock.Schedule{Task: "buy", Rule: atHours(hours)}.Edited(tradeclock.Schedule{}, time.Time{})
		still := slices.Clone(hours) // those that nobody moved
		ran := make(map[string]time.Time)
		date := calendar.Date{Year: 2026, Month: 11, Day: 23}
		now := date.UTC().Add(-time.Second)
		for range 1 + random.IntN(4) {
			until := now.Add(time.Duration(random.IntN(10*60)) * time.Minute)
			runDay(row, date, now, until, ran)
			now = until
			for range 1 + random.IntN(2) {
				i, hour := random.IntN(n), random.IntN(24)
				if !slices.Contains(hours, hour) {
					still = slices.DeleteFunc(still, func(h int) bool { return h == hours[i] })
					hours[i] = hour
					moved++
				}
			}
			next := row
			next.Rule = atHours(hours)
			row = next.Edited(row, now)
		}
		runDay(row, date, now, date.AddDays(1).UTC(), ran)
		require.LessOrEqual(t, len(ran), n, "seed %d: %v", seed, ran)
		for _, hour := range still {
			at := date.UTC().Add(time.Duration(hour) * time.Hour)
			require.Contains(t, ran, slotAt(ran, at), "seed %d: that of %v, which nobody moved: %v", seed, at, ran)
			untouched++
		}
	}
	assert.Greater(t, moved, 3000)
	assert.Greater(t, untouched, 1000)
}

func atHours(hours []int) rule.Rule {
	var moments []rule.Moment
	for _, hour := range hours {
		moments = append(moments, rule.At(hour, 0))
	}
	return rule.Daily(moments[0], moments[1:]...)
}

// runDay runs what is due of a row on a date in a range, unless its slot has had a run.
func runDay(row tradeclock.Schedule, date calendar.Date, from, to time.Time, ran map[string]time.Time) {
	p := plan.New([]*plan.Row{{
		Policy: &plan.Policy{Task: row.Task, Timing: plan.TimingOf(row.Rule), Prior: plan.TimingOf(row.Prior)},
		Since:  row.Since, Calendar: calendar.AlwaysOpen(time.UTC),
	}})
	for _, o := range p.Between(from, to) {
		if _, taken := ran[o.Slot]; !taken && o.Session == date {
			ran[o.Slot] = o.Due
		}
	}
}

// slotAt is the slot that had its run at an instant.
func slotAt(ran map[string]time.Time, at time.Time) string {
	for slot, due := range ran {
		if due.Equal(at) {
			return slot
		}
	}
	return "none"
}
