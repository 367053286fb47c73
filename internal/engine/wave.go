package engine

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/internal/plan"
)

// wave is what one row brought up in one planning: its occurrences, and the accounts
// for which no runs were made of them yet. They are made batch by batch as
// runs can start. So the first of a hundred thousand starts at once, and those
// that wait for a place take a pointer each.
type wave struct {
	row       *Row
	due       []plan.Occurrence
	accts     []*Account      // by name, or by their offsets
	offsets   []time.Duration // of accts, if the row has a spread, in order
	within    time.Duration   // what they are less than
	planned   time.Time       // when that was
	backdated bool            // behind the watermark
	twice     bool            // some of it may have been planned before
	rank      int             // as of a run
	limited   bool            // a start limit has held it up
}

func (w *wave) compare(o *wave) int {
	return cmp.Or(
		w.due[0].Due.Compare(o.due[0].Due),
		cmp.Compare(w.row.Policy.Priority, o.row.Policy.Priority),
		cmp.Compare(w.rank, o.rank),
		cmp.Compare(w.row.Policy.Task, o.row.Policy.Task),
		cmp.Compare(w.row.Account, o.row.Account),
	)
}

// precedes reports whether the wave's first run comes before a pending one.
func (w *wave) precedes(p *Run) bool {
	return cmp.Or(
		w.due[0].Due.Compare(p.Due),
		cmp.Compare(w.row.Policy.Priority, p.Row.Policy.Priority),
		cmp.Compare(w.rank, p.rank),
		cmp.Compare(w.row.Policy.Task, p.Row.Policy.Task),
		cmp.Compare(w.accts[0].Name, p.Account.Name),
	) < 0
}

// repeats reports whether of the wave's occurrences only the newest runs.
func (w *wave) repeats() bool {
	return !slices.ContainsFunc(w.due, func(o plan.Occurrence) bool { return !o.InSeries() })
}

// newest is the wave's last occurrence.
func (w *wave) newest() *plan.Occurrence { return &w.due[len(w.due)-1] }

// expires is when the catch-up of the wave's first occurrence ends.
func (w *wave) expires() time.Time { return w.row.Expiry(w.due[0].Due, w.due[0].Session) }

// runs is the number of runs that the wave still brings, at most.
func (w *wave) runs() int {
	if w.repeats() {
		return len(w.accts)
	}
	return len(w.accts) * len(w.due)
}

func (w wave) isDone() bool { return len(w.accts) == 0 }

// byRow parts occurrences by their row, in the order of each row's first.
func byRow(due []plan.Occurrence) [][]plan.Occurrence {
	var parts [][]plan.Occurrence
	if due[0].Due.Equal(due[len(due)-1].Due) { // each row is due once
		parts = make([][]plan.Occurrence, 0, len(due))
		for i := range due {
			parts = append(parts, due[i:i+1])
		}
		return parts
	}
	index := make(map[*plan.Row]int)
	for _, o := range due {
		i, seen := index[o.Row]
		if !seen {
			i = len(parts)
			index[o.Row] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], o)
	}
	return parts
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
		shared := turn{"", w.due[0].Due.Unix(), w.row.Policy.Priority}
		own := turn{w.row.Account, shared.due, shared.priority}
		w.rank = counts[shared]
		if own != shared {
			w.rank += counts[own]
		}
		counts[own]++
	}
}

// spreadOut lets the accounts of the wave start one after the other, each at its
// offset from the occurrence that runs, and reports whether it does. Of several that
// all run, each has an offset of its own: then the runs are made, and wait.
func (w *wave) spreadOut() bool {
	newest := w.newest()
	if w.row.Spread == 0 || newest.Skip != "" || newest.Awaits != nil || len(w.due) > 1 && !w.repeats() {
		return false
	}
	w.within = w.row.SpreadWithin(*newest)
	type start struct {
		account *Account
		offset  time.Duration
	}
	starts := make([]start, len(w.accts))
	for i, a := range w.accts {
		starts[i] = start{a, SpreadOffset(a.Name, w.row.Task(), newest.Slot, w.within)}
	}
	slices.SortStableFunc(starts, func(a, b start) int { return cmp.Compare(a.offset, b.offset) })
	w.offsets = make([]time.Duration, len(starts))
	for i, st := range starts {
		w.accts[i], w.offsets[i] = st.account, st.offset
	}
	return true
}

// nextStart is when the next account of a wave with a spread may start.
func (w *wave) nextStart() time.Time { return w.newest().Due.Add(w.offsets[0]) }

// passed is how many accounts of a wave with a spread have an offset that has passed.
func (w *wave) passed(now time.Time) int {
	since := now.Sub(w.newest().Due)
	return sort.Search(len(w.offsets), func(i int) bool { return w.offsets[i] > since })
}

// indexOf finds an account, or returns a negative number.
func (w *wave) indexOf(a *Account) int {
	if w.offsets != nil {
		return w.indexByOffset(a)
	}
	at, found := slices.BinarySearchFunc(w.accts, a.Name, func(a *Account, name string) int { return strings.Compare(a.Name, name) })
	if !found {
		return -1
	}
	return at
}

func (w *wave) indexByOffset(a *Account) int {
	offset := SpreadOffset(a.Name, w.row.Task(), w.newest().Slot, w.within)
	at, _ := slices.BinarySearch(w.offsets, offset)
	for ; at < len(w.offsets) && w.offsets[at] == offset; at++ {
		if w.accts[at] == a {
			return at
		}
	}
	return -1
}

// drop takes the first n accounts out.
func (w *wave) drop(n int) {
	w.accts = w.accts[n:]
	if w.offsets != nil {
		w.offsets = w.offsets[n:]
	}
}

// brings reports whether the wave has an occurrence of a task for an account that is
// due after an instant.
func (w *wave) brings(a *Account, task string, after time.Time) bool {
	return w.row.Task() == task && w.newest().Due.After(after) && w.indexOf(a) >= 0
}

// comesFor reports whether a wave brings the account an occurrence of the row's task
// that is due after an instant.
func (q *queue) comesFor(a *Account, r *Row, after time.Time) bool {
	comes := func(w wave) bool { return w.brings(a, r.Task(), after) }
	return slices.ContainsFunc(q.waves, comes) || slices.ContainsFunc(q.spread, comes)
}

// dropDone drops one of the waves if all of its runs have been made.
func (q *queue) dropDone(i int) {
	switch {
	case !q.waves[i].isDone():
	case i == 0 && len(q.waves) > 1: // there may be many others
		q.waves[0] = wave{}
		q.waves = q.waves[1:]
	default:
		q.waves = slices.Delete(q.waves, i, i+1)
	}
}
