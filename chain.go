package tradeclock

import (
	"context"

	"github.com/tradeclock/tradeclock/internal/answer"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/store"
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

// readMoved adds to a state what became of runs that people moved to before the watermark,
// and that are planned after it: others wait for them from their planned time on.
func (s *UnifiedTaskScheduler) readMoved(ctx context.Context, said []store.Override, state *store.State) error {
	for _, o := range said {
		if s.history == nil || o.Skips() || o.At.After(state.Watermark) || !o.Due.After(state.Watermark) {
			continue
		}
		runs, err := s.history.Runs(ctx, store.Query{Scheduler: s.cfg.Name, Account: o.Account, Task: o.Task, Slot: o.Slot})
		if err != nil {
			return err
		}
		state.Ahead = append(state.Ahead, runs...)
	}
	return nil
}
