package world

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// storedHalt is a halt that is in force, as the store has it.
type storedHalt struct {
	at    time.Duration // when it was stored
	asked time.Duration // when the person wanted it
	actor string
}

// patience is how long a person waits for the answer to a lift before he goes to a process.
const patience = 4 * time.Minute

// halt lets a person halt an account, or all, and cancel what runs or not, and lift that
// later: by requests, or at a process.
func (w *World) halt(in incident) {
	r := request.Request{Kind: request.Halt, Account: in.account, Reason: "simulated", Actor: person(in), AndCancel: in.number%4 != 0}
	if w.asksFor(in) && in.number%3 != 0 {
		w.ask(r)
		w.disturb(w.now, in.end+patience)
		w.at(in.end, func() {
			w.ask(request.Request{Kind: request.Lift, Account: in.account, Reason: "simulated", Actor: person(in) + "'s friend"})
		})
		if c := w.script.chance; c.oneIn(3, "halted anew", r.Actor, 0) {
			w.at(in.end+c.between(0, 10*time.Second, "halted anew", r.Actor, 1), func() { w.orderHalt(in, false) })
		}
		w.at(in.end+patience, func() { w.lift(in) })
		return
	}
	w.orderHalt(in, r.AndCancel)
	w.disturb(w.now, in.end)
	w.at(in.end, func() { w.lift(in) })
}

// orderHalt halts an account, or all, at a process.
func (w *World) orderHalt(in incident, cancel bool) {
	w.order(in, "halt", func(p *process) error {
		if cancel {
			w.book.toBeCancelled(p, func(x *execution) bool { return in.account == "" || x.run.Account == in.account })
		}
		return p.sched.Halt(context.Background(), tradeclock.HaltRequest{Account: in.account, Reason: "simulated", Actor: "world", Cancel: cancel})
	})
}

// toBeCancelled notes that an order is about to end runs that go on at a process.
func (b *book) toBeCancelled(p *process, about func(*execution) bool) {
	for _, x := range b.running {
		if x.p == p && about(x) {
			x.halted = b.w.now
		}
	}
}

// lift ends a halt, and tries again until no process knows of it any more.
func (w *World) lift(in incident) {
	if !w.halted(in.account) {
		return
	}
	w.disturb(w.now, w.now)
	w.order(in, "lift", func(p *process) error {
		return p.sched.Lift(context.Background(), tradeclock.LiftRequest{Account: in.account, Reason: "simulated", Actor: "world"})
	})
	w.at(w.now+15*time.Second, func() { w.lift(in) })
}

// halted reports whether a halt of an account is stored, or in force somewhere.
func (w *World) halted(account string) bool {
	if _, stored := w.book.halts[account]; stored {
		return true
	}
	for _, p := range w.processes {
		if p == nil {
			continue
		}
		for _, h := range p.sched.Status().Halts {
			if h.Account == account {
				return true
			}
		}
	}
	return false
}

// Halts reads the halts.
func (st *faulty) Halts(ctx context.Context, scheduler string) ([]store.Halt, error) {
	return ask(ctx, st, "Halts", "", func() ([]store.Halt, error) { return st.p.w.database.Halts(whole, scheduler) })
}

// Halt stores a halt.
func (st *faulty) Halt(ctx context.Context, h store.Halt) error {
	began := st.p.w.now
	return st.tell(ctx, "Halt", h.Account, func() error {
		err := st.p.w.database.Halt(whole, h)
		if err == nil {
			st.p.w.book.isHalted(h, began)
			st.p.w.note(st.p, "halt of %q by %s is stored", h.Account, h.Actor)
		}
		return err
	})
}

// Lift ends a halt.
func (st *faulty) Lift(ctx context.Context, h store.Halt) error {
	began := st.p.w.now
	return st.tell(ctx, "Lift", h.Account, func() error {
		err := st.p.w.database.Lift(whole, h)
		if err == nil {
			st.p.w.book.isLifted(h, began)
			st.p.w.note(st.p, "halt of %q is lifted by %s", h.Account, h.Actor)
		}
		return err
	})
}

func (b *book) isHalted(h store.Halt, began time.Duration) {
	is := storedHalt{at: b.w.now, asked: began, actor: h.Actor}
	if pt := b.petitions[h.Actor]; pt != nil {
		is.asked = pt.asked
	}
	b.doneFor(h.Actor, began)
	if old, known := b.halts[h.Account]; known {
		b.undoneBy(old.actor, h.Actor)
		is.asked = max(is.asked, old.asked)
	}
	b.halts[h.Account] = is
}

// isLifted: by request the halt is lifted that was there when it was asked, and none that
// came later.
func (b *book) isLifted(h store.Halt, began time.Duration) {
	was, known := b.halts[h.Account]
	if !known {
		return
	}
	pt := b.petitions[h.Actor]
	if pt != nil && was.asked > pt.asked+time.Second && began > was.at && !b.stepped.touch(pt.asked-time.Hour, b.w.now) {
		b.w.violate("requests", fmt.Sprintf("%s asked for a lift, and that ends the halt of %s, who asked later", h.Actor, was.actor))
	}
	b.doneFor(h.Actor, began)
	b.undoneBy(was.actor, h.Actor)
	delete(b.halts, h.Account)
	b.lifted[h.Account] = b.w.now
}

// toldOfHalt: who is told of a halt, and that it is in force, is told the truth, and what
// it was to end has ended.
func (b *book) toldOfHalt(p *process, pt *petition) (untrue string) {
	if pt.answer != request.Done {
		return ""
	}
	_, halted := b.halts[pt.Account]
	at, lifted := b.lifted[pt.Account]
	if !halted && !pt.done && (!lifted || at < pt.asked-time.Minute) {
		return "none is stored"
	}
	if pt.AndCancel && !pt.isLate(b.w.now) {
		b.toBeCancelled(p, func(x *execution) bool {
			return x.begin < pt.asked && (pt.Account == "" || x.run.Account == pt.Account)
		})
	}
	return ""
}

// toldOfLift: who is told of a lift that there is no halt, or that there is a later one, is
// told the truth. An order of another process may be on its way.
func (b *book) toldOfLift(pt *petition) (untrue string) {
	was, halted := b.halts[pt.Account]
	earlier := halted && was.at < pt.asked-time.Second && !b.stepped.touch(was.asked-time.Hour, b.w.now)
	switch {
	case pt.answer == request.Expired || !earlier:
	case pt.answer == request.Done:
		return "the halt of " + was.actor + " is in force"
	case strings.Contains(pt.text, "no halt is in force") && !b.w.staleHalts():
		return "that of " + was.actor + " is"
	case strings.Contains(pt.text, "a later halt is in force") && was.asked < pt.asked-time.Second:
		return "that of " + was.actor + " is an earlier one"
	}
	return ""
}
