// Package turns is the seam through which a scheduler starts its goroutines and
// lets them wait, so that a simulated world can run them one at a time, in an
// order of its own.
//
// The world hands its Order to a scheduler with the clock: a tradeclock.Clock that
// is an Order too is both.
package turns

import "sync"

// Order starts goroutines and lets them wait. Between two waits a goroutine holds
// a lock only for a moment.
type Order interface {
	// Go calls f in a goroutine of its own.
	Go(f func())
	// Wait receives from one of two channels, when one can be received from, and
	// reports whether it was the first. A nil channel never can.
	Wait(first, second <-chan struct{}) bool
	// Join waits until all that Go started has returned.
	Join()
}

// Free leaves the order to the Go runtime. The zero value is ready to use.
type Free struct{ running sync.WaitGroup }

// Go starts a goroutine.
func (o *Free) Go(f func()) { o.running.Go(f) }

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
