// Package scaled has a clock that runs faster than the system's, and shows the
// same in all processes that make it of the same numbers.
package scaled

import (
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

var _ clockwork.Clock = (*Clock)(nil)

// Clock showed Start when the system's clock showed Epoch, and goes Factor times
// as fast. It is safe for concurrent use.
type Clock struct {
	Epoch  time.Time
	Start  time.Time
	Factor int
}

// Now returns the time that the clock shows, in UTC. It has no monotonic reading:
// other processes could not tell it.
func (c *Clock) Now() time.Time { return c.At(time.Now()) }

// At returns what the clock shows when the system's clock shows t.
func (c *Clock) At(t time.Time) time.Time {
	passed := t.Round(0).Sub(c.Epoch.Round(0))
	return c.Start.Add(passed * time.Duration(c.Factor)).UTC()
}

// Live reports whether the clock shows the system's time.
func (c *Clock) Live() bool { return c.Factor == 1 && c.Start.Equal(c.Epoch) }

// Real is how long the system's clock takes for d, rounded up.
func (c *Clock) Real(d time.Duration) time.Duration {
	factor := time.Duration(c.Factor)
	return (d + factor - 1) / factor
}

// Since returns the time that has passed since t.
func (c *Clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Until returns the time that passes until t.
func (c *Clock) Until(t time.Time) time.Duration { return t.Sub(c.Now()) }

// Sleep waits for d.
func (c *Clock) Sleep(d time.Duration) { <-c.After(d) }

// After returns a channel that gets the time once d has passed.
func (c *Clock) After(d time.Duration) <-chan time.Time { return c.NewTimer(d).Chan() }

// NewTimer returns a timer that sends on its channel once d has passed.
func (c *Clock) NewTimer(d time.Duration) clockwork.Timer {
	times := make(chan time.Time, 1)
	t := &timer{clock: c, times: times, f: func() { offer(times, c.Now()) }}
	t.Reset(d)
	return t
}

// AfterFunc calls f in a goroutine of its own once d has passed.
func (c *Clock) AfterFunc(d time.Duration, f func()) clockwork.Timer {
	t := &timer{clock: c, f: f}
	t.Reset(d)
	return t
}

// NewTicker returns a ticker that sends on its channel each time d has passed.
func (c *Clock) NewTicker(d time.Duration) clockwork.Ticker {
	t := &ticker{times: make(chan time.Time, 1)}
	t.timer.clock, t.timer.f = c, t.tick
	t.Reset(d)
	return t
}

func offer(times chan time.Time, now time.Time) {
	select {
	case times <- now:
	default:
	}
}

// timer is a timer of the system that looks at the clock when it fires: the
// system's timers go by another count than its clock.
type timer struct {
	clock *Clock
	f     func()
	times chan time.Time // nil for AfterFunc

	mu    sync.Mutex
	at    time.Time
	armed *time.Timer // nil once it has fired or was stopped
}

func (t *timer) Chan() <-chan time.Time { return t.times }

func (t *timer) Reset(d time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.disarm()
	t.at = t.clock.Now().Add(d)
	t.arm(d)
	return was
}

func (t *timer) Stop() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.disarm()
}

func (t *timer) disarm() bool {
	was := t.armed != nil
	if was {
		t.armed.Stop()
		t.armed = nil
	}
	select {
	case <-t.times:
	default:
	}
	return was
}

func (t *timer) arm(d time.Duration) {
	var mine *time.Timer
	mine = time.AfterFunc(t.clock.Real(max(d, 0)), func() {
		t.mu.Lock()
		if t.armed != mine {
			t.mu.Unlock()
			return
		}
		if left := t.clock.Until(t.at); left > 0 {
			t.arm(left)
			t.mu.Unlock()
			return
		}
		t.armed = nil
		t.mu.Unlock()
		t.f()
	})
	t.armed = mine
}

type ticker struct {
	timer timer
	times chan time.Time

	mu     sync.Mutex
	period time.Duration
}

func (t *ticker) Chan() <-chan time.Time { return t.times }

func (t *ticker) Stop() { t.timer.Stop() }

func (t *ticker) Reset(d time.Duration) {
	t.mu.Lock()
	t.period = d
	t.mu.Unlock()
	t.timer.Reset(d)
}

func (t *ticker) tick() {
	offer(t.times, t.timer.clock.Now())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer.Reset(t.period)
}
