// Package turns is the seam through which a scheduler starts its goroutines and
// lets them wait, so that a simulated world can run them one at a time, in an
// order of its own.
//
// The world hands its Order to a scheduler with the clock: a tradeclock.Clock that
// is an Order too is both.
package turns

import "sync"

// Task is what a goroutine does. It is not a function, so that what has a method
// for it is started without making one.
type Task interface{ Do() }

// Func is a function that is a Task.
type Func func()

// Do calls f.
func (f Func) Do() { f() }

// Order starts goroutines and lets them wait. Between two waits a goroutine holds
// a lock only for a moment.
type Order interface {
	// Go does t in a goroutine of its own.
	Go(t Task)
	// Wait receives from one of two channels, when one can be received from, and
	// reports whether it was the first. A nil channel never can.
	Wait(first, second <-chan struct{}) bool
	// Join waits until all that Go started has returned.
	Join()
}

// Free leaves the order to the Go runtime. The zero value is ready to use.
type Free struct{ running sync.WaitGroup }

// Go starts a goroutine.
func (o *Free) Go(t Task) {
	o.running.Add(1)
	go o.do(t)
}

func (o *Free) do(t Task) {
	defer o.running.Done()
	t.Do()
}

// Wait selects.
func (o *Free) Wait(first, second <-chan struct{}) bool {
	select {
	case <-first:
		return true
	case <-second:
		return false
	}
}

// Join waits for the goroutines.
func (o *Free) Join() { o.running.Wait() }
