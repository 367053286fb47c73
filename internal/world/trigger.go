package world

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/request"
)

// wish is a person's wish to run a task now.
type wish struct {
	req       tradeclock.TriggerRequest
	p         *process // that was asked
	answered  bool
	err       error
	executed  bool
	isRequest bool // it was asked of whoever holds the term
}

// trigger lets a person run a task now: as a run of its own, or as today's.
func (w *World) trigger(in incident) {
	wish := &wish{req: tradeclock.TriggerRequest{
		Task: w.script.tasks[in.task].Task, Account: in.account, Actor: person(in),
		Force: in.number%3 == 0, ForToday: in.kind == standIn,
	}}
	w.book.wishes[wish.req.Actor] = wish
	if w.asksFor(in) {
		wish.isRequest = true
		w.ask(request.Request{
			Kind: request.Trigger, Task: wish.req.Task, Account: wish.req.Account, Actor: wish.req.Actor,
			ForToday: wish.req.ForToday, Force: wish.req.Force,
		})
		return
	}
	w.order(in, "trigger", func(p *process) error {
		wish.p = p
		_, wish.err = p.sched.Trigger(context.Background(), wish.req)
		wish.answered = true
		w.book.heldToAnswer(wish)
		w.book.heldToTaken(wish)
		return wish.err
	})
}

// refusals are what a person may be told in calm times.
var refusals = []error{
	tradeclock.ErrBusy, tradeclock.ErrHalted, tradeclock.ErrNoTerm, tradeclock.ErrOutsideSession,
	tradeclock.ErrSlotTaken, tradeclock.ErrStopped, tradeclock.ErrUnknownAccount,
}

// heldToAnswer: a wish is granted, or refused for one of a few reasons. That a run stands
// for that of today may be refused for others: there is none, or there are many.
func (b *book) heldToAnswer(wish *wish) {
	is := func(target error) bool { return errors.Is(wish.err, target) }
	unusable := !b.isUsable(query{account: wish.req.Account, task: wish.req.Task})
	if wish.p.dead || wish.err == nil || wish.req.ForToday || unusable || slices.ContainsFunc(refusals, is) || b.broken.touch(b.w.now-time.Minute, b.w.now) {
		return
	}
	b.w.violate("triggers", fmt.Sprintf("%s of %s was refused: %v", wish.req.Task, wish.req.Account, wish.err))
}

// wished: a manual run is one that a person asked this process for, and was not
// refused; it runs once.
func (b *book) wished(x *execution) (invariant, text string) {
	if !x.run.Manual || x.run.Attempt > 1 {
		return "", ""
	}
	wish := b.wishes[x.run.Actor]
	switch {
	case wish == nil || wish.p != x.p && !wish.isRequest || wish.req.Task != x.run.Task || wish.req.Account != x.run.Account:
		return "triggers", "nobody asked for it"
	case wish.err != nil:
		return "triggers", fmt.Sprintf("%s was told: %v", x.run.Actor, wish.err)
	case wish.executed:
		return "triggers", x.run.Actor + " has got a run already"
	case wish.req.ForToday != (x.run.Slot == x.run.Session.String() || x.run.Slot == stuckSlot):
		return "triggers", fmt.Sprintf("%s asked for a run for today: %v", x.run.Actor, wish.req.ForToday)
	case !wish.req.Force && !b.mayRunOn(x):
		return "triggers", "it is not a day for it"
	}
	wish.executed = true
	return "", ""
}

// mayRunOn reports whether a task runs on the session of a run, by a calendar that
// the process has.
func (b *book) mayRunOn(x *execution) bool {
	for _, c := range b.calendars.given(x.p, b.w.now, 2) {
		is := b.calendars.all[c-1][x.run.Session]
		if is.runs(x.task) || is.unknown && x.task.Sessions&calendar.EveryDay != 0 {
			return true
		}
	}
	return false
}

// checkWishes looks for what people were promised.
func (w *World) checkWishes() {
	for _, actor := range slices.Sorted(maps.Keys(w.book.wishes)) {
		wish := w.book.wishes[actor]
		if !wish.isRequest && wish.answered && wish.err == nil && !wish.executed && !wish.p.dead {
			w.violate("triggers", fmt.Sprintf("%s was told that %s runs, and it did not", actor, wish.req.Task))
		}
	}
}
