package tradeclock

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/plan"
)

// spreadOut lets the accounts of a wave start one after the other, each at its
// offset from the occurrence that runs, and reports whether it does. Of several that
// all run, each has an offset of its own: then the runs are made, and wait.
func (s *UnifiedTaskScheduler) spreadOut(w *wave) bool {
	newest := w.due[len(w.due)-1]
	if w.row.Spread == 0 || newest.Skip != "" || len(w.due) > 1 && !w.repeats() {
		return false
	}
	w.within = w.row.run.SpreadWithin(newest)
	type start struct {
		account *account
		offset  time.Duration
	}
	starts := make([]start, len(w.accts))
	for i, a := range w.accts {
		starts[i] = start{a, engine.SpreadOffset(a.name, w.row.Task, newest.Slot, w.within)}
	}
	slices.SortStableFunc(starts, func(a, b start) int { return cmp.Compare(a.offset, b.offset) })
	w.offsets = make([]time.Duration, len(starts))
	for i, st := range starts {
		w.accts[i], w.offsets[i] = st.account, st.offset
	}
	return true
}

// nextStart is when the next account of a wave with a spread may start.
func (w *wave) nextStart() time.Time { return w.due[len(w.due)-1].Due.Add(w.offsets[0]) }

// lineUpSpread makes the pending runs whose offsets have passed.
func (s *UnifiedTaskScheduler) lineUpSpread(now time.Time) {
	q := &s.queue
	for i := range q.spread {
		w := &q.spread[i]
		passed := now.Sub(w.due[len(w.due)-1].Due)
		s.lineUp(w, sort.Search(len(w.offsets), func(i int) bool { return w.offsets[i] > passed }), now)
	}
	q.spread = slices.DeleteFunc(q.spread, wave.isDone)
}

// lineUpOlder makes the pending runs of waves with a spread to which repeating rules
// bring a newer occurrence, which may take their place. It is rare: offsets end
// before the next occurrence where that is known.
func (s *UnifiedTaskScheduler) lineUpOlder(due []plan.Occurrence, now time.Time) {
	if len(s.queue.spread) == 0 {
		return
	}
	s.lineUpAll(func(w *wave) bool {
		sameTask := func(o plan.Occurrence) bool { return rowOf(o).Task == w.row.Task }
		return w.offsets != nil && w.repeats() && slices.ContainsFunc(due, sameTask)
	}, now)
}

// start is when a pending run may start.
func (p *pending) start() time.Time { return p.run.Due.Add(p.run.Offset) }

// startsAt notes when a run that waits may start. Zero is not known.
func (q *queue) startsAt(at time.Time) {
	if !at.IsZero() && (q.startAt.IsZero() || at.Before(q.startAt)) {
		q.startAt = at
	}
}

// watchStarts looks through the queue again when the next run in it may start.
func (s *UnifiedTaskScheduler) watchStarts() {
	q := &s.queue
	q.starting.Stop()
	q.starting = nil
	for i := range q.spread {
		q.startsAt(q.spread[i].nextStart())
	}
	if q.startAt.IsZero() || s.life.draining {
		return
	}
	s.keepBetweenTicks()
	q.starting = s.afterLocked(q.startAt.Sub(s.clock.Now()), s.kickLater)
}
