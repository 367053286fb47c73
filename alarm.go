package tradeclock

import (
	"container/heap"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// maxWait bounds every wait on the clock, so that a host that slept, or a clock
// that was set, is noticed within it.
const maxWait = time.Minute

// stepMeanwhile is more than a real clock goes on between two lines of code.
const stepMeanwhile = time.Millisecond

// alarms calls functions at instants of the injected clock. However many are
// set, one timer of the clock serves them: a fake clock sorts its timers for each
// new one, and Quiesce must be able to tell whether any is due.
//
// Instants are the clock's now plus a duration and so carry the monotonic reading
// of a real clock: setting the wall clock does not move them.
type alarms struct {
	clock Clock
	idle  func() // called when callbacks have returned

	mu     sync.Mutex
	queue  alarmQueue
	timer  clockwork.Timer // nil until the first alarm
	armed  time.Time       // when the timer fires, or zero
	firing int             // callbacks that are running
	ended  bool            // nothing goes off any more
}

// alarm is one function to call. Its fields are guarded by alarms.mu.
type alarm struct {
	at    time.Time
	f     func()
	index int // in the queue, or -1
}

// after calls f once d has passed, from a goroutine of its own. f must not block.
func (a *alarms) after(d time.Duration, f func()) *alarm {
	now := a.clock.Now()
	al := &alarm{at: now.Add(d), f: f, index: -1}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return al
	}
	heap.Push(&a.queue, al)
	a.arm(now)
	return al
}

// stop keeps the alarm from going off, and reports whether it would have. A nil
// alarm is never going off. The timer stays armed while there are others: that it
// fires for nothing now and then costs less than to set it anew for each run that
// has a timeout.
func (a *alarms) stop(al *alarm) bool {
	if al == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	pending := al.index >= 0
	if pending {
		heap.Remove(&a.queue, al.index)
	}
	if len(a.queue) == 0 {
		a.disarm()
	}
	return pending
}

// due reports whether an alarm is due, or going off just now, or whether the timer
// is: the clock must not move before it is armed anew.
func (a *alarms) due() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.firing == 0 && a.armed.IsZero() && len(a.queue) == 0 {
		return false
	}
	now := a.clock.Now()
	return a.firing > 0 || !a.armed.IsZero() && !now.Before(a.armed) || len(a.queue) > 0 && !now.Before(a.queue[0].at)
}

// arm makes the timer fire when the first alarm is due. The caller holds mu.
func (a *alarms) arm(now time.Time) {
	if len(a.queue) == 0 {
		a.disarm()
		return
	}
	at := now.Add(min(a.queue[0].at.Sub(now), maxWait))
	if !a.armed.IsZero() && !at.Before(a.armed) {
		return
	}
	a.armed = at
	if wait := max(at.Sub(now), 0); a.timer == nil {
		a.timer = a.clock.AfterFunc(wait, a.fire)
	} else {
		a.timer.Reset(wait)
	}
	if moved := a.clock.Now(); moved.Sub(now) > stepMeanwhile {
		// A fake clock was advanced meanwhile, and the timer counts from there.
		a.disarm()
		a.arm(moved)
	}
}

func (a *alarms) disarm() {
	if !a.armed.IsZero() {
		a.timer.Stop()
		a.armed = time.Time{}
	}
}

// fire calls what is due, in order, and arms the timer for what is next.
func (a *alarms) fire() {
	now := a.clock.Now()
	a.mu.Lock()
	a.disarm()
	var ready []func()
	for len(a.queue) > 0 && !now.Before(a.queue[0].at) {
		ready = append(ready, heap.Pop(&a.queue).(*alarm).f)
	}
	a.firing++
	a.arm(now)
	a.mu.Unlock()

	for _, f := range ready {
		f()
	}

	a.mu.Lock()
	a.firing--
	a.mu.Unlock()
	a.idle()
}

// next is when the first alarm is due, or zero if none is set.
func (a *alarms) next() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue) == 0 {
		return time.Time{}
	}
	return a.queue[0].at
}

// end stops all alarms, and keeps others from being set.
func (a *alarms) end() {
	a.mu.Lock()
	a.ended = true
	a.mu.Unlock()
	a.close()
}

// close stops all alarms.
func (a *alarms) close() {
	a.mu.Lock()
	for _, al := range a.queue {
		al.index = -1
	}
	a.queue = nil
	a.disarm()
	a.mu.Unlock()
	a.idle() // one that was due is due no more
}

// alarmQueue is a heap of alarms by instant.
type alarmQueue []*alarm

func (q alarmQueue) Len() int           { return len(q) }
func (q alarmQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q alarmQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}
func (q *alarmQueue) Push(x any) {
	al := x.(*alarm)
	al.index = len(*q)
	*q = append(*q, al)
}
func (q *alarmQueue) Pop() any {
	old := *q
	al := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	al.index = -1
	return al
}
