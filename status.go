package tradeclock

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/store"
)

// health is what is wrong, by what it concerns. Guarded by the scheduler's mu.
type health struct {
	conditions map[string]string
	notices    map[string][]string // by calendar
	beatErrors int
	recall     bool           // what the last sessions left of bad runs is to be read
	recalling  bool           // a reading goes on
	said       SchedulerState // by the last heartbeat, or StateStopped if there was none
	lastBeat   time.Time      // when the last was made that was received
}

// Status is a snapshot of a scheduler.
type Status struct {
	// Heartbeat is what the scheduler would beat now.
	Heartbeat
	// Accounts are those that are enrolled, by name.
	Accounts []string `json:"accounts,omitzero"`
	// Watermark is the instant up to which everything is accounted for in the
	// ledger, and Planned that up to which everything is planned.
	Watermark time.Time `json:"watermark,omitzero"`
	Planned   time.Time `json:"planned,omitzero"`
	// LastBeat is the At of the last heartbeat that the sink has received, or that was made
	// if there is no sink.
	LastBeat time.Time `json:"last_beat,omitzero"`
	// Schedules is the number of rows in force, and Coverage the instant at which the
	// coverage of each calendar ends that they are read by, if it does.
	Schedules int                  `json:"schedules,omitzero"`
	Coverage  map[string]time.Time `json:"coverage,omitzero"`
	// Conditions counts what is wrong by its class, one word: accounts, calendar, clock,
	// halts, heartbeats, ledger, requests, runs, schedules, tasks or term. Degraded has the
	// sentences.
	Conditions map[string]int `json:"conditions,omitzero"`
	// Waiting is the number of planned runs that have not started.
	Waiting int `json:"waiting"`
	// Unstored is the number of outcomes that have not reached the ledger yet.
	Unstored int `json:"unstored"`
	// ClockSteps is how often the clock stepped, and HeartbeatErrors how many
	// heartbeats failed.
	ClockSteps      int `json:"clock_steps"`
	HeartbeatErrors int `json:"heartbeat_errors"`
	// Quarantined are the rows that cannot be used.
	Quarantined []store.RowError `json:"quarantined,omitzero"`
	// Halts are the halts in force.
	Halts []store.Halt `json:"halts,omitzero"`
	// Holder is who holds the term, if it is another instance.
	Holder string `json:"holder,omitzero"`
	// Notices are what an operator should know and nobody need mend, one sentence each:
	// who is active, and until when, while this instance stands by; edits that take
	// effect only at the next session; and what comes in the next 30 days: special
	// sessions on which tasks of whole trading days do not run, and sessions of unknown
	// hours. They do not degrade health.
	Notices []string `json:"notices,omitzero"`
}

// Healthy reports whether nothing is wrong.
func (st Status) Healthy() bool { return len(st.Degraded) == 0 }

// Status returns how the scheduler is. It waits for no store and no task.
func (s *UnifiedTaskScheduler) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{
		Heartbeat:       s.heartbeat(),
		Watermark:       s.engine.Mark(),
		Planned:         s.engine.Planned(),
		LastBeat:        s.health.lastBeat,
		Schedules:       len(s.sched.rows),
		Coverage:        s.coverage(),
		Conditions:      s.conditions(),
		Waiting:         s.engine.Waiting(),
		Unstored:        len(s.books.settling) + len(s.engine.Records()) + len(s.engine.Releases()),
		ClockSteps:      s.engine.Wakes.Steps(),
		HeartbeatErrors: s.health.beatErrors,
		Quarantined:     slices.Clone(s.sched.rejected),
		Halts:           s.haltList(),
		Holder:          s.term.holder,
		Notices:         s.notices(),
	}
	for _, a := range s.engine.Accounts.All() {
		if !a.IsGone() {
			st.Accounts = append(st.Accounts, a.Name)
		}
	}
	return st
}

// heartbeat is what the scheduler says of itself. The caller holds mu.
func (s *UnifiedTaskScheduler) heartbeat() Heartbeat {
	now := s.clock.Now()
	hb := Heartbeat{
		Scheduler: s.cfg.Name,
		Instance:  s.holder,
		At:        now.Round(0).UTC(),
		Term:      s.term.term.Number,
		State:     s.state(),
		Degraded:  s.degraded(now),
		LastTick:  s.lastTick().Round(0).UTC(),
	}
	if s.engine.Term.IsResumed() && s.hasServedRow() {
		hb.Next = s.engine.NextDue()
	}
	if at := s.engine.StartsAt(); !at.IsZero() && (hb.Next.IsZero() || at.Before(hb.Next)) {
		hb.Next = at.UTC()
	}
	if n := len(s.running.list); n > 0 {
		hb.Running = make([]store.RunningTask, 0, n)
		for _, e := range s.running.ordered() {
			hb.Running = append(hb.Running, store.RunningTask{
				Account: e.run.Account, Task: e.run.Task, Slot: e.run.Slot, Started: e.run.Started,
				Age: now.Round(0).Sub(e.run.Started), Overdue: e.taken,
			})
		}
	}
	return hb
}

// lastTick is when the last tick began, or Run if there was none yet.
func (s *UnifiedTaskScheduler) lastTick() time.Time {
	if last := s.engine.Wakes.Last(); !last.IsZero() {
		return last
	}
	return s.life.began
}

func (s *UnifiedTaskScheduler) state() SchedulerState {
	_, halted := s.control.halts[""]
	switch {
	case s.life.ended:
		return StateStopped
	case s.life.draining:
		return StateDraining
	case s.engine.Wakes.Last().IsZero() && !s.life.running:
		return StateStopped
	case s.term.term.Number == 0:
		return StateStandby
	case halted:
		return StateHalted
	}
	return StateActive
}

// coverage tells when the coverage of each calendar in use ends.
func (s *UnifiedTaskScheduler) coverage() map[string]time.Time {
	ends := make(map[string]time.Time)
	for _, v := range s.sched.watched {
		if v.Covers != (calendar.Date{}) {
			ends[v.Name()] = calendar.EndOfDay.On(v.Covers, v.Location())
		}
	}
	return ends
}

// classOfCondition is the class of the conditions whose key begins with a word.
var classOfCondition = map[string]string{
	"accounts": "accounts", "unserved": "accounts",
	"calendar": "calendar", "coverage": "calendar", "data": "calendar", "ahead": "calendar", "hours": "calendar",
	"halts": "halts", "heartbeat": "heartbeats",
	"settle": "ledger", "claim": "ledger", "release": "ledger", "record": "ledger", "resume": "ledger",
	runsInARow: "runs", lostRuns: "runs", "slot": "runs",
	"poll": "schedules", "quarantine": "schedules", "empty": "schedules", "once": "schedules", "early": "schedules",
	"tasks": "tasks", "almost": "tasks", "start": "tasks",
	"requests": "requests", "overrides": "requests", "term": "term", "held": "term", "lapse": "term",
}

// conditions counts what is wrong by its class.
func (s *UnifiedTaskScheduler) conditions() map[string]int {
	counts := make(map[string]int)
	if ofClock := s.clockTrouble(s.clock.Now()); len(ofClock) > 0 {
		counts["clock"] = len(ofClock)
	}
	for key := range s.health.conditions {
		word, _, _ := strings.Cut(key, " ")
		counts[classOfCondition[word]]++
	}
	return counts
}

// degraded lists what is wrong, in a stable order.
func (s *UnifiedTaskScheduler) degraded(now time.Time) []string {
	wrong := s.clockTrouble(now)
	if len(s.health.conditions) == 0 {
		return wrong
	}
	for _, text := range s.health.conditions {
		wrong = append(wrong, text)
	}
	slices.Sort(wrong)
	return wrong
}

// clockTrouble lists what is wrong with the clock.
func (s *UnifiedTaskScheduler) clockTrouble(now time.Time) (wrong []string) {
	if up := s.engine.Planned(); !up.IsZero() && s.engine.Term.IsResumed() && now.Round(0).Before(up) {
		wrong = append(wrong, fmt.Sprintf("the clock is %v behind what was planned already: nothing is due until %v",
			up.Sub(now.Round(0)).Round(time.Second), up.Format(time.RFC3339)))
	}
	if s.engine.Wakes.AreDoubted() {
		wrong = append(wrong, "the clock has stepped forward: it is confirmed by another wake before anything is recorded as missed")
	}
	return wrong
}

// degrade notes that something is wrong, until clear, and reports whether that is
// news. The caller holds mu.
func (s *UnifiedTaskScheduler) degrade(what, text string) (news bool) {
	text = said.Cut(said.Line(text), said.MaxCondition)
	if s.health.conditions[what] == text {
		return false
	}
	s.health.conditions[what] = text
	s.log.Warn("degraded", "condition", text)
	return true
}

func (s *UnifiedTaskScheduler) isDegraded(what string) bool {
	if len(s.health.conditions) == 0 {
		return false // as it should be, and this is asked several times a tick
	}
	_, wrong := s.health.conditions[what]
	return wrong
}

// clear notes that it is right again.
func (s *UnifiedTaskScheduler) clear(what string) {
	if s.isDegraded(what) {
		s.log.Info("no longer degraded", "condition", s.health.conditions[what])
		delete(s.health.conditions, what)
	}
}

func (s *UnifiedTaskScheduler) setCondition(what, text string) {
	if text == "" {
		s.clear(what)
	} else {
		s.degrade(what, text)
	}
}
