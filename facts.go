package tradeclock

import (
	"errors"
	"strconv"
	"strings"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/store"
)

// facts are what the engine looks up. Guarded by the scheduler's mu, as the engine is.
type facts struct{ s *UnifiedTaskScheduler }

// InForce returns the row by which a task of an account runs, or nil.
func (f facts) InForce(account, task string) *engine.Row {
	return f.s.rowFor(account, task).EngineRow()
}

// Row returns the row of a key, or nil.
func (f facts) Row(key engine.Key) *engine.Row {
	return f.s.sched.rows[store.ScheduleKey(key)].EngineRow()
}

// Quarantined reports whether the row of a key cannot be used.
func (f facts) Quarantined(key engine.Key) bool { return f.s.rejectedFor(key.Account, key.Task) != nil }

// Halted reports whether a halt is in force for an account, and why.
func (f facts) Halted(account string) (reason string, halted bool) {
	h, halted := f.s.haltFor(account)
	if !halted {
		return "", false
	}
	return h.Why(), true
}

// act does what the engine has to be done beside its answers. It is called after each
// that may have decided anything. The caller holds mu.
func (s *UnifiedTaskScheduler) act() {
	actions := s.engine.Take()
	for _, p := range actions.Cancel {
		p.Of.(*execution).ctx.cancel(errReplaced)
	}
	for _, t := range actions.Taken {
		s.slotTaken(t.Run, &t.By.Of.(*execution).run)
	}
	for _, a := range actions.Blocked {
		s.tellBlocked(accountOf(a))
	}
	s.tellBadRuns()
	s.releaseLater()
}

var errReplaced = errors.New(why.Replaced)

// deliveryOf is how the runs of a row are delivered.
func deliveryOf(r *engine.Row) Delivery {
	if r.AtLeastOnce {
		return AtLeastOnce
	}
	return AtMostOnce
}

// runOf makes a run of what the engine planned, as the ledger and the executor know it.
func (s *UnifiedTaskScheduler) runOf(p *engine.Run) Run {
	return Run{
		ID:              s.newID(p),
		Scheduler:       s.cfg.Name,
		Account:         p.Account.Name,
		Task:            p.Row.Task(),
		Slot:            p.Slot,
		Session:         p.Session,
		Due:             p.Due,
		Offset:          p.Offset,
		Term:            p.Term,
		Token:           s.tokenOf(p.Serial),
		Repeating:       p.Repeats,
		Backdated:       p.Backdated,
		Manual:          p.Actor != "",
		Actor:           p.Actor,
		Calendar:        p.Row.Calendar.Name(),
		CalendarVersion: p.CalendarVersion,
	}
}

// runningOf makes a run of what the engine has picked.
func (s *UnifiedTaskScheduler) runningOf(p *engine.Run) Run {
	run := s.runOf(p)
	run.Started, run.Outcome = p.Started, Running
	return run
}

func (s *UnifiedTaskScheduler) newID(p *engine.Run) string {
	var room [32]byte
	return s.texts.keep(store.AppendRunID(room[:0], s.cfg.Name, p.Account.Name, p.Row.Task(), p.Slot))
}

// tokenOf is the token of a planned start.
func (s *UnifiedTaskScheduler) tokenOf(serial int64) string {
	var room [64]byte
	token := append(append(room[:0], s.holder...), '/')
	return s.texts.keep(strconv.AppendInt(token, serial, 36))
}

// texts keeps short texts, many in one allocation. Guarded by the scheduler's mu.
type texts struct{ b strings.Builder }

func (t *texts) keep(text []byte) string {
	const slab = 4096
	if t.b.Cap()-t.b.Len() < len(text) {
		t.b = strings.Builder{}
		t.b.Grow(max(slab, len(text)))
	}
	from := t.b.Len()
	t.b.Write(text)
	return t.b.String()[from:]
}
