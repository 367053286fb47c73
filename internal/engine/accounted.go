package engine

import (
	"slices"
	"time"
)

// Accounted is what of tasks and accounts has a row beyond the watermark, or will get one.
type Accounted map[Key]*accounted

// Entry is a row of it: of one occurrence, or of those from Due to LastDue if Count is
// more than 1.
type Entry struct {
	Key
	Slot    string
	Due     time.Time
	LastDue time.Time
	Count   int
	// Started is true if it had a start by itself, and not by a person's.
	Started bool
	// Ended is what it has come to, if that is asked for and known, or nil.
	Ended *Ended
}

// accounted is that of one task and account.
type accounted struct {
	slots   map[string]*Ended // nil of what has not ended, or of which nobody asks
	ranges  []Entry
	started time.Time // when the latest of those that had a start was due
}

// Add adds a row.
func (all Accounted) Add(row Entry) {
	known := all[row.Key]
	if known == nil {
		known = &accounted{slots: make(map[string]*Ended)}
		all[row.Key] = known
	}
	known.slots[row.Slot] = row.Ended
	if row.Started && row.Due.After(known.started) {
		known.started = row.Due
	}
	if row.Count > 1 {
		known.ranges = append(known.ranges, row)
	}
}

// Has reports whether an occurrence has a row, or lies in a range.
func (all Accounted) Has(key Key, slot string, due time.Time) bool {
	if len(all) == 0 {
		return false // as it is soon
	}
	known := all[key]
	if known == nil {
		return false
	}
	if _, has := known.slots[slot]; has {
		return true
	}
	return slices.ContainsFunc(known.ranges, func(r Entry) bool {
		return !due.Before(r.Due) && !due.After(r.LastDue)
	})
}

// lastStarted is when the latest run of a task that had a start was due, or zero.
func (all Accounted) lastStarted(key Key) time.Time {
	if known := all[key]; known != nil {
		return known.started
	}
	return time.Time{}
}

// end notes what the run of a slot that has a row has come to.
func (all Accounted) end(key Key, slot string, end Ended) {
	if known := all[key]; known != nil {
		if _, has := known.slots[slot]; has {
			known.slots[slot] = &end
		}
	}
}

// ended returns what the run of a slot has come to, if it has a row and that is known.
func (all Accounted) ended(key Key, slot string) (end Ended, known bool) {
	if of := all[key]; of != nil && of.slots[slot] != nil {
		return *of.slots[slot], true
	}
	return Ended{}, false
}
