package world

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/request"
)

// cancelRuns lets a person cancel something that goes on: one run, whatever goes on of a
// task, or of an account, or everything. Who finds that nothing goes on looks again.
func (w *World) cancelRuns(in incident) {
	if len(w.book.running) == 0 && w.now+20*time.Second < in.end {
		w.at(w.now+20*time.Second, func() { w.cancelRuns(in) })
		return
	}
	r := request.Request{Kind: request.Cancel, Account: in.account, Task: w.script.tasks[in.task].Task, Reason: "simulated", Actor: person(in)}
	if n := len(w.book.running); n > 0 {
		x := w.book.running[w.script.chance.pick(n, "cancel", r.Actor, 0)]
		r.Account, r.Task, r.Slot = x.run.Account, x.run.Task, x.run.Slot
	}
	switch w.script.chance.pick(5, "cancel", r.Actor, 1) {
	case 0:
		r.Account, r.Task, r.Slot = "", "", ""
	case 1:
		r.Task, r.Slot = "", ""
	case 2, 3:
		r.Slot = ""
	}
	w.disturb(w.now, w.now+request.DefaultExpiry)
	if w.asksFor(in) {
		w.ask(r)
		return
	}
	pt := w.book.petition(r)
	pt.direct = true
	w.order(in, "cancel", func(p *process) error {
		pt.asked = w.now
		ended, err := p.sched.Cancel(tradeclock.CancelRequest{Account: r.Account, Task: r.Task, Slot: r.Slot, Reason: r.Reason, Actor: r.Actor})
		if pt.answer, pt.answered = request.Refused, w.now; len(ended) > 0 {
			pt.answer = request.Done
			w.book.toldOfCancel(p, pt)
		}
		return err
	})
}

// isAbout reports whether an execution is one of those that a person wants to end.
func (pt *petition) isAbout(x *execution) bool {
	return (pt.Account == "" || pt.Account == x.run.Account) && (pt.Task == "" || pt.Task == x.run.Task) && (pt.Slot == "" || pt.Slot == x.run.Slot)
}

// toldOfCancel: what went on when it was asked has been ended by the time that the person
// is told so.
func (b *book) toldOfCancel(p *process, pt *petition) {
	if pt.answer == request.Done && !b.stepped.touch(pt.asked-time.Hour, b.w.now) {
		b.toBeCancelled(p, func(x *execution) bool { return x.begin < pt.asked && pt.isAbout(x) })
	}
}

// wasEndedBy reports whether a person has cancelled the execution.
func (x *execution) wasEndedBy(pt *petition) bool {
	return errors.Is(x.cause, tradeclock.ErrCancelled) && strings.Contains(x.cause.Error(), "by "+pt.Actor+": ")
}

// heldToCancel: whoever cancelled an execution asked for it, and was not told otherwise.
func (b *book) heldToCancel(x *execution) {
	if !errors.Is(x.cause, tradeclock.ErrCancelled) {
		return
	}
	for _, pt := range b.asking {
		if !x.wasEndedBy(pt) {
			continue
		}
		later := x.run.Started.After(b.w.wallAt(pt.asked)) && !b.stepped.touch(pt.asked-time.Hour, b.w.now)
		if pt.Kind != request.Cancel || !pt.isAbout(x) || later {
			b.w.violate("requests", fmt.Sprintf("%s was ended for %s, who did not ask for that", describe(&x.run), pt.Actor))
		}
		return
	}
	b.w.violate("requests", fmt.Sprintf("%s was cancelled, and nobody asked for it: %v", describe(&x.run), x.cause))
}

// checkCancel: who was told that runs are ending was told the truth, and so was who was
// told that none goes on.
func (w *World) checkCancel(pt *petition) {
	ended, mayHave := false, false
	for _, x := range w.book.executions {
		ended = ended || x.wasEndedBy(pt) && (pt.answer == request.Done || w.book.isRecordedAsCut(x))
		wentOn := x.begin <= pt.answered && (!x.over || x.end >= pt.asked)
		mayHave = mayHave || pt.isAbout(x) && wentOn && (!x.over || x.result == "" || x.cause != nil || x.end <= pt.answered+time.Second)
	}
	switch {
	case pt.answer == request.Done && !ended && !mayHave:
		w.violate("requests", fmt.Sprintf("%s was told %q, and no run has ended", pt.Actor, pt.text))
	case pt.answer != request.Done && pt.answer != "" && ended:
		w.violate("requests", fmt.Sprintf("%s was told %s (%s), and a run was cancelled for him", pt.Actor, pt.answer, pt.text))
	}
}

// cancelled: what a person has cancelled is neither tried again nor run again by its process.
func (b *book) cancelled(x *execution) (invariant, text string) {
	for _, o := range b.bySlot[slotOf(&x.run)] {
		if errors.Is(o.cause, tradeclock.ErrCancelled) && o.p == x.p && o.run.Term == x.run.Term {
			return "requests", fmt.Sprintf("it runs again, and %v", o.cause)
		}
	}
	return "", ""
}

// saysWhoCancelled holds the reason of an interrupted row to telling who ended the run.
func (b *book) saysWhoCancelled(row *tradeclock.Run, last *execution) string {
	mine := b.rowsOf[slotOf(row)]
	if errors.Is(last.cause, tradeclock.ErrCancelled) && last.result == returnsCause && mine.settledIn == mine.term && !strings.Contains(row.Reason, last.cause.Error()) {
		return fmt.Sprintf("it was %v, and its reason does not say so", last.cause)
	}
	return ""
}

// isRecordedAsCut reports whether the ledger was told by its own process that an execution was
// cut short: one that crashes, or whose executor does not heed its context, leaves nothing
// of who has cancelled it.
func (b *book) isRecordedAsCut(x *execution) bool {
	row := b.rowsOf[slotOf(&x.run)]
	return row != nil && x.result == returnsCause && row.token == x.run.Token && row.outcome == tradeclock.Interrupted && row.settledIn == row.term
}
