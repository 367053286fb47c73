package main

import (
	"context"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

// completed is the way back: the tasks that the loop is to take for done when it begins on a
// date, since they have started under tradeclock. A run that was interrupted is among them: a
// person looks at it.
func completed(ctx context.Context, history store.History, scheduler string, date calendar.Date) (tasks []string, err error) {
	runs, err := history.Runs(ctx, store.Query{Scheduler: scheduler, From: date, To: date})
	for _, run := range runs {
		if !run.Started.IsZero() && !run.Repeating {
			tasks = append(tasks, run.Task)
		}
	}
	return tasks, err
}
