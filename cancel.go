package tradeclock

import (
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/internal/why"
)

// ErrCancelled is wrapped by the cause with which the context of a run ends that somebody
// has cancelled.
var ErrCancelled = errors.New(why.Cancelled)

// CancelRequest says which runs are to end, and who wants it. See
// UnifiedTaskScheduler.Cancel.
type CancelRequest struct {
	Account string `json:"account,omitzero"` // empty for all accounts
	Task    string `json:"task,omitzero"`    // empty for all tasks
	Slot    string `json:"slot,omitzero"`    // empty for whatever goes on of them
	Reason  string `json:"reason"`           // required
	Actor   string `json:"actor"`            // who asks; required
}

// Cancel ends the contexts of runs that go on, and returns these: as soon as they heed it,
// they are recorded as interrupted, with who asked and why. They are neither tried again
// nor run again, and what is due next starts as ever: for that see Halt. The error wraps
// ErrUnknownAccount if the account is none of this process.
func (s *UnifiedTaskScheduler) Cancel(req CancelRequest) ([]Run, error) {
	return s.cancel(req, time.Time{})
}

// cancel ends the runs that had started by an instant, or whatever goes on if it is zero.
func (s *UnifiedTaskScheduler) cancel(req CancelRequest, by time.Time) (ended []Run, err error) {
	if req.Reason == "" || req.Actor == "" {
		return nil, errors.New("cancel: a reason and an actor are required")
	}
	s.activity.Begin()
	defer s.activity.End()
	s.mu.Lock()
	defer s.mu.Unlock()
	if req.Account != "" {
		if _, err := s.enrolled(req.Account); err != nil {
			return nil, fmt.Errorf("cancel: %w", err)
		}
	}
	cause := req.cause()
	for _, e := range s.running.ordered() {
		if e.taken || !req.isAbout(&e.run) || !by.IsZero() && e.run.Started.After(by) {
			continue
		}
		e.ctx.cancel(cause)
		ended = append(ended, e.run)
	}
	s.log.Warn("runs were cancelled", "account", req.Account, "task", req.Task, "slot", req.Slot, "runs", len(ended),
		"reason", req.Reason, "actor", req.Actor)
	return ended, nil
}

func (req CancelRequest) isAbout(run *Run) bool {
	return (req.Account == "" || req.Account == run.Account) && (req.Task == "" || req.Task == run.Task) &&
		(req.Slot == "" || req.Slot == run.Slot)
}

// cause is that with which the context of a run ends.
func (req CancelRequest) cause() error {
	return fmt.Errorf("%w by %s: %s", ErrCancelled, req.Actor, req.Reason)
}
