package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
)

// timetable is the same set of tasks in the words of tradeclock, of cron, and by
// hand.
type timetable struct {
	name  string
	tasks []timetableTask
}

type timetableTask struct {
	rule  string
	specs []spec // several where cron cannot say it in one
}

// spec is a cron expression without seconds, and the minutes of the day that it
// means.
type spec struct {
	text    string
	minutes []int
}

// simulation is what a contender simulates: minutes from an instant on.
type simulation struct {
	from    time.Time
	minutes int
	run     func()
	table   timetable
	specs   []spec // of all tasks
}

// yearRace is the simulation of a year, from instant to instant.
func yearRace() race {
	return race{
		number: 5, title: "simulation: n days on a fake clock; tasks run from Monday to Friday",
		size: 365, counts: "days",
		note: "All go from one instant to the next. tradeclock polls, plans, beats and comes to rest at each, an hour apart at most, and records what ran. " +
			"The tasks of a service are the seven of package trading, 387 runs a day.",
		contenders: []contender{
			{name: "tradeclock", role: ours, run: simulate(ourYear)},
			{name: "netresearch/go-cron", role: peer, run: simulate(netresearchYear)},
			{name: "gocron", role: peer, run: simulate(gocronYear)},
			{name: "robfig/cron", role: peer, cannot: "it takes no clock"},
			{name: "go-quartz", role: peer, cannot: "it takes no clock"},
			{name: "plain calls", role: floor, run: simulate(plainYear)},
		},
	}
}

func timetables() []timetable {
	return []timetable{
		{"7 daily tasks", dailyTasks(7)},
		{"the tasks of a service", []timetableTask{
			dailyTask(9*60 + 0), dailyTask(9*60 + 5), dailyTask(16*60 + 0), dailyTask(16*60 + 5), dailyTask(18*60 + 0),
			{"every 1m 09:15-15:30", []spec{
				{"15-59 9 * * MON-FRI", minutesOfDay(9*60+15, 10*60, 1)},
				{"* 10-14 * * MON-FRI", minutesOfDay(10*60, 15*60, 1)},
				{"0-29 15 * * MON-FRI", minutesOfDay(15*60, 15*60+30, 1)},
			}},
			{"hourly 09:30-15:30", []spec{{"30 9-15 * * MON-FRI", minutesOfDay(9*60+30, 15*60+31, 60)}}},
		}},
		{"700 daily tasks", dailyTasks(700)},
	}
}

// dailyTasks returns n tasks, a minute apart from nine on, over seven hours.
func dailyTasks(n int) []timetableTask {
	tasks := make([]timetableTask, n)
	for i := range tasks {
		tasks[i] = dailyTask(9*60 + i%420)
	}
	return tasks
}

func dailyTask(minute int) timetableTask {
	return timetableTask{
		rule:  fmt.Sprintf("daily %02d:%02d", minute/60, minute%60),
		specs: []spec{{fmt.Sprintf("%d %d * * MON-FRI", minute%60, minute/60), []int{minute}}},
	}
}

func minutesOfDay(from, to, step int) []int {
	var minutes []int
	for m := from; m < to; m += step {
		minutes = append(minutes, m)
	}
	return minutes
}

// simulate lets a contender simulate each timetable, and holds it to the number of
// runs.
func simulate(f func(sim simulation) error) func(b *bout) error {
	return func(b *bout) error {
		for _, table := range timetables() {
			var ran atomic.Int64
			sim := simulation{
				from: time.Date(2026, time.January, 1, 0, 0, 0, 0, rig.Kolkata), minutes: b.N * 24 * 60,
				run: func() { ran.Add(1) }, table: table,
			}
			for _, task := range table.tasks {
				sim.specs = append(sim.specs, task.specs...)
			}
			cost, err := b.measure(func() error { return f(sim) })
			if err != nil {
				return err
			}
			if want := weekdays(sim.from, b.N) * sim.runsADay(); ran.Load() != int64(want) {
				return wrong("%s: %d runs, not %d", table.name, ran.Load(), want)
			}
			b.addTime(table.name, cost.time)
		}
		return nil
	}
}

func (sim simulation) runsADay() (n int) {
	for _, sp := range sim.specs {
		n += len(sp.minutes)
	}
	return n
}

// dueAt returns the numbers of the specs that are due at each minute of a day from
// Monday to Friday.
func (sim simulation) dueAt() (due [24 * 60][]int) {
	for i, sp := range sim.specs {
		for _, m := range sp.minutes {
			due[m] = append(due[m], i)
		}
	}
	return due
}

func workday(day time.Weekday) bool { return day != time.Saturday && day != time.Sunday }

// weekdays counts the days from Monday to Friday among the days from an instant on.
func weekdays(from time.Time, days int) (n int) {
	for i := range days {
		if workday(from.AddDate(0, 0, i).Weekday()) {
			n++
		}
	}
	return n
}

func ourYear(sim simulation) error {
	clock := clockwork.NewFakeClockAt(sim.from)
	var rows []tradeclock.Schedule
	for i, task := range sim.table.tasks {
		rows = append(rows, tradeclock.Schedule{Task: fmt.Sprintf("task-%d", i), Rule: rule.MustParse(task.rule)})
	}
	s, err := rig.Scheduler(memstore.New(clock), tradeclock.FixedSchedules(rows...), clock, calendar.Weekdays(rig.Kolkata))
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := rig.Enroll(ctx, s, 1, func(int) { sim.run() }); err != nil {
		return err
	}
	for end := sim.from.Add(time.Duration(sim.minutes) * time.Minute); clock.Now().Before(end); {
		if err := s.Tick(ctx); err != nil {
			return err
		}
		if err := s.Quiesce(ctx); err != nil {
			return err
		}
		next := s.IdleUntil()
		if !next.After(clock.Now()) {
			next = s.NextTick()
		}
		clock.Advance(next.Sub(clock.Now()))
	}
	return s.Close(ctx)
}

// plainYear asks of each task at each minute whether it is due, and calls it.
func plainYear(sim simulation) error {
	due := make([][24 * 60]bool, len(sim.specs))
	for i, sp := range sim.specs {
		for _, m := range sp.minutes {
			due[i][m] = true
		}
	}
	for m := range sim.minutes {
		now := sim.from.Add(time.Duration(m) * time.Minute)
		if !workday(now.Weekday()) {
			continue
		}
		hour, minute, _ := now.Clock()
		for i := range due {
			if due[i][hour*60+minute] {
				sim.run()
			}
		}
	}
	return nil
}
