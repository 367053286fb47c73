package service

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/rule"
)

// Kolkata is where the service trades: a zone half an hour off, and without
// change-overs.
var Kolkata = time.FixedZone("IST", int((5*time.Hour + 30*time.Minute).Seconds()))

// Task is a task of the service.
type Task struct {
	tradeclock.Schedule
	// The task is due at First after each midnight in Kolkata, and each Period
	// later on that day. The scheduler knows it from the rule; this is for who
	// checks it.
	First, Period time.Duration
	// Takes is how long a run takes at most.
	Takes time.Duration
	// Fails is true for a task whose attempts fail now and then, and Hangs for one
	// that now and then waits for the end of its context.
	Fails, Hangs bool
}

// Tasks returns the tasks of the service. Every policy that matters when a process
// dies is among them. All days are sessions.
func Tasks() []Task {
	tasks := []Task{
		every("orders", 0, time.Minute, Task{Takes: 20 * time.Second}),
		every("hedge", time.Minute, 2*time.Minute, Task{
			Takes: 30 * time.Second, Schedule: tradeclock.Schedule{Exclusive: "book"}}),
		every("rebalance", time.Minute, 2*time.Minute, Task{
			Takes: 30 * time.Second, Schedule: tradeclock.Schedule{Exclusive: "book"}}),
		every("monitor", 0, time.Minute, Task{
			Takes: 10 * time.Second, Schedule: tradeclock.Schedule{Delivery: tradeclock.AtLeastOnce}}),
		every("quotes", 0, 2*time.Minute, Task{Takes: 5 * time.Second, Fails: true, Schedule: tradeclock.Schedule{
			Retry: tradeclock.Retry{Attempts: 3, Backoff: 2 * time.Second}}}),
		every("scan", 0, 5*time.Minute, Task{
			Takes: 10 * time.Second, Hangs: true, Schedule: tradeclock.Schedule{Timeout: 20 * time.Second}}),
		{First: 30 * time.Minute, Period: time.Hour, Takes: 5 * time.Second,
			Schedule: tradeclock.Schedule{Task: "report", Rule: rule.MustParse("hourly 00:30-23:30")}},
	}
	for minutes := 15; minutes < 24*60; minutes += 30 {
		at := time.Duration(minutes) * time.Minute
		tasks = append(tasks, Task{First: at, Period: 24 * time.Hour, Takes: 5 * time.Second, Schedule: tradeclock.Schedule{
			Task: "daily-" + wall(at), Rule: rule.MustParse("daily " + wall(at))}})
	}
	return tasks
}

func every(name string, first, period time.Duration, t Task) Task {
	t.First, t.Period = first, period
	t.Task = name
	t.Rule = rule.MustParse(fmt.Sprintf("every %s %s-24:00", period, wall(first)))
	return t
}

func wall(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}

// Schedules returns the rows of the tasks.
func Schedules() []tradeclock.Schedule {
	var rows []tradeclock.Schedule
	for _, t := range Tasks() {
		rows = append(rows, t.Schedule)
	}
	return rows
}

var errOutOfLuck = errors.New("this attempt was to fail")

// work does the work of an attempt, which is none, and takes its time. What
// happens depends on the run alone, so that it is the same in each process.
func (t Task) work(ctx context.Context, run tradeclock.Run) error {
	luck := luckOf(run.ID)
	if t.Hangs && luck%2 == 0 {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	if err := tradeclock.Sleep(ctx, t.Takes*time.Duration(luck%10+1)/10); err != nil {
		return err
	}
	if t.Fails && run.Attempt <= int(luck%5) {
		return errOutOfLuck
	}
	return nil
}

func luckOf(id string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(id))
	return h.Sum32() >> 4
}
