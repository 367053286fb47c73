package world

import (
	"fmt"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
)

// A chain is a task that is due when another has succeeded. The world knows of it the slots,
// from when on it waits and until when, and holds it to what became of the other.

// chainOn lists what is to wait for another task on a session.
func (x exchangePlace) chainOn(tasks []task, account string, t task, date calendar.Date, is session) []occurrence {
	base, ok := rowFor(tasks, account, taskNames[t.base])
	if !ok {
		return nil
	}
	found := x.occurrencesAt(tasks, account, base, date, is)
	for i := range found {
		o := &found[i]
		o.until = x.instant(date.AddDays(1), 0)
		if t.to > 0 {
			o.until = x.instant(date, is.close).Add(t.to)
			if is.unknown || is.unsaid { // recorded when the date is over, as nobody knows its end
				o.due, o.skip = x.instant(date.AddDays(1), 0), true
			}
		}
		o.skip = o.skip || base.Disabled || !o.due.Before(o.until)
	}
	return found
}

// isChain reports whether a task waits for another.
func (b *book) isChain(account, task string) bool { return b.taskOf(account, task).kind == "chain" }

// isOf reports whether a row, or a run, is that of the occurrence: it is due then, or, if it
// has waited, not before.
func (o occurrence) isOf(run *tradeclock.Run) bool {
	return o.slot == run.Slot && (o.due.Equal(run.Due) || !o.until.IsZero() && run.Due.After(o.due))
}

// chained: what waits for another starts when that has succeeded, at its delay.
func (b *book) chained(x *execution) (invariant, text string) {
	if x.task.kind != "chain" || x.run.Manual || x.run.Attempt > 1 || b.wasMoved(&x.run) { // what a person has moved does not wait
		return "", ""
	}
	base := b.rowsOf[slotKey{x.run.Account, taskNames[x.task.base], x.run.Slot}]
	switch {
	case base == nil || base.outcome != tradeclock.Succeeded:
		return "chains", "what it waits for has not succeeded"
	case x.run.Due.Before(base.finished.Add(x.task.every)) && !b.rows.uncertain(0, b.w.now):
		return "chains", fmt.Sprintf("it is due at %v, and what it waits for has finished at %v", x.run.Due, base.finished)
	}
	return "", ""
}

// checkChain holds what was skipped of a chained occurrence to what became of the other.
func (b *book) checkChain(account string, o occurrence) {
	t, row := b.taskOf(account, o.task), b.rowsOf[slotKey{account, o.task, o.slot}]
	if t.kind != "chain" || row == nil || row.run.Manual || row.outcome != tradeclock.Skipped || !strings.HasPrefix(row.run.Reason, "no success of ") {
		return
	}
	base := b.rowsOf[slotKey{account, taskNames[t.base], o.slot}]
	switch _, why, _ := strings.Cut(row.run.Reason, taskNames[t.base]); {
	case base == nil || base.outcome != tradeclock.Succeeded || base.run.Manual || o.skip:
		return
	case strings.HasPrefix(why, ": "):
		b.w.violate("chains", fmt.Sprintf("%s (%s), and that succeeded", describe(&row.run), row.run.Reason))
	case b.w.wallAt(base.settled+near).Before(o.until) && base.finished.Add(t.every+near).Before(o.until):
		b.w.violate("chains", fmt.Sprintf("%s (%s), and that succeeded at %v", describe(&row.run), row.run.Reason, base.finished))
	}
}

// checkChainNormal holds a chained occurrence, in calm times, to run as soon as it is due.
func (b *book) checkChainNormal(account string, o occurrence, from time.Duration) {
	t := b.taskOf(account, o.task)
	if _, said := b.words.of(account, o.task, o.slot); said {
		return
	}
	base := b.rowsOf[slotKey{account, taskNames[t.base], o.slot}]
	row := b.rowsOf[slotKey{account, o.task, o.slot}]
	if base == nil || base.outcome != tradeclock.Succeeded || base.run.Manual || o.skip || row != nil && row.run.Manual {
		return
	}
	due := max(base.settled, base.finished.Sub(b.w.script.start), from) + t.every
	changed := b.rows.uncertain(from-near, due+near) || b.calendars.uncertain(from-near, due+near) || b.rows.at(from-near) != b.rows.at(due+near)
	if changed || b.wasAway(account, from, due) || b.disturbed.touch(from-calm-10*time.Second, due+t.Spread+10*time.Second) || b.held(account, o, due) {
		return
	}
	b.checked.Chained++
	for _, x := range b.bySlot[slotKey{account, o.task, o.slot}] {
		if begins := x.begin - x.run.Offset; begins >= due-time.Second && begins <= due+4*time.Second {
			return
		}
	}
	b.w.violate("normal after faults", fmt.Sprintf("%s %s %s, due %v, did not run when %s had succeeded", account, o.task, o.slot, b.w.local(due), taskNames[t.base]))
}
