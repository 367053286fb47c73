package world

import (
	"cmp"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock"
)

// lastClaim is what a process claimed last.
type lastClaim struct {
	at  time.Duration
	run tradeclock.Run
}

// heldToOrder holds what a process claims at one instant to the order of what is due: by
// due time, priority and name. Where places are few the accounts take turns.
func (b *book) heldToOrder(p *process, run *tradeclock.Run) {
	if run.Manual || run.Backdated {
		return
	}
	last := p.claimed
	p.claimed = lastClaim{b.w.now, *run}
	if last.at != b.w.now || b.mayWait(p, run) || b.w.script.places > 0 && run.Account != last.run.Account {
		return
	}
	before := cmp.Or(
		run.Due.Compare(last.run.Due),
		cmp.Compare(b.taskOf(run.Account, run.Task).Priority, b.taskOf(last.run.Account, last.run.Task).Priority),
		cmp.Compare(run.Task, last.run.Task),
		cmp.Compare(run.Account, last.run.Account),
	) < 0
	if before {
		b.w.violate("in order", fmt.Sprintf("%s claims %s after %s", p.name, describe(run), describe(&last.run)))
	}
}

// mayWait reports whether something may have held up a run that comes late in the order.
func (b *book) mayWait(p *process, run *tradeclock.Run) bool {
	t := b.taskOf(run.Account, run.Task)
	if t.kind == "chain" || t.Exclusive != "" || t.StartLimit != "" || t.Spread > 0 {
		return true
	}
	if b.disturbed.touch(b.w.now-calm, b.w.now) || b.rows.uncertain(b.w.now-calm, b.w.now) || b.wasAway(run.Account, b.w.now-calm, b.w.now) {
		return true
	}
	for _, x := range b.executions {
		if x.run.Account == run.Account && x.run.Task == run.Task && (!x.over || x.gone() >= b.w.now) {
			return true
		}
	}
	return b.w.now-p.born < calm
}
