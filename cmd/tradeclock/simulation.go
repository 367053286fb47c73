package main

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/store"
)

// simulation is what is to be played: rows, on the calendars of a service.
type simulation struct {
	*service
	first    calendar.Date
	days     int
	rows     []store.Schedule
	accounts []string
	places   int
	limits   []store.StartLimit
	takes    map[string]time.Duration
}

// played is what became of it.
type played struct {
	tasks  []*simulated
	causes []*cause
	peak   int // how many runs went on at once
	peakAt time.Time
}

// simulated is what became of a task's occurrences.
type simulated struct {
	Task       string        `json:"task"`
	Takes      time.Duration `json:"takes"`
	Succeeded  int           `json:"succeeded"`
	TimedOut   int           `json:"timed_out"`
	Missed     int           `json:"missed"`
	Skipped    int           `json:"skipped"`
	WorstDelay time.Duration `json:"worst_delay"` // of a start, after it was due
	AtOnce     int           `json:"at_once"`
	Causes     []*cause      `json:"causes,omitzero"`

	running int
}

// cause is a kind of reason for which occurrences of a task did not run to their end.
type cause struct {
	Task    string        `json:"task"`
	Outcome store.Outcome `json:"outcome"`
	Class   string        `json:"class"`
	Times   int           `json:"times"`
	First   time.Time     `json:"first"`
	Reason  string        `json:"reason"`
}

// play plays the days on a clock of their own.
func (sim *simulation) play(ctx context.Context) (*played, error) {
	begin := calendar.WallTime(0).On(sim.first, sim.loc)
	end := calendar.WallTime(0).On(sim.first.AddDays(sim.days), sim.loc)
	clock := clockwork.NewFakeClockAt(begin.Add(-time.Minute)) // what is due at midnight is after the first tick
	tally := newTally(sim, clock)
	ledger := memstore.New(clock)
	s, err := tradeclock.New(tradeclock.Config{
		Name: sim.name, Schedules: rowsStore(sim.rows), Ledger: ledger, Executor: tally, Account: sim.accounts[0],
		Calendar: sim.calendar, Calendars: sim.lookup, Location: sim.loc, Clock: clock, Observers: []tradeclock.Observer{tally},
		MaxConcurrent: sim.places, StartLimits: sim.limits, Logger: quiet(),
	})
	if err != nil {
		return nil, err
	}
	defer s.Crash()
	for _, account := range sim.accounts[1:] {
		if err := s.Enroll(ctx, account, tally); err != nil {
			return nil, err
		}
	}
	for clock.Now().Before(end) {
		if err := step(ctx, s, clock, end); err != nil {
			return nil, err
		}
		// What is settled is counted already. An error says that there is nothing to prune yet.
		_, _ = ledger.Prune(ctx, sim.name, clock.Now().Add(-2*store.MinRetention))
	}
	return tally.played(), nil
}

// step ticks, and lets time pass to the next instant at which something can happen.
func step(ctx context.Context, s *tradeclock.UnifiedTaskScheduler, clock *clockwork.FakeClock, end time.Time) error {
	if err := s.Tick(ctx); err != nil {
		return err
	}
	if err := s.Quiesce(ctx); err != nil {
		return err
	}
	to := s.IdleUntil()
	if !to.After(clock.Now()) {
		to = s.NextTick()
	}
	if end.Before(to) {
		to = end
	}
	for now := clock.Now(); now.Before(to); now = clock.Now() {
		next := to
		if wake := s.NextWake(); wake.After(now) && wake.Before(to) {
			next = wake
		}
		clock.Advance(next.Sub(now))
		if err := s.Quiesce(ctx); err != nil {
			return err
		}
	}
	return nil
}

// rowsStore is a store that quarantines bad rows, as the service's does.
type rowsStore []store.Schedule

func (r rowsStore) Schedules(context.Context) ([]store.Schedule, error) { return r, nil }

// tally is the executor of all accounts, and counts.
type tally struct {
	sim   *simulation
	clock clockwork.Clock

	mu      sync.Mutex
	tasks   map[string]*simulated
	causes  map[causeKey]*cause
	running int
	peak    int
	peakAt  time.Time
}

type causeKey struct {
	task    string
	outcome store.Outcome
	class   string
}

func newTally(sim *simulation, clock clockwork.Clock) *tally {
	t := &tally{sim: sim, clock: clock, tasks: make(map[string]*simulated), causes: make(map[causeKey]*cause)}
	for _, row := range sim.rows {
		t.tasks[row.Task] = &simulated{Task: row.Task, Takes: sim.takes[row.Task]}
	}
	return t
}

// shortestRun is what a run takes at least, so that those of one instant go on at once.
const shortestRun = time.Millisecond

// Execute takes as long as the task takes.
func (t *tally) Execute(ctx context.Context, run store.Run) error {
	t.enter(run)
	defer t.leave(run)
	return tradeclock.Sleep(ctx, max(t.sim.takes[run.Task], shortestRun))
}

func (t *tally) enter(run store.Run) {
	t.mu.Lock()
	defer t.mu.Unlock()
	task := t.tasks[run.Task]
	task.WorstDelay = max(task.WorstDelay, run.Lateness())
	task.running++
	task.AtOnce = max(task.AtOnce, task.running)
	t.running++
	if t.running > t.peak {
		t.peak, t.peakAt = t.running, t.clock.Now()
	}
}

func (t *tally) leave(run store.Run) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tasks[run.Task].running--
	t.running--
}

// Observe counts outcomes.
func (t *tally) Observe(e tradeclock.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := e.(type) {
	case tradeclock.RunSettled:
		t.count(e.Run, 1)
	case tradeclock.RunSkipped:
		t.count(e.Run, e.New)
	case tradeclock.RunMissed:
		t.count(e.Run, e.New)
	}
}

func (t *tally) count(run store.Run, n int) {
	task := t.tasks[run.Task]
	switch run.Outcome {
	case store.Succeeded:
		task.Succeeded += n
		return
	case store.TimedOut:
		task.TimedOut += n
	case store.Missed:
		task.Missed += n
	case store.Skipped:
		task.Skipped += n
	default:
		return
	}
	key := causeKey{run.Task, run.Outcome, run.ReasonClass()}
	w := t.causes[key]
	if w == nil {
		w = &cause{Task: run.Task, Outcome: run.Outcome, Class: key.class, First: run.Due, Reason: run.Reason}
		t.causes[key] = w
	}
	w.Times += n
}

// played is what has been counted, by the name of the task.
func (t *tally) played() *played {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := &played{peak: t.peak, peakAt: t.peakAt}
	for _, task := range t.tasks {
		p.tasks = append(p.tasks, task)
	}
	slices.SortFunc(p.tasks, func(a, b *simulated) int { return cmp.Compare(a.Task, b.Task) })
	for _, w := range t.causes {
		p.causes = append(p.causes, w)
		t.tasks[w.Task].Causes = append(t.tasks[w.Task].Causes, w)
	}
	order := func(a, b *cause) int {
		return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Class, b.Class))
	}
	slices.SortFunc(p.causes, order)
	for _, task := range p.tasks {
		slices.SortFunc(task.Causes, order)
	}
	return p
}
