package quiet

import (
	"container/heap"
	"time"

	"github.com/jonboulle/clockwork"
)

// MaxWait bounds every wait on the clock, so that a host that slept, or a clock that was
// set, is noticed within it.
const MaxWait = time.Minute

// stepMeanwhile is more than a real clock goes on between two lines of code.
const stepMeanwhile = time.Millisecond

// Alarm is one function to call at an instant, set by After. A nil Alarm never goes off.
// Stop is safe for concurrent use.
type Alarm struct {
	activity *Activity
	at       time.Time
	f        func()
	index    int // in the queue, or -1; guarded by the activity's mu
}

// After calls f once d has passed, from a goroutine of its own. f must not block, and
// counts as activity. It is not called if the alarm was stopped before, or after a crash.
func (a *Activity) After(d time.Duration, f func()) *Alarm {
	now := a.clock.Now()
	al := &Alarm{activity: a, at: now.Add(d), f: f, index: -1}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.crash == nil {
		heap.Push(&a.alarms.queue, al)
		a.alarms.arm(now)
	}
	return al
}

// Stop keeps the alarm from going off, and reports whether it would have.
func (al *Alarm) Stop() bool {
	if al == nil {
		return false
	}
	a := al.activity
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.calm() // one that was due is due no more
	return a.alarms.stop(al)
}

// StopAlarms stops all alarms that are set.
func (a *Activity) StopAlarms() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.alarms.clear()
	a.stir() // one that was due is due no more
}

// NextWake is when the first alarm is due, or zero if none is set.
func (a *Activity) NextWake() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.alarms.next()
}

// goOff calls what is due, in order. The timer calls it.
func (a *Activity) goOff() {
	now := a.clock.Now()
	a.mu.Lock()
	due := a.alarms.takeDue(now)
	a.active++
	a.mu.Unlock()
	defer a.End()
	for _, f := range due {
		f()
	}
}

// alarms are those that are set. However many there are, one timer of the clock serves
// them: a fake clock sorts its timers for each new one, and it must be possible to tell
// whether any is due. Guarded by the activity's mu.
//
// Instants are the clock's now plus a duration and so carry the monotonic reading of a
// real clock: setting the wall clock does not move them.
type alarms struct {
	clock clockwork.Clock
	goOff func() // when the timer fires
	queue alarmQueue
	timer clockwork.Timer // nil until the first alarm
	armed time.Time       // when the timer fires, or zero
}

// next is when the first alarm is due, or zero if none is set.
func (as *alarms) next() time.Time {
	if len(as.queue) == 0 {
		return time.Time{}
	}
	return as.queue[0].at
}

// due reports whether an alarm is due, or whether the timer is: the clock must not move
// before it is armed anew.
func (as *alarms) due() bool {
	if as.armed.IsZero() && len(as.queue) == 0 {
		return false
	}
	now := as.clock.Now()
	return !as.armed.IsZero() && !now.Before(as.armed) || len(as.queue) > 0 && !now.Before(as.queue[0].at)
}

// takeDue takes out what is due, in order, and arms the timer for what is next.
func (as *alarms) takeDue(now time.Time) (due []func()) {
	as.disarm()
	for len(as.queue) > 0 && !now.Before(as.queue[0].at) {
		due = append(due, heap.Pop(&as.queue).(*Alarm).f)
	}
	as.arm(now)
	return due
}

// stop takes out an alarm, and reports whether it was set. The timer stays armed while
// there are others: that it fires for nothing now and then costs less than to set it anew
// for each run that has a timeout.
func (as *alarms) stop(al *Alarm) bool {
	pending := al.index >= 0
	if pending {
		heap.Remove(&as.queue, al.index)
	}
	if len(as.queue) == 0 {
		as.disarm()
	}
	return pending
}

// clear takes out all alarms.
func (as *alarms) clear() {
	for _, al := range as.queue {
		al.index = -1
	}
	as.queue = nil
	as.disarm()
}

// arm makes the timer fire when the first alarm is due.
func (as *alarms) arm(now time.Time) {
	if len(as.queue) == 0 {
		as.disarm()
		return
	}
	at := now.Add(min(as.queue[0].at.Sub(now), MaxWait))
	if !as.armed.IsZero() && !at.Before(as.armed) {
		return
	}
	as.armed = at
	if wait := max(at.Sub(now), 0); as.timer == nil {
		as.timer = as.clock.AfterFunc(wait, as.goOff)
	} else {
		as.timer.Reset(wait)
	}
	if moved := as.clock.Now(); moved.Sub(now) > stepMeanwhile {
		// A fake clock was advanced meanwhile, and the timer counts from there.
		as.disarm()
		as.arm(moved)
	}
}

func (as *alarms) disarm() {
	if !as.armed.IsZero() {
		as.timer.Stop()
		as.armed = time.Time{}
	}
}

// alarmQueue is a heap of alarms by instant.
type alarmQueue []*Alarm

func (q alarmQueue) Len() int           { return len(q) }
func (q alarmQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q alarmQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}
func (q *alarmQueue) Push(x any) {
	al := x.(*Alarm)
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
