package world

import (
	"context"
)

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
