package tradeclock

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/answer"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// Whoever takes a request that another has taken before looks here for what that one has
// done of it: what was done once may have been undone by somebody since, and is not done
// again.

// wasDone looks in the audit for what a request asks for. Of a ledger that keeps none it
// cannot be told, and neither can it of requests that the audit is not about.
func (s *UnifiedTaskScheduler) wasDone(ctx context.Context, r request.Request) (bool, error) {
	auditor, ok := s.cfg.Ledger.(store.Auditor)
	if !ok || r.Kind == request.Trigger || r.Kind == request.Cancel {
		return false, nil
	}
	for q := (store.AuditQuery{Scheduler: s.cfg.Name}); ; {
		entries, err := quiet.Call(ctx, s.lanes.past, ledgerBound, func(ctx context.Context) ([]store.AuditEntry, error) {
			return auditor.Audit(ctx, q)
		})
		if err != nil || len(entries) == 0 {
			return false, err
		}
		if slices.ContainsFunc(entries, func(e store.AuditEntry) bool { return isAbout(r, e) }) {
			return true, nil
		}
		if q.Before = entries[len(entries)-1].ID; entries[len(entries)-1].At.Before(r.At) {
			return false, nil // what comes before was done before it was asked for
		}
	}
}

// isAbout reports whether an entry of the audit is of what a request asks for.
func isAbout(r request.Request, e store.AuditEntry) bool {
	return e.Action == string(r.Kind) && e.Actor == r.Actor && e.Reason == r.Reason && e.Account == r.Account && e.Task == r.Task &&
		(r.Slot == "" || e.Slot == r.Slot) && !e.At.Before(r.At)
}

// startedFor looks in the ledger for the run that a request has started: it has the
// request's own slot, or the one of the session that it stands for, by the actor and since
// it was asked.
func (s *UnifiedTaskScheduler) startedFor(ctx context.Context, req trigger) (run Run, found bool, err error) {
	if s.history == nil {
		return Run{}, false, nil // the claim of its slot tells then whether there was one
	}
	date := cmp.Or(req.Session, calendar.DateOf(req.at.In(s.zoneOf(req.Account, req.Task))))
	q := store.Query{Scheduler: s.cfg.Name, Account: req.Account, Task: req.Task, From: date.AddDays(-1), To: date.AddDays(1)}
	runs, err := quiet.Call(ctx, s.lanes.past, ledgerBound, func(ctx context.Context) ([]Run, error) { return s.history.Runs(ctx, q) })
	for _, run := range runs {
		its := isSlotOf(run.Slot, req.asked)
		if req.standsForSlot() {
			its = run.Session == date && !strings.Contains(run.Slot, manualMark)
		}
		if its && run.Manual && run.Actor == req.Actor && run.Account == req.Account && !run.Started.Before(req.at) {
			return run, true, nil
		}
	}
	return Run{}, false, err
}

// mostEnded is how many interrupted runs are looked through for those of a cancel.
const mostEnded = 100

// endedFor looks in the ledger for the runs that a request has cancelled.
func (s *UnifiedTaskScheduler) endedFor(ctx context.Context, req CancelRequest, asked time.Time) ([]Run, error) {
	if s.history == nil {
		return nil, nil
	}
	q := store.Query{Scheduler: s.cfg.Name, Account: req.Account, Task: req.Task, Slot: req.Slot, Outcomes: []Outcome{Interrupted},
		From: calendar.DateOf(asked).AddDays(-answer.OverridesBack), NewestFirst: true, Limit: mostEnded}
	runs, err := quiet.Call(ctx, s.lanes.past, ledgerBound, func(ctx context.Context) ([]Run, error) { return s.history.Runs(ctx, q) })
	return slices.DeleteFunc(runs, func(run Run) bool {
		return !strings.HasPrefix(run.Reason, req.cause().Error()) || run.Finished.Before(asked)
	}), err
}
