package tradeclock

import (
	"context"
	"time"
)

// bell wakes one goroutine. From the moment it rings until that goroutine waits
// for it again there is activity, so that Quiesce sees no gap between.
type bell struct {
	s     *UnifiedTaskScheduler
	rung  chan struct{}
	busy  *bool // guarded by the scheduler's mu, and so is closed
	alarm *alarm
	// closed is true once nobody waits for it any more.
	closed bool
}

func (s *UnifiedTaskScheduler) newBell() bell {
	return bell{s: s, rung: make(chan struct{}, 1), busy: new(bool)}
}

// ring wakes the goroutine now.
func (b *bell) ring() {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.ringLocked()
}

func (b *bell) ringLocked() {
	if b.closed {
		return
	}
	if !*b.busy {
		*b.busy = true
		b.s.rest.active++
	}
	select {
	case b.rung <- struct{}{}:
	default:
	}
}

// ringAfter wakes the goroutine once d has passed, in place of what was set
// before. Only the goroutine that waits calls it.
func (b *bell) ringAfter(d time.Duration) {
	b.s.alarms.stop(b.alarm)
	b.alarm = b.s.alarms.after(d, b.ring)
}

// wait returns true when the bell has rung, and false when ctx has ended.
func (b *bell) wait(ctx context.Context) bool {
	b.s.mu.Lock()
	if *b.busy && len(b.rung) == 0 {
		*b.busy = false
		b.s.endLocked()
	}
	b.s.mu.Unlock()
	return b.s.order.Wait(b.rung, ctx.Done()) && ctx.Err() == nil
}

// close ends what activity the bell stands for, once nobody waits for it any more.
func (b *bell) close() {
	b.s.alarms.stop(b.alarm)
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.closed = true
	if *b.busy {
		*b.busy = false
		b.s.endLocked()
	}
}
