package tradeclock

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/plan"
)

// wave is what one row brought up in one planning: its occurrences, and the accounts
// for which no pending runs were made of them yet. They are made batch by batch as
// runs can start. So the first of a hundred thousand starts at once, and those
// that wait for a place take a pointer each.
type wave struct {
	row       *row
	due       []plan.Occurrence
	accts     []*account      // by name, or by their offsets
	offsets   []time.Duration // of accts, if the row has a spread, in order
	within    time.Duration   // what they are less than
	planned   time.Time       // when that was
	backdated bool            // behind the watermark
	rank      int             // as of pending
	limited   bool            // a start limit has held it up
}

func (w *wave) compare(o *wave) int {
	return cmp.Or(
		w.due[0].Due.Compare(o.due[0].Due),
		cmp.Compare(w.row.Priority, o.row.Priority),
		cmp.Compare(w.rank, o.rank),
		cmp.Compare(w.row.Task, o.row.Task),
		cmp.Compare(w.row.Account, o.row.Account),
	)
}

// precedes reports whether the wave's first run comes before a pending one.
func (w *wave) precedes(p *pending) bool {
	return cmp.Or(
		w.due[0].Due.Compare(p.run.Due),
		cmp.Compare(w.row.Priority, p.row.Priority),
		cmp.Compare(w.rank, p.rank),
		cmp.Compare(w.row.Task, p.run.Task),
		cmp.Compare(w.accts[0].name, p.run.Account),
	) < 0
}

// repeats reports whether of the wave's occurrences only the newest runs.
func (w *wave) repeats() bool {
	return !slices.ContainsFunc(w.due, func(o plan.Occurrence) bool { return !repeats(o) })
}

func repeats(o plan.Occurrence) bool { return o.Repeats }

// runs is the number of runs that the wave still brings, at most.
func (w *wave) runs() int {
	if w.repeats() {
		return len(w.accts)
	}
	return len(w.accts) * len(w.due)
}

// enqueue takes in what the plan brought. An occurrence of a repeating rule takes
// the place of one that still waits: if any does, its runs are made at once. The
// caller holds mu.
func (s *UnifiedTaskScheduler) enqueue(due []plan.Occurrence, now time.Time) {
	if len(due) == 0 {
		return
	}
	q := &s.queue
	s.lineUpOlder(due, now)
	older := len(q.ready)+len(q.waiting)+len(q.waves) > 0
	known := len(q.waves)
	for _, mine := range byRow(due) {
		w := wave{row: rowOf(mine[0]), due: mine, accts: s.holders(rowOf(mine[0])), planned: now}
		switch {
		case len(w.accts) == 0:
			continue
		case s.spreadOut(&w):
			q.spread = append(q.spread, w)
		default:
			q.waves = append(q.waves, w)
		}
		q.expectAt(w.row.run.Expiry(w.due[0].Due, w.due[0].Session))
	}
	fresh := q.waves[known:]
	if s.cfg.MaxConcurrent > 0 {
		rankWaves(fresh)
	}
	slices.SortStableFunc(fresh, func(a, b wave) int { return a.compare(&b) })
	if !older {
		return
	}
	repeating := make(map[string]bool)
	for i := range fresh {
		if slices.ContainsFunc(fresh[i].due, repeats) {
			repeating[fresh[i].row.Task] = true
		}
	}
	if len(repeating) > 0 {
		s.lineUpAll(func(w *wave) bool { return w.offsets == nil && repeating[w.row.Task] }, now)
	}
}

// holders are the accounts that the row holds for now, and that are served.
func (s *UnifiedTaskScheduler) holders(r *row) []*account {
	among := r.among(s.accounts.sorted())
	held := make([]*account, 0, len(among))
	for _, a := range among {
		if !a.gone && a.admitted && r.run.HoldsFor(a.name) {
			held = append(held, a)
		}
	}
	return held
}

// rankWaves counts the waves of each account at each instant and priority, so that
// its runs take turns with those of others while they wait for a place.
func rankWaves(waves []wave) {
	type turn struct {
		account  string
		due      int64
		priority int
	}
	slices.SortStableFunc(waves, func(a, b wave) int { return a.compare(&b) })
	counts := make(map[turn]int)
	for i := range waves {
		w := &waves[i]
		shared := turn{"", w.due[0].Due.Unix(), w.row.Priority}
		own := turn{w.row.Account, shared.due, shared.priority}
		w.rank = counts[shared]
		if own != shared {
			w.rank += counts[own]
		}
		counts[own]++
	}
}

// waitsOf says what has kept the wave's runs from being made since it was planned.
func (s *UnifiedTaskScheduler) waitsOf(w *wave) string {
	switch {
	case w.limited:
		return "start limit " + w.row.StartLimit
	case s.cfg.MaxConcurrent > 0 && w.offsets == nil:
		return waitsForPlace
	}
	return ""
}

// lineUp makes the pending runs of n more accounts of a wave.
func (s *UnifiedTaskScheduler) lineUp(w *wave, n int, now time.Time) {
	n = min(n, len(w.accts))
	var planned []*pending
	for _, a := range w.accts[:n] {
		planned = s.planRow(planned, a, w, now)
	}
	w.accts = w.accts[n:]
	if w.offsets != nil {
		w.offsets = w.offsets[n:]
	}
	s.line(planned)
}

func (w wave) isDone() bool { return len(w.accts) == 0 }

// lineUpNext makes pending runs of the first wave of which a start limit lets runs
// start, and reports whether there is one.
func (s *UnifiedTaskScheduler) lineUpNext(now time.Time) bool {
	for i := range s.queue.waves {
		if s.lineUpBatch(i, now) {
			s.dropDone(i)
			return true
		}
	}
	return false
}

// lineUpPreceding makes the pending runs that come before some that are ready: all
// of them, or as many as a start limit lets start.
func (s *UnifiedTaskScheduler) lineUpPreceding(now time.Time) {
	q := &s.queue
	for i := 0; i < len(q.waves) && len(q.ready) > 0; {
		w := &q.waves[i]
		if !w.precedes(q.ready[len(q.ready)-1]) {
			return
		}
		more := s.lineUpBatch(i, now)
		switch {
		case w.isDone():
			s.dropDone(i)
		case !more || w.row.StartLimit != "":
			i++
		}
	}
}

// lineUpBatch makes the next pending runs of one of the waves, and reports whether a
// start limit lets any start.
func (s *UnifiedTaskScheduler) lineUpBatch(i int, now time.Time) bool {
	w := &s.queue.waves[i]
	room, next := s.limits.Room(w.row.StartLimit, now)
	if room <= 0 {
		w.limited = true
		s.queue.startsAt(next)
		return false
	}
	s.lineUp(w, min(lineUpBatch, room), now)
	return true
}

// dropDone drops one of the waves if all of its runs have been made.
func (s *UnifiedTaskScheduler) dropDone(i int) {
	q := &s.queue
	switch {
	case !q.waves[i].isDone():
	case i == 0 && len(q.waves) > 1: // there may be many others
		q.waves[0] = wave{}
		q.waves = q.waves[1:]
	default:
		q.waves = slices.Delete(q.waves, i, i+1)
	}
}

// lineUpAll makes all pending runs of the waves that match.
func (s *UnifiedTaskScheduler) lineUpAll(match func(*wave) bool, now time.Time) {
	for _, waves := range s.queue.allWaves() {
		for i := range *waves {
			if w := &(*waves)[i]; match(w) {
				s.lineUp(w, len(w.accts), now)
			}
		}
		*waves = slices.DeleteFunc(*waves, wave.isDone)
	}
}

// lineUpOne makes the pending runs of one account, which is about to go.
func (s *UnifiedTaskScheduler) lineUpOne(a *account, now time.Time) {
	var planned []*pending
	for _, waves := range s.queue.allWaves() {
		for i := range *waves {
			w := &(*waves)[i]
			if at := w.indexOf(a); at >= 0 {
				planned = s.planRow(planned, a, w, now)
				w.accts = slices.Delete(w.accts, at, at+1)
				if w.offsets != nil {
					w.offsets = slices.Delete(w.offsets, at, at+1)
				}
			}
		}
		*waves = slices.DeleteFunc(*waves, wave.isDone)
	}
	s.line(planned)
}

// indexOf finds an account, or returns a negative number.
func (w *wave) indexOf(a *account) int {
	if w.offsets != nil {
		return w.indexByOffset(a)
	}
	at, found := slices.BinarySearchFunc(w.accts, a.name, func(a *account, name string) int { return strings.Compare(a.name, name) })
	if !found {
		return -1
	}
	return at
}

func (w *wave) indexByOffset(a *account) int {
	offset := engine.SpreadOffset(a.name, w.row.Task, w.due[len(w.due)-1].Slot, w.within)
	at, _ := slices.BinarySearch(w.offsets, offset)
	for ; at < len(w.offsets) && w.offsets[at] == offset; at++ {
		if w.accts[at] == a {
			return at
		}
	}
	return -1
}

// brings reports whether the wave has an occurrence of a task for an account that is
// due after an instant.
func (w *wave) brings(a *account, task string, after time.Time) bool {
	return w.row.Task == task && w.due[len(w.due)-1].Due.After(after) && w.indexOf(a) >= 0
}

// isFollowedBy reports whether the wave brings a newer occurrence of the run's task.
func (p *pending) isFollowedBy(w wave) bool { return w.brings(p.acct, p.run.Task, p.run.Due) }

// comesFor reports whether a wave brings the account an occurrence of the row's task
// that is due after an instant.
func (q *queue) comesFor(a *account, r *row, after time.Time) bool {
	comes := func(w wave) bool { return w.brings(a, r.Task, after) }
	return slices.ContainsFunc(q.waves, comes) || slices.ContainsFunc(q.spread, comes)
}
