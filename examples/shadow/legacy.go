package main

import "time"

// row is one of the table that the loop reads. Its times are "09:15".
type row struct {
	Task                          string
	Start, End                    string // End is that of a continuous row
	Enabled, IsHourly, Continuous bool
	Type                          string // "daily" or "once"
	Description                   string
}

// loop asks each minute what is due in this very minute, and runs that itself.
type loop struct {
	rows      []row
	completed map[string]bool                 // in memory, until eod_cleanup empties it
	takes     func(task string) time.Duration // how long a task of the example keeps the loop
	busyUntil time.Time
	journal   journal
}

// journal is what the loop writes anyway: when it looked, and what it ran.
type journal struct {
	looked map[int64]bool // minutes, in seconds of Unix
	ran    []note
}

// note is a run: of the loop, or one that tradeclock would have started.
type note struct {
	Task       string
	Due, Ended time.Time
}

// look is what the loop does at a minute, unless a task still keeps it.
func (l *loop) look(now time.Time) {
	if now.Before(l.busyUntil) || now.Weekday() == time.Saturday || now.Weekday() == time.Sunday {
		return
	}
	l.journal.looked[now.Unix()] = true
	minute := now.Format("15:04")
	for _, r := range l.rows {
		switch {
		case !r.Enabled:
		case r.Continuous && minute >= r.Start && minute < r.End:
			l.run(r.Task, now)
		case r.IsHourly && minute[3:] == r.Start[3:] && minute >= r.Start && minute[:2] <= "15":
			l.run(r.Task, now)
		case !r.Continuous && !r.IsHourly && minute == r.Start && !l.completed[r.Task]:
			l.runOnce(r.Task, now)
		}
	}
	if minute == "09:05" && !l.completed["premarket_amo_adjustment"] { // which has no row
		l.runOnce("premarket_amo_adjustment", now)
	}
}

func (l *loop) runOnce(task string, now time.Time) {
	l.completed[task] = true
	l.run(task, now)
	if task == "eod_cleanup" {
		clear(l.completed)
	}
}

func (l *loop) run(task string, now time.Time) {
	l.busyUntil = now.Add(l.takes(task))
	l.journal.ran = append(l.journal.ran, note{Task: task, Due: now, Ended: l.busyUntil})
}

// restart is what a restart of the process leaves of it: the journal, on disk.
func (l *loop) restart() {
	l.completed, l.busyUntil = make(map[string]bool), time.Time{}
}
