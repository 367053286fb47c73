package world

import (
	"context"
	"time"

	"github.com/tradeclock/tradeclock"
)

// halt lets a person halt an account, or all, and cancel what runs or not.
func (w *World) halt(in incident) {
	cancel := in.number%4 != 0
	w.order(in, "halt", func(p *process) error {
		if cancel {
			w.book.toBeCancelled(p, in.account)
		}
		return p.sched.Halt(context.Background(), tradeclock.HaltRequest{Account: in.account, Reason: "simulated", Actor: "world", Cancel: cancel})
	})
	w.disturb(w.now, in.end)
	w.at(in.end, func() { w.lift(in) })
}

// toBeCancelled notes that a halt is about to end what runs at a process.
func (b *book) toBeCancelled(p *process, account string) {
	for _, x := range b.running {
		if x.p == p && (account == "" || x.run.Account == account) {
			x.halted = b.w.now
		}
	}
}

// order lets a person order something of a process that is up.
func (w *World) order(in incident, what string, do func(p *process) error) {
	for i := range w.processes {
		p := w.processes[(i+max(in.replica, 0))%len(w.processes)]
		if p == nil || p.ended {
			continue
		}
		w.routines.start(p, func() {
			if err := do(p); err != nil && !p.dead {
				w.note(p, "%s: %v", what, err)
			}
		})
		return
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

// withdraw withdraws an account from every process, and enrols it again later.
func (w *World) withdraw(in incident) {
	if !w.enrolled[in.account] {
		return
	}
	w.enrolled[in.account] = false
	if _, away := w.book.left[in.account]; !away { // or the ledger did not hear of its return
		w.book.left[in.account] = w.now
	}
	for _, p := range w.processes {
		if p != nil && p.sched.Withdraw(context.Background(), in.account) == nil {
			p.withdrawn[in.account] = w.now
		}
	}
	w.at(in.end, func() { w.enroll(in.account) })
}

// resetMark lets a person set the watermark back, by minutes or hours. It is never set
// back to before an account was there: it would be planned for from then on.
func (w *World) resetMark(in incident) {
	to := w.wallAt(w.now - in.by)
	for _, asked := range w.book.askedAt {
		if from := w.wallAt(asked); to.Before(from) {
			to = from
		}
	}
	if !to.Before(w.book.mark) {
		return
	}
	w.disturb(w.now, w.now)
	w.order(in, "reset of the watermark", func(p *process) error {
		return p.sched.ResetWatermark(context.Background(), to, "simulated", "world")
	})
}

// enroll enrols an account at every process.
func (w *World) enroll(account string) {
	w.enrolled[account] = true
	w.book.asked(account)
	for _, p := range w.processes {
		if p != nil && p.sched.Enroll(context.Background(), account, w.executorOf(p)) == nil {
			delete(p.withdrawn, account)
		}
	}
}
