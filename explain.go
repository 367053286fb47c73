package tradeclock

import (
	"context"
	"fmt"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/answer"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/vet"
)

// Explain answers in one sentence why a task of an account did or did not run on
// a session date, from the ledger, the schedules and the calendar: what became of the
// occurrences that have a record, why others have none, since when a repeating task is
// silent, what is still to come, and when the next run is. It is what View.Explain
// answers, with what this process alone knows: the accounts that it serves, its last good
// rows, what its runs wait for, and which interfaces an executor implements almost. The
// error wraps ErrUnsupported if the ledger has no History.
func (s *UnifiedTaskScheduler) Explain(ctx context.Context, account, task string, date calendar.Date) (string, error) {
	from := answer.Source{History: s.history, DueOn: s.dueOn, KnowledgeOf: s.knowledgeOf}
	return answer.Explain(ctx, from, answer.Question{Scheduler: s.cfg.Name, Account: account, Task: task, Date: date})
}

// knowledgeOf tells what this process knows.
func (s *UnifiedTaskScheduler) knowledgeOf(_ context.Context, name, task string) (*answer.Knowledge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := &answer.Knowledge{
		Now: s.clock.Now().Round(0), Own: s.calendar.Calendar, Ask: s.ask,
		Row: s.rowFor(name, task), Rejected: s.rejectedFor(name, task), Odd: s.almost.byAccount[name],
		Waits: s.waitsFor(name, task), Overrides: vet.PlannedOverrides(s.overrides.list), Behind: "this instance holds no term, and plans nothing",
	}
	k.ViewOf = func(name string) (*vet.Calendar, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.viewOf(name)
	}
	if a, err := s.enrolled(name); err == nil {
		k.Served, k.Since = true, a.Served()
	} else {
		known, _ := s.engine.Accounts.Known(name)
		k.Unserved = answer.UnservedText(name, known.Withdrawn, s.engine.Accounts.HasAny(), k.Zone())
	}
	if h, halted := s.haltFor(name); halted {
		k.Halt = h.Why()
	}
	switch {
	case s.engine.Term.IsResumed():
		k.Planned, k.Behind = s.engine.Planned(), "not planned yet"
	case s.term.holder != "":
		k.Behind = s.heldText()
	}
	return k, nil
}

// waitsFor tells what becomes of runs of a task that have no record yet, by slot. The
// caller holds mu.
func (s *UnifiedTaskScheduler) waitsFor(account, task string) map[string]string {
	waits := make(map[string]string)
	s.engine.Tell(engine.Key{Task: task, Account: account}, func(slot, what string) { waits[slot] = what })
	note := func(run *Run, text string) {
		if run.Account == account && run.Task == task {
			waits[run.Slot] = text
		}
	}
	for _, e := range s.running.list {
		note(&e.run, "running")
	}
	for _, st := range s.books.settling {
		note(st.run, fmt.Sprintf("its outcome is not stored yet: %v", st.run.Outcome))
	}
	for _, r := range s.engine.Records() {
		run := s.recordedRun(r)
		note(&run, fmt.Sprintf("its outcome is not stored yet: %v", run.Outcome))
	}
	return waits
}

// rejectedFor returns why the row of a task of an account is quarantined, if it is.
func (s *UnifiedTaskScheduler) rejectedFor(account, task string) error {
	return vet.RejectedIn(s.sched.rejected, account, task)
}
