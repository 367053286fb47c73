package engine

import (
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/said"
)

// Outcome is what becomes of a run that never starts.
type Outcome int

// The outcomes of such runs.
const (
	NoOutcome Outcome = iota
	Skipped
	Missed
)

// books is what is still to be written to the ledger, and what it has.
type books struct {
	records   []*Record // of runs that never started
	unclaimed []*Run    // that started, and the ledger does not have yet
	mark      time.Time // the watermark in the ledger
}

// Record is a row of runs that never started, which may still grow: of one occurrence, or
// of several that follow each other.
type Record struct {
	Run      *Run // the first
	Outcome  Outcome
	Reason   string
	Finished time.Time
	Count    int // of occurrences, or zero if there is one
	LastSlot string
	LastDue  time.Time
	dirty    bool // to be written
	told     int  // how many of its occurrences have been told of
}

// through is when the last occurrence of the record was due.
func (r *Record) through() time.Time {
	if r.Count == 0 {
		return r.Run.Due
	}
	return r.LastDue
}

// record keeps the outcome of a run that never started for the next write.
func (e *Engine) record(p *Run, outcome Outcome, reason string, now time.Time) *Record {
	if !p.Due.Equal(p.Planned) { // what waits, and never starts, is accounted for by its planned time
		p.Due, p.Offset = p.Planned, 0
	}
	r := &Record{Run: p, Outcome: outcome, Reason: said.Cut(reason, said.MaxReason), Finished: wall(now), dirty: true}
	e.books.records = append(e.books.records, r)
	e.noteEnd(p.Key(), p.Slot, p.Session, r.end(), now)
	return r
}

// recordRange records a run that never started. If the task's occurrence just
// before it was recorded for the same reason, its row grows instead, but for one that
// may have a row already.
func (e *Engine) recordRange(p *Run, outcome Outcome, reason string, now time.Time) {
	if outcome == Missed {
		e.countMissed(p, reason, now)
	}
	if p.twice { // the ledger leaves out each that has a row, or lies in a range
		e.record(p, outcome, reason, now)
		return
	}
	last := p.task.lastRow
	if last == nil || !last.growsBy(p, outcome, said.Cut(reason, said.MaxReason)) {
		p.task.lastRow = e.record(p, outcome, reason, now)
		return
	}
	last.Count = max(last.Count, 1) + 1
	last.LastSlot, last.LastDue = p.Slot, p.Due
	last.Finished = wall(now)
	if !last.dirty {
		last.dirty = true
		e.books.records = append(e.books.records, last)
	}
}

func (r *Record) growsBy(p *Run, outcome Outcome, reason string) bool {
	return p.inSeries() && r.Run.inSeries() && r.Outcome == outcome && r.Reason == reason && r.Run.Session == p.Session && r.Run.Term == p.Term &&
		r.through().Equal(p.prev) && p.Due.After(p.prev)
}

// countSkipped counts a run that was skipped.
func (e *Engine) countSkipped(p *Run, reason string) {
	e.Bad.Count(p.Key(), p.Slot, p.Due, VerdictOnSkipped(reason), reason, p.task.good || !e.remembers)
}

// countMissed counts a run that was missed, and tells of one that is delivered at most
// once until its session is over.
func (e *Engine) countMissed(p *Run, reason string, now time.Time) {
	if p.Replaces != nil || VerdictOnMissed(reason) != Bad {
		return
	}
	e.Bad.Missed(p.Key(), p.Slot, p.Due, reason, p.task.good || !e.remembers, p.Row.LostUntil(p.Session, p.Due, now))
}

// LostUntil is until when health tells of a run of the row that was missed, the last
// occurrence of which was due at an instant. It is zero if health does not.
func (r *Row) LostUntil(session calendar.Date, due, now time.Time) time.Time {
	loc := r.Calendar.Location()
	date := calendar.DateOf(due.In(loc))
	if date.Before(session) {
		date = session
	}
	over := calendar.EndOfDay.On(date, loc)
	if r.AtLeastOnce || !now.Before(over) {
		return time.Time{}
	}
	return over
}

// Mark is the watermark in the ledger.
func (e *Engine) Mark() time.Time { return e.books.mark }

// Records are those that are to be written.
func (e *Engine) Records() []*Record { return e.books.records }

// HasToWrite reports whether the ledger is to be told anything of accounts, of runs that
// never started, or of the watermark.
func (e *Engine) HasToWrite() bool {
	as := &e.Accounts
	return e.Term.IsResumed() &&
		(len(as.withdrawn)+len(as.unconfirmed)+len(e.books.records) > 0 || e.safeMark().After(e.books.mark))
}

// ToRecord returns what did not run, and the watermark that goes with it. There is
// nothing to write if ok is false.
func (e *Engine) ToRecord() (records []*Record, mark time.Time, ok bool) {
	b := &e.books
	// A row that is to go would keep out the record of its slot. What was pending under a
	// term that is over is dropped, and holds no watermark.
	if len(e.releases.waiting) > 0 || !e.Term.IsResumed() {
		return nil, mark, false
	}
	records, mark = b.records, e.safeMark()
	if len(records) == 0 && !mark.After(b.mark) {
		return nil, mark, false
	}
	b.records = nil
	for _, r := range records {
		r.dirty = false
	}
	return records, mark, true
}

// Recorded notes that the ledger has that.
func (e *Engine) Recorded(mark time.Time) { e.books.mark = mark }

// Tell returns how many are new of the occurrences that the ledger has of a record, and
// notes that they are told of.
func (r *Record) Tell(occurrences int) (fresh int) {
	fresh, r.told = occurrences-r.told, occurrences
	return fresh
}

// RecordLater keeps the records of a write that failed for the next one. Ranges that
// the ledger cannot keep, since the slot by which each goes is taken, are parted first.
// It reports whether there were any.
func (e *Engine) RecordLater(records []*Record, taken func(*Record) bool) (parted bool) {
	b := &e.books
	for _, r := range records {
		switch {
		case r.dirty: // it has grown meanwhile, and is among the records already
		case taken(r):
			b.records = append(b.records, r.parts()...)
			parted = true
		default:
			r.dirty = true
			b.records = append(b.records, r)
		}
	}
	return parted
}

// parts returns a record for each occurrence of a range but the first, whose slot
// has a row. A part whose slot has one too changes nothing.
func (r *Record) parts() []*Record {
	var rows []*plan.Row
	for base := r.Run.Row.Row; base != nil; base = base.Base {
		rows = append(rows, base)
	}
	var parts []*Record
	for _, o := range plan.New(rows).Between(r.Run.Due, r.through()) {
		if o.Row != r.Run.Row.Row {
			continue
		}
		run := *r.Run
		run.Slot, run.Session, run.Due = o.Slot, o.Session, o.Due
		parts = append(parts, &Record{Run: &run, Outcome: r.Outcome, Reason: r.Reason, Finished: r.Finished, dirty: true})
	}
	return parts
}

// Stored notes that the ledger has a run that started with it out of reach.
func (e *Engine) Stored(p *Run) {
	e.books.unclaimed = slices.DeleteFunc(e.books.unclaimed, func(o *Run) bool { return o == p })
}

// IsClaimed reports whether all that was planned is claimed or recorded.
func (e *Engine) IsClaimed() bool { return e.safeMark().Equal(e.planning.upTo) }

// safeMark is the instant up to which every occurrence is claimed or recorded, or
// is in the records that are about to be written. Due times are whole seconds.
func (e *Engine) safeMark() time.Time {
	mark := e.planning.upTo
	hold := func(due time.Time) {
		if before := due.Add(-time.Second); before.Before(mark) {
			mark = before
		}
	}
	if due, ok := e.queue.earliest(); ok {
		hold(due)
	}
	for _, p := range e.books.unclaimed {
		hold(p.Planned)
	}
	for i := range e.releases.waiting {
		hold(e.releases.waiting[i].Run.Planned)
	}
	return mark
}
