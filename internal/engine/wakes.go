package engine

import "time"

// The bounds by which steps of the clock are told.
const (
	leastStep  = time.Second
	longestGap = time.Minute     // no wait is longer
	doubtAfter = 5 * time.Minute // a longer step is confirmed by a second wake
)

// Wakes are the instants at which the scheduler woke, as they tell of its clock: one
// that was set, or a host that slept.
type Wakes struct {
	last    time.Time
	doubted bool
	steps   int
	idle    time.Time // until when no wake is expected
}

// Idle notes that nothing wakes the scheduler before an instant: time that has passed by
// then is no step.
func (w *Wakes) Idle(until time.Time) { w.idle = wall(until) }

// Woke notes a wake, and reports whether the clock stepped since the last one, from when
// and how far. On a clock without a monotonic reading, as a fake one, time that passed
// without a wake looks the same as a step forward.
func (w *Wakes) Woke(now time.Time) (from time.Time, step time.Duration, stepped bool) {
	from, doubted := w.last, w.doubted
	w.last = now
	if from.IsZero() {
		return from, 0, false
	}
	w.doubted = false
	if !now.Before(from) && !wall(now).After(w.idle) {
		return from, 0, false
	}
	byWall, passed := now.Round(0).Sub(from.Round(0)), now.Sub(from)
	if monotonic := now != now.Round(0); !monotonic {
		passed = min(max(byWall, 0), longestGap)
	}
	step = byWall - passed
	if step > -leastStep && step < longestGap {
		return from, step, false
	}
	w.steps++
	w.doubted = step > doubtAfter && !doubted
	return from, step, true
}

// Last is the last wake, or zero if there was none.
func (w *Wakes) Last() time.Time { return w.last }

// AreDoubted reports whether the last wake found the clock so far ahead that another one
// has to confirm it before anything is planned.
func (w *Wakes) AreDoubted() bool { return w.doubted }

// Steps is how often the clock stepped.
func (w *Wakes) Steps() int { return w.steps }
