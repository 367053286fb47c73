package world

import (
	"errors"
	"fmt"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/store"
)

// heldToReport holds an outcome that is reported to what its execution did.
func (b *book) heldToReport(run *tradeclock.Run) {
	x := b.executionOf(run)
	if x == nil || run.Outcome == tradeclock.Interrupted {
		return
	}
	if text := x.agrees(run.Outcome); text != "" {
		b.w.violate("outcomes are true", fmt.Sprintf("%s is reported: %s", describe(run), text))
	}
}

// heldToRerun holds a run that is delivered at least once, and was cut off by the stop of
// its process or the loss of its term, to being reported with until when it runs again.
func (b *book) heldToRerun(p *process, run *tradeclock.Run) {
	x := b.executionOf(run)
	if x == nil || x.p != p || run.Outcome != tradeclock.Interrupted || run.Manual || x.task.Delivery != tradeclock.AtLeastOnce {
		return
	}
	until := run.Due.Add(x.task.catchUp())
	cutOff := errors.Is(x.cause, tradeclock.ErrStopped) || errors.Is(x.cause, tradeclock.ErrTermLost)
	if cutOff && x.task.CatchUpUntil == nil && run.Finished.Before(until) && !run.RerunUntil.Equal(until) {
		b.w.violate("at least once", fmt.Sprintf("%s is reported as interrupted, to run again until %v, want %v", describe(run), run.RerunUntil, until))
	}
}

// executionOf returns the last attempt of a start, or nil.
func (b *book) executionOf(run *tradeclock.Run) *execution {
	var last *execution
	for _, x := range b.bySlot[slotOf(run)] {
		if x.run.Token == run.Token && run.Token != "" {
			last = x
		}
	}
	return last
}

// evidenceOf holds the late evidence of a row to what was reported after the row had been
// settled otherwise.
func (b *book) evidenceOf(row *tradeclock.Run) string {
	var has store.LateOutcome
	if row.Late != nil {
		has = *row.Late
	}
	want := b.rowsOf[slotOf(row)].late
	if has.Outcome != want.Outcome || has.Reason != want.Reason || !has.Finished.Equal(want.Finished) {
		return fmt.Sprintf("its late evidence is %v (%s), want %v (%s)", has.Outcome, has.Reason, want.Outcome, want.Reason)
	}
	return ""
}

// checkReported looks for executions whose outcome was never reported, although their
// process lived on, or ended cleanly.
func (w *World) checkReported() {
	b := w.book
	for _, x := range b.executions {
		ended := x.p.ended && x.p.err == nil
		row := b.rowsOf[slotOf(&x.run)]
		if row == nil || !x.over || x.result == "" || x.p.dead && !ended || w.now < x.gone() || b.reported[x.run.Token] {
			continue
		}
		w.violate("outcomes are true", fmt.Sprintf("%s returned %q at %s, and nobody was told", describe(&x.run), x.result, x.p.name))
	}
}

// describe names a run, with its outcome if it has one.
func describe(r *tradeclock.Run) string {
	text := fmt.Sprintf("%s %s %s", r.Account, r.Task, r.Slot)
	if r.Outcome != tradeclock.NoOutcome && r.Outcome != tradeclock.Running {
		text += " as " + r.Outcome.String()
	}
	return text
}
