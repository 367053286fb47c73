package world

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
)

// usedUp: a claim that certainly never started uses up nothing. It may only be interrupted
// by another term, which cannot know, or with the death of its process.
func (b *book) usedUp(row *tradeclock.Run) string {
	mine := b.rowsOf[slotOf(row)]
	misled := b.w.faults[nonsense] > 0  // its process may have been told that its term was over
	again := mine.firstTerm < mine.term // and it stays as the older term had left it
	if mine.p == nil || mine.p.crashed || mine.settledIn > mine.term || misled || again {
		return ""
	}
	return fmt.Sprintf("it was claimed by %s and never started, and its slot is used up", mine.p.name)
}

// heldToLeaveNothing: who ends cleanly leaves no claim of its term behind.
func (b *book) heldToLeaveNothing(p *process) {
	for _, row := range b.rowsOf {
		if row.p == p && row.outcome.Open() && row.term == b.term.Number && b.w.now-row.at > time.Second {
			b.w.violate("ends cleanly", fmt.Sprintf("%s has ended, and left %s claimed", p.name, describe(&row.run)))
		}
	}
}

// checkCaughtUp holds a run that came once in a session to start within its catch-up, if
// there was a time in it in which all was normal.
func (b *book) checkCaughtUp(account string, o occurrence, due time.Duration) {
	t, row := b.taskOf(account, o.task), b.rowsOf[slotKey{account, o.task, o.slot}]
	if o.skip || b.wasAway(account, due, due) || strings.Contains(o.slot, "T") || row == nil || row.outcome != tradeclock.Missed {
		return
	}
	if t.CatchUpUntil != nil || !row.run.Due.Equal(o.due) { // it may end earlier, or the slot was due at another time
		return
	}
	if b.calendars.uncertain(due-poll, due+t.catchUp()) || b.rows.uncertain(due-poll, due+t.catchUp()) {
		return
	}
	const settled = calm + 10*time.Second
	for at := due + t.Spread + settled; at < due+t.catchUp()-settled; at += 10 * time.Second {
		if !b.disturbed.touch(at-settled, at+10*time.Second) && !b.held(account, o, at) {
			b.w.violate("caught up", fmt.Sprintf("%s did not run (%s), and all was normal at %s", describe(&row.run), row.run.Reason, b.w.local(at).Format("15:04:05")))
			return
		}
	}
}

// heldToOverlap: what is skipped for a run that had not finished came due while that run
// was going on. What came due while none was, as in an outage, is not skipped for it.
func (b *book) heldToOverlap(row *tradeclock.Run) string {
	rest, overlaps := strings.CutPrefix(row.Reason, "the run of ")
	slot, _, _ := strings.Cut(rest, " had not finished")
	if !overlaps || row.Outcome != tradeclock.Skipped {
		return ""
	}
	start := row.Due.Add(row.Offset)
	for _, x := range b.bySlot[slotKey{row.Account, row.Task, slot}] {
		if x.run.Started.Before(start) && (!x.over || !b.w.wallAt(x.gone()).Before(start.Add(-x.p.offset))) {
			return ""
		}
	}
	return "that run was not going on when it came due"
}

// heldToTaken: who is told that a slot has had a start is told the truth.
func (b *book) heldToTaken(wish *wish) {
	if wish.p.dead || !wish.req.ForToday || !errors.Is(wish.err, tradeclock.ErrSlotTaken) {
		return
	}
	slot := calendar.DateOf(wish.p.wall().In(b.w.script.zone)).String()
	if b.taskOf(wish.req.Account, wish.req.Task).kind == "stuck" {
		slot = stuckSlot
	}
	key := slotKey{wish.req.Account, wish.req.Task, slot}
	row := b.rowsOf[key]
	if row == nil || row.didNotStart() && len(b.bySlot[key]) == 0 {
		b.w.violate("triggers", fmt.Sprintf("%s of %s was told: %v, and it never started", wish.req.Task, wish.req.Account, wish.err))
	}
}
