package quiet

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
)

// Listener is somebody who is told things in passing, such as an observer: Rest lets it
// go first, and does not wait for it if it takes its time. Make one with NewListener. All
// methods are safe for concurrent use.
type Listener struct {
	activity *Activity
	taken    atomic.Int64 // what it has taken

	// Guarded by the activity's mu.
	lane    *Lane // whose calls tell it, or nil
	tellers int   // what else tells it just now
	deaf    int64 // 1 + what it had taken when it was found to hang, or zero
}

// NewListener returns a listener that is told between its Begin and End.
func (a *Activity) NewListener() *Listener { return a.newListener(nil) }

func (a *Activity) newListener(lane *Lane) *Listener {
	l := &Listener{activity: a, lane: lane}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listeners = append(a.listeners, l)
	return l
}

// Begin counts an activity that does nothing but tell the listener, until End.
func (l *Listener) Begin() {
	l.activity.mu.Lock()
	defer l.activity.mu.Unlock()
	l.activity.active++
	l.tellers++
}

// Took notes that the listener has taken one thing that it was told.
func (l *Listener) Took() { l.taken.Add(1) }

// End ends what Begin began.
func (l *Listener) End() {
	l.activity.mu.Lock()
	defer l.activity.mu.Unlock()
	l.tellers--
	l.activity.end(1)
}

// telling is how much of the activity only tells it. The caller holds mu.
func (l *Listener) telling() int {
	if l.lane != nil && l.lane.isAtWork() {
		return l.tellers + 1
	}
	return l.tellers
}

// isDeaf reports whether it has taken nothing since it was found to hang.
func (l *Listener) isDeaf() bool { return l.deaf == 1+l.taken.Load() }

func (l *Listener) isAny() bool { return true }

// tellYields is how often Rest lets the listeners go first, before it takes them to
// hang: a blink if nothing else goes on.
const tellYields = 1_000_000

// Rest waits until all that goes on waits for the clock, or is parked, and nothing is on
// its way to a listener that takes it. It returns the error of ctx if that ends first.
func (a *Activity) Rest(ctx context.Context) error {
	if a.isTold() { // as after most minutes
		return nil
	}
	for range tellYields {
		if err := a.awaitRest(ctx); err != nil {
			return err
		}
		if a.isTold() {
			return nil
		}
		runtime.Gosched()
	}
	a.noteDeaf()
	return a.awaitRest(ctx)
}

// isTold reports whether all is at rest but for what deaf listeners are told.
func (a *Activity) isTold() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.atRest((*Listener).isDeaf)
}

func (a *Activity) noteDeaf() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range a.listeners {
		if l.telling() > 0 {
			l.deaf = 1 + l.taken.Load()
		}
	}
}

// awaitRest waits until all is at rest but for what listeners are told.
func (a *Activity) awaitRest(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.atRest((*Listener).isAny) {
		return nil
	}
	calmed := make(chan struct{}, 1)
	a.resting = append(a.resting, calmed)
	defer func() {
		a.resting = slices.DeleteFunc(a.resting, func(o chan struct{}) bool { return o == calmed })
	}()
	for !a.atRest((*Listener).isAny) {
		a.mu.Unlock()
		ok := a.order.Wait(calmed, ctx.Done())
		a.mu.Lock()
		if !ok {
			return ctx.Err()
		}
	}
	return nil
}

// calm lets those look again who wait for rest, if it may have come. The caller holds
// mu.
func (a *Activity) calm() {
	if len(a.resting) == 0 || a.isAtWork((*Listener).isAny) {
		return
	}
	for _, calmed := range a.resting {
		hint(calmed)
	}
}

// atRest reports whether all that goes on waits for the clock, but for what some
// listeners are told. The caller holds mu.
func (a *Activity) atRest(passOver func(*Listener) bool) bool {
	if a.isAtWork(passOver) || a.alarms.due() {
		return false
	}
	now := a.clock.Now()
	for p := range a.parked {
		if p.isOver(now) {
			return false
		}
	}
	return true
}

// isAtWork reports whether anything goes on that is not parked, but for what some
// listeners are told. The caller holds mu.
func (a *Activity) isAtWork(passOver func(*Listener) bool) bool {
	working := a.active - len(a.parked)
	for _, l := range a.listeners {
		if passOver(l) {
			working -= l.telling()
		}
	}
	return working > 0
}
