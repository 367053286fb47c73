package engine

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/internal/why"
)

// supersededWaiting is the reason of a run that waited until a newer occurrence
// came.
func supersededWaiting(p *Run) string {
	if p.wait == "" {
		return why.Superseded
	}
	return why.Superseded + why.WaitedFor + p.wait
}

// tooLate is the reason of a run whose catch-up has passed.
func (e *Engine) tooLate(p *Run) string {
	r := p.Row
	reason := fmt.Sprintf("its catch-up of %v had passed", r.CatchUp)
	if r.CatchUpUntil != nil && p.Expires.Before(p.Due.Add(r.CatchUp)) {
		reason = fmt.Sprintf("its catch-up had ended at %v", *r.CatchUpUntil)
		if _, err := r.catchUpUntil(p.Session); err != nil {
			reason = fmt.Sprintf("its catch-up until %v cannot be told, so that it could only be on time: %v", *r.CatchUpUntil, err)
		}
	}
	if p.wait == "" && p.lined && e.maxConcurrent > 0 {
		p.wait = why.WaitsForPlace
	}
	if p.wait != "" {
		reason += why.WaitedFor + p.wait
	}
	if !p.Due.Equal(p.Planned) {
		reason = fmt.Sprintf("it was due at %s, and %s", e.clockOf(p, p.Due), reason)
	}
	if p.moved {
		reason = "the calendar moved it into the past, where " + reason
	}
	if p.By != "" {
		reason = p.By + ": " + reason
	}
	return reason
}

// expire records the pending runs whose catch-up has ended as missed, with what
// they waited for.
func (e *Engine) expire(now time.Time) {
	q := &e.queue
	if q.expireAt.IsZero() || now.Before(q.expireAt) {
		return
	}
	e.lineUpAll(func(w *wave) bool { return !now.Before(w.expires()) }, now)
	e.giveUpHeld(now)
	q.removeIf(
		func(p *Run) bool { return !now.Before(p.Expires) },
		func(p *Run) { e.miss(p, e.tooLate(p), now) },
	)
	q.expireAt = time.Time{}
	for _, p := range q.ready {
		if p.lined {
			q.expectAt(p.Expires)
		}
	}
	for p := range q.waiting {
		q.expectAt(p.Expires)
	}
	for _, waves := range q.allWaves() {
		for i := range *waves {
			q.expectAt((*waves)[i].expires())
		}
	}
}

// ExpiresAt is when the first catch-up ends of what has not started, or zero.
func (e *Engine) ExpiresAt() time.Time {
	q := &e.queue
	if len(q.ready)+len(q.waiting)+len(q.waves)+len(q.spread) == 0 {
		q.expireAt = time.Time{}
	}
	return q.expireAt
}

// StartsAt is when the next run may start that waits for its offset or for a start
// limit, or zero. Offsets of waves count once LookForStarts was called.
func (e *Engine) StartsAt() time.Time { return e.queue.startAt }

// LookForStarts looks at the offsets of waves.
func (e *Engine) LookForStarts() time.Time {
	q := &e.queue
	for i := range q.spread {
		q.startsAt(q.spread[i].nextStart())
	}
	return q.startAt
}

// miss records a pending run as missed. One that runs again what was interrupted
// stays so.
func (e *Engine) miss(p *Run, reason string, now time.Time) {
	switch {
	case p.uncertain:
		e.giveBack(p, Missed, reason)
		e.countMissed(p, reason, now)
	case p.Replaces != nil:
	default:
		e.recordRange(p, Missed, reason, now)
	}
}

// skip records a pending run as skipped.
func (e *Engine) skip(p *Run, reason string, now time.Time) {
	switch {
	case p.uncertain:
		e.giveBack(p, Skipped, reason)
	case p.Replaces != nil:
	default:
		e.record(p, Skipped, reason, now)
	}
}
