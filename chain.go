package tradeclock

import (
	"github.com/tradeclock/tradeclock/internal/answer"
	"github.com/tradeclock/tradeclock/internal/engine"
)

// tellEnded tells the engine what the ledger has a run come to, for which others may wait.
// The caller holds mu.
func (s *UnifiedTaskScheduler) tellEnded(run *Run) {
	if !s.engine.IsAwaited(run.Task) {
		return // as nearly all
	}
	if end := answer.EndedOf(run); end != nil {
		s.engine.Settled(engine.Key{Task: run.Task, Account: run.Account}, run.Slot, run.Session, *end, s.clock.Now())
	}
}
