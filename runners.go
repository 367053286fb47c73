package tradeclock

import "sync"

// runners are the goroutines in which executions run. One that is through with its
// run takes the next that has started, and there is always one on its way for what
// waits: so each run has a goroutine of its own while it goes on, and a burst of
// short runs does not need a new one for each.
type runners struct {
	spawn func(f func())

	mu      sync.Mutex
	started []*execution
	room    [1]*execution // for the only one, as most are
	coming  bool          // a goroutine is on its way
}

// start hands an execution to a goroutine.
func (r *runners) start(e *execution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = append(r.started, e)
	r.call()
}

// call lets a goroutine come if any is needed. The caller holds mu.
func (r *runners) call() {
	if len(r.started) > 0 && !r.coming {
		r.coming = true
		r.spawn(r.work)
	}
}

// work runs what has started until there is nothing left.
func (r *runners) work() {
	r.mu.Lock()
	r.coming = false
	for len(r.started) > 0 {
		e := r.started[0]
		if r.started[0], r.started = nil, r.started[1:]; cap(r.started) == 0 {
			r.started = r.room[:0]
		}
		r.call() // for the next: this run may take its time
		r.mu.Unlock()
		e.loop()
		r.mu.Lock()
	}
	r.mu.Unlock()
}
