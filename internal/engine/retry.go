package engine

import (
	"time"

	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/why"
)

// Retry is how a run whose attempt has failed is tried again. The zero value is not at
// all.
type Retry struct {
	Attempts   int // in all
	Backoff    time.Duration
	MaxBackoff time.Duration
	Within     time.Duration // after its due time, or zero for the catch-up
}

// wait is how long to wait after an attempt: it doubles each time.
func (r Retry) wait(attempt int) time.Duration {
	wait, limit := r.Backoff, r.MaxBackoff
	if wait == 0 {
		wait = time.Second
	}
	if limit == 0 {
		limit = time.Minute
	}
	for range attempt - 1 {
		if wait >= limit {
			break
		}
		wait *= 2
	}
	return min(wait, max(limit, r.Backoff))
}

// TryAgain reports whether there is to be another attempt of a run of which so many have
// failed, and after which wait.
func (p *Run) TryAgain(attempts int, now time.Time) (wait time.Duration, again bool) {
	last := p.Expires
	if within := p.Row.Retry.Within; within > 0 {
		last = p.Due.Add(within)
	}
	wait = p.Row.Retry.wait(attempts)
	return wait, !p.overdue && attempts < p.Row.Retry.Attempts && now.Add(wait).Before(last)
}

// WhyNoAttempt says why no further attempt of a run may start now, or nothing if one may.
// Ended says why the run itself is over, if it is, and stopped why nothing starts any more.
func (e *Engine) WhyNoAttempt(p *Run, ended, stopped string, now time.Time) string {
	by, halted := e.facts.Halted(p.Account.Name)
	current := e.facts.InForce(p.Account.Name, p.Row.Task())
	switch {
	case p.withdrawn:
		return why.Withdrawn
	case ended != "":
		return said.Cut(ended, said.MaxReason/4)
	case halted:
		return said.Cut(by, said.MaxReason/4)
	case current == nil || current.Policy.Disabled && !p.Row.Policy.Disabled: // a person may trigger what is disabled
		return why.Disabled
	case stopped != "":
		return stopped
	case !e.Term.MayStart(p.Row.AtLeastOnce, now):
		return "the term could not be renewed"
	}
	return ""
}

// RerunUntil is until when a run may be run again that a stop or the loss of the term has
// cut off: to the end of its catch-up if it is delivered at least once, or zero.
func (p *Run) RerunUntil(now time.Time) time.Time {
	if p.Row.AtLeastOnce && p.Actor == "" && now.Before(p.Expires) {
		return p.Expires
	}
	return time.Time{}
}
