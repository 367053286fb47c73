package quiet

import "sync"

// Job is what Start lets a goroutine do, once.
type Job interface{ Do() }

// Start does a job in a goroutine of its own while it goes on. The job counts as
// activity as far as its owner says so.
func (a *Activity) Start(j Job) { a.runners.start(j) }

// runners are the goroutines in which jobs are done. One that is through with its
// job takes the next that has started, and there is always one on its way for what
// waits: so each job has a goroutine of its own while it goes on, and a burst of
// short jobs does not need a new one for each.
type runners struct {
	spawn func(f func())

	mu      sync.Mutex
	started []Job
	room    [1]Job // for the only one, as most are
	coming  bool   // a goroutine is on its way
}

// start hands a job to a goroutine.
func (r *runners) start(j Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = append(r.started, j)
	r.call()
}

// call lets a goroutine come if any is needed. The caller holds mu.
func (r *runners) call() {
	if len(r.started) > 0 && !r.coming {
		r.coming = true
		r.spawn(r.work)
	}
}

// work does what has started until there is nothing left.
func (r *runners) work() {
	r.mu.Lock()
	r.coming = false
	for len(r.started) > 0 {
		j := r.started[0]
		if r.started[0], r.started = nil, r.started[1:]; cap(r.started) == 0 {
			r.started = r.room[:0]
		}
		r.call() // for the next: this job may take its time
		r.mu.Unlock()
		j.Do()
		r.mu.Lock()
	}
	r.mu.Unlock()
}
