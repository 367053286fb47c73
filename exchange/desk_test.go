package exchange_test

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// quiet is a logger that writes nothing.
var quiet = slog.New(slog.DiscardHandler)

// desk is a scheduler of one account, alice, on a fake clock, with what it leaves
// behind.
type desk struct {
	*tradeclocktest.Driver
	t         *testing.T
	loc       *time.Location
	clock     *clockwork.FakeClock
	scheduler *tradeclock.UnifiedTaskScheduler
	ledger    *memstore.Store
	executed  *tradeclocktest.Recorder
}

// newDesk returns a desk at a wall time of the calendar's zone, as in "2026-11-23
// 09:00". Its rows may name the other embedded calendars.
func newDesk(t *testing.T, cal calendar.Calendar, start string, rows ...tradeclock.Schedule) *desk {
	t.Helper()
	cfg := tradeclock.Config{Calendar: cal, Calendars: exchange.Lookup}
	return newDeskOf(t, cfg, clockwork.NewFakeClockAt(wallClock(t, start, cal.Location())), rows...)
}

// newDeskOf is newDesk with a clock, and a configuration to start from.
func newDeskOf(t *testing.T, cfg tradeclock.Config, clock *clockwork.FakeClock, rows ...tradeclock.Schedule) *desk {
	t.Helper()
	d := &desk{t: t, loc: cfg.Calendar.Location(), clock: clock}
	d.ledger, d.executed = memstore.New(clock), tradeclocktest.NewRecorder(clock)
	cfg.Name, cfg.Account, cfg.Executor = "desk", "alice", d.executed
	cfg.Schedules, cfg.Ledger = tradeclock.FixedSchedules(rows...), d.ledger
	cfg.Clock, cfg.Logger = clock, quiet
	var err error
	d.scheduler, err = tradeclock.New(cfg)
	require.NoError(t, err)
	d.Driver = tradeclocktest.NewDriver(t, d.scheduler, clock)
	return d
}

// wallClock returns the instant of a text such as "2026-11-23 09:00".
func wallClock(t *testing.T, text string, loc *time.Location) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, loc)
	require.NoError(t, err)
	return at
}

// until drives to a wall time of the desk's zone.
func (d *desk) until(text string) {
	d.t.Helper()
	d.Until(wallClock(d.t, text, d.loc))
}

// runs returns the ledger's rows of a task, by their due times.
func (d *desk) runs(task string) []tradeclock.Run {
	d.t.Helper()
	runs, err := d.ledger.Runs(d.t.Context(), store.Query{Scheduler: "desk", Task: task})
	require.NoError(d.t, err)
	slices.SortFunc(runs, func(a, b tradeclock.Run) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Task, b.Task))
	})
	return runs
}

// explain says why a task did or did not run on a date, without when it runs next.
func (d *desk) explain(task, date string) string {
	d.t.Helper()
	why, err := d.scheduler.Explain(d.t.Context(), "alice", task, ymd(date))
	require.NoError(d.t, err)
	if said, _, ok := strings.Cut(why, "; the next is due at "); ok {
		return said + "."
	}
	return why
}

// timetable tells what became of each task, in wall times of the desk's zone.
func (d *desk) timetable() map[string][]string {
	d.t.Helper()
	runs := make(map[string][]tradeclock.Run)
	for _, run := range d.runs("") {
		runs[run.Task] = append(runs[run.Task], run)
	}
	table := make(map[string][]string)
	for task, runs := range runs {
		table[task] = inShort(runs, d.loc)
	}
	return table
}

// ran tells what became of one task.
func (d *desk) ran(task string) []string { return d.timetable()[task] }

// inShort tells runs in order, those that follow one another at one step in one
// line: "2026-11-23 09:15-15:29 x375". What did not succeed at its due time says
// so.
func inShort(runs []tradeclock.Run, loc *time.Location) []string {
	var lines []string
	for len(runs) > 0 {
		n := streak(runs)
		first, last := runs[0].Due.In(loc), runs[n-1].Due.In(loc)
		line, count := first.Format("2006-01-02 15:04"), n
		if n == 1 {
			count = runs[0].Occurrences()
		} else {
			line += last.Format("-15:04")
		}
		if count > 1 {
			line += fmt.Sprintf(" x%d", count)
		}
		lines = append(lines, line+outcome(runs[0]))
		runs = runs[n:]
	}
	return lines
}

// streak returns how many of the first runs follow one another at one step on one
// date, with one outcome.
func streak(runs []tradeclock.Run) int {
	n := 1
	for n < len(runs) {
		step := runs[1].Due.Sub(runs[0].Due)
		if runs[n].Session != runs[0].Session || outcome(runs[n]) != outcome(runs[0]) || runs[n].Due.Sub(runs[n-1].Due) != step {
			break
		}
		n++
	}
	return n
}

func outcome(run tradeclock.Run) string {
	switch {
	case run.Outcome != tradeclock.Succeeded:
		return " " + run.Outcome.String()
	case run.Lateness() > 0:
		return " late by " + run.Lateness().String()
	}
	return ""
}

// row is a schedule that runs on sessions of all kinds, of a rule given as text.
func row(task, text string) tradeclock.Schedule {
	return tradeclock.Schedule{
		Task: task, Rule: rule.MustParse(text),
		Sessions: calendar.OnRegular | calendar.OnShortened | calendar.OnSpecial,
	}
}

// rowOn is row on a calendar by name.
func rowOn(name, task, text string) tradeclock.Schedule {
	r := row(task, text)
	r.Calendar = name
	return r
}
