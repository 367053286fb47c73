package quiet

import (
	"context"
	"time"
)

// Bell wakes one goroutine. From the moment it rings until that goroutine waits for it
// again there is activity, so that there is no gap between. Make one with NewBell. Ring
// and Close are safe for concurrent use.
type Bell struct {
	activity *Activity
	rung     chan struct{}
	alarm    *Alarm // used by the goroutine that waits

	// Guarded by the activity's mu.
	busy   bool // it has rung, and its goroutine does not wait for it again yet
	closed bool // nobody waits for it any more
}

// NewBell returns a bell that has not rung.
func (a *Activity) NewBell() *Bell { return &Bell{activity: a, rung: make(chan struct{}, 1)} }

// Ring wakes the goroutine now.
func (b *Bell) Ring() {
	a := b.activity
	a.mu.Lock()
	defer a.mu.Unlock()
	if b.closed {
		return
	}
	if !b.busy {
		b.busy = true
		a.active++
	}
	hint(b.rung)
}

// RingAfter wakes the goroutine once d has passed, in place of what was set before. Only
// the goroutine that waits calls it.
func (b *Bell) RingAfter(d time.Duration) {
	b.alarm.Stop()
	b.alarm = b.activity.After(d, b.Ring)
}

// Wait returns true when the bell has rung, and false when ctx has ended.
func (b *Bell) Wait(ctx context.Context) bool {
	a := b.activity
	a.mu.Lock()
	if len(b.rung) == 0 {
		b.rest()
	}
	a.mu.Unlock()
	return a.order.Wait(b.rung, ctx.Done()) && ctx.Err() == nil
}

// Close ends what activity the bell stands for, once nobody waits for it any more. The
// goroutine that waits calls it, or whoever knows that there is none.
func (b *Bell) Close() {
	b.alarm.Stop()
	a := b.activity
	a.mu.Lock()
	defer a.mu.Unlock()
	b.closed = true
	b.rest()
}

// rest ends what activity the bell stands for. The caller holds mu.
func (b *Bell) rest() {
	if b.busy {
		b.busy = false
		b.activity.end(1)
	}
}
