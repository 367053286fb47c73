package engine

import "time"

// releases are the claims that are to be given back.
type releases struct {
	waiting []Release
	slots   map[slotKey]int // how many there are of a slot
}

type slotKey struct {
	Key
	slot string
}

// Release is the claim of a run that never started, made or perhaps made. It is kept
// until the ledger has answered.
type Release struct {
	Run *Run
	// Term is the one under which it was claimed.
	Term int64
	// Outcome is what the slot is recorded with then. NoOutcome leaves it free. It means
	// nothing of a run that took the place of a row, which stays as it was.
	Outcome Outcome
	Reason  string
}

// giveBack gives back the claim of a run that certainly never started, whether the
// ledger has it or may have it.
func (e *Engine) giveBack(p *Run, outcome Outcome, reason string) {
	p.uncertain, p.armed = false, false
	e.releases.add(Release{Run: p, Term: p.Term, Outcome: outcome, Reason: reason})
}

// GiveBack gives back the claim of a run that does not start, and leaves its slot free.
func (e *Engine) GiveBack(p *Run) { e.giveBack(p, NoOutcome, "") }

// GiveBackPending gives back the claims of all that waits to be claimed again, or is
// armed. What waits stays in the queue.
func (e *Engine) GiveBackPending() {
	e.Disarm()
	for _, p := range e.queue.uncertain() {
		e.GiveBack(p)
	}
}

func (rs *releases) add(r Release) {
	if rs.slots == nil {
		rs.slots = make(map[slotKey]int)
	}
	rs.slots[r.Run.slotKey()]++
	rs.waiting = append(rs.waiting, r)
}

// drop forgets the first n, which are done with.
func (rs *releases) drop(n int) {
	for _, r := range rs.waiting[:n] {
		key := r.Run.slotKey()
		if rs.slots[key]--; rs.slots[key] == 0 {
			delete(rs.slots, key)
		}
	}
	if rs.waiting = rs.waiting[n:]; len(rs.waiting) == 0 {
		rs.waiting = nil
	}
}

// has reports whether a claim of the run's slot is still to be given back.
func (rs *releases) has(p *Run) bool {
	return len(rs.slots) > 0 && rs.slots[p.slotKey()] > 0
}

// planAnew leaves the slots free: what was to be recorded of them is planned again
// under the term that has begun.
func (rs *releases) planAnew() {
	for i := range rs.waiting {
		rs.waiting[i].Outcome, rs.waiting[i].Reason = NoOutcome, ""
	}
}

// Releases are the claims that are to be given back.
func (e *Engine) Releases() []Release { return e.releases.waiting }

// NextReleases returns the first of them: of claims that were made under one term.
func (e *Engine) NextReleases() []Release {
	n, waiting := 0, e.releases.waiting
	for n < len(waiting) && n < fullBatch && waiting[n].Term == waiting[0].Term {
		n++
	}
	return waiting[:n:n]
}

// Released records what becomes of the first n, whose claims were given back, and
// returns how many slots are free again.
func (e *Engine) Released(n int, now time.Time) (free int) {
	for _, r := range e.releases.waiting[:n] {
		switch {
		case r.Run.Replaces != nil:
		case r.Outcome == NoOutcome:
			free++
		case e.Term.IsResumed(): // or else the next term plans it again
			e.record(r.Run, r.Outcome, r.Reason, now)
		}
	}
	e.releases.drop(n)
	return free
}

// Leave drops the first n, which cannot be given back any more.
func (e *Engine) Leave(n int) { e.releases.drop(n) }

// Unstarted are the runs of earlier claims that certainly never start: their claims are
// given back, or will be once the ledger has answered. Those that took the place of a
// row are left out.
func (e *Engine) Unstarted() []*Run {
	var runs []*Run
	for _, r := range e.releases.waiting {
		if r.Run.Replaces == nil {
			runs = append(runs, r.Run)
		}
	}
	for _, a := range e.Accounts.All() {
		for _, ts := range a.tasks {
			for c := ts.claiming; c != nil; c = c.nextClaim {
				runs = append(runs, c)
			}
		}
	}
	return runs
}
