package world

import (
	"time"
	"unsafe"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/internal/turns"
)

// processClock is the clock of one process, and the order of its goroutines. A
// scheduler uses Now and AfterFunc of it, and nothing else.
type processClock struct {
	clockwork.Clock // nil
	p               *process
}

var _ turns.Order = processClock{}

// Now is what the process takes for the time: its wall clock may have been set,
// and its monotonic reading stops while its host is suspended.
func (c processClock) Now() time.Time { return reading(c.p.wall(), c.p.monotonic()) }

// AfterFunc calls f, in a routine of its own, once d has passed on the monotonic
// clock.
func (c processClock) AfterFunc(d time.Duration, f func()) clockwork.Timer {
	t := &timer{p: c.p, at: c.p.now() + max(d, 0), f: f}
	c.p.timers = append(c.p.timers, t)
	return t
}

// Go starts a routine.
func (c processClock) Go(f func()) {
	c.p.spawned++
	c.p.w.routines.start(c.p, func() {
		defer func() {
			if c.p.spawned--; c.p.spawned == 0 && c.p.joined != nil {
				close(c.p.joined)
			}
		}()
		f()
	})
}

// Wait waits in the world's order.
func (c processClock) Wait(first, second <-chan struct{}) bool {
	return c.p.w.routines.wait(first, second, never)
}

// Join waits for the routines that Go started.
func (c processClock) Join() {
	if c.p.spawned == 0 {
		return
	}
	c.p.joined = make(chan struct{})
	c.p.w.routines.wait(c.p.joined, nil, never)
}

// timer is a call that is due at an instant of the world.
type timer struct {
	clockwork.Timer // nil
	p               *process
	at              time.Duration
	f               func()
}

// Reset makes the timer go off once d has passed.
func (t *timer) Reset(d time.Duration) bool {
	stopped := t.Stop()
	t.at = t.p.now() + max(d, 0)
	t.p.timers = append(t.p.timers, t)
	return stopped
}

// Stop takes the timer from its process, if it has not gone off.
func (t *timer) Stop() bool {
	for i, other := range t.p.timers {
		if other == t {
			t.p.timers = append(t.p.timers[:i], t.p.timers[i+1:]...)
			return true
		}
	}
	return false
}

// worldClock is the right time, which the store's server has.
type worldClock struct {
	clockwork.Clock // nil
	w               *World
}

// Now is the right time.
func (c worldClock) Now() time.Time { return c.w.wallAt(c.w.now) }

// reading returns a time that has a reading of the wall clock and one of the
// monotonic clock, as time.Now returns it. There is no other way to make one whose
// two readings go apart, as they do when a clock is set; TestReading holds it to
// what the time package says of such times.
func reading(wall time.Time, monotonic time.Duration) time.Time {
	const (
		hasMonotonic = 1 << 63
		secondsShift = 30
	)
	var t time.Time
	fields := (*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&t))
	seconds := uint64(wall.Unix() - year1885)
	fields.wall = hasMonotonic | seconds<<secondsShift | uint64(wall.Nanosecond())
	fields.ext = int64(monotonic) + 1
	return t
}

// year1885 is when the seconds of such a time begin, in Unix time.
var year1885 = time.Date(1885, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()
