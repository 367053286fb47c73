package tradeclocktest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
)

// Recorder is a TaskExecutor that records each call of Execute. What a task does
// is given with Do; others succeed at once. Around another executor it is a
// middleware, by Wrap. Make one with NewRecorder. It is safe for concurrent use.
type Recorder struct {
	clock tradeclock.Clock

	mu         sync.Mutex
	tasks      map[string]tradeclock.ExecutorFunc
	executions []Execution
}

// Execution is one call of Execute: one attempt of a run.
type Execution struct {
	Run   tradeclock.Run
	Start time.Time
	// End is zero while the call goes on.
	End time.Time
	// Err is what the call returned.
	Err error
	// Panicked is true if the call did not return, but panicked.
	Panicked bool
}

// NewRecorder returns a recorder that takes its instants from a clock; nil means
// the real one.
func NewRecorder(clock tradeclock.Clock) *Recorder {
	if clock == nil {
		clock = clockwork.NewRealClock()
	}
	return &Recorder{clock: clock, tasks: make(map[string]tradeclock.ExecutorFunc)}
}

// Do says what a task does from now on. Nil is to succeed at once.
func (r *Recorder) Do(task string, f func(ctx context.Context, run tradeclock.Run) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f == nil {
		delete(r.tasks, task)
		return
	}
	r.tasks[task] = f
}

// Execute records the call and does what Do said.
func (r *Recorder) Execute(ctx context.Context, run tradeclock.Run) error {
	r.mu.Lock()
	do := r.tasks[run.Task]
	r.mu.Unlock()
	if do == nil {
		do = func(context.Context, tradeclock.Run) error { return nil }
	}
	return r.record(ctx, run, do)
}

// Wrap returns an executor that records the calls that it passes on to inner. It
// is a tradeclock.Middleware.
func (r *Recorder) Wrap(inner tradeclock.TaskExecutor) tradeclock.TaskExecutor {
	return tradeclock.Wrap(inner, r.record)
}

func (r *Recorder) record(ctx context.Context, run tradeclock.Run, next tradeclock.TaskExecutor) error {
	r.mu.Lock()
	i := len(r.executions)
	r.executions = append(r.executions, Execution{Run: run, Start: r.clock.Now()})
	r.mu.Unlock()

	var err error
	panicked := true
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		e := &r.executions[i]
		e.End, e.Err, e.Panicked = r.clock.Now(), err, panicked
	}()
	err = next.Execute(ctx, run)
	panicked = false
	return err
}

// Runs returns what was executed, in the order in which it began.
func (r *Recorder) Runs() []Execution {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.executions)
}

// Count is how often a task was executed, for whatever account.
func (r *Recorder) Count(task string) int { return len(r.Slots(task)) }

// Slots returns the slots for which a task was executed, in the order in which
// it began: a slot that was executed twice is there twice.
func (r *Recorder) Slots(task string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var slots []string
	for _, e := range r.executions {
		if e.Run.Task == task {
			slots = append(slots, e.Run.Slot)
		}
	}
	return slots
}

// Beats is a HeartbeatSink that records every heartbeat. The zero value is ready
// to use. It is safe for concurrent use.
type Beats struct {
	mu    sync.Mutex
	beats []tradeclock.Heartbeat
}

// Beat records the heartbeat.
func (b *Beats) Beat(_ context.Context, hb tradeclock.Heartbeat) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	hb.Degraded, hb.Running = slices.Clone(hb.Degraded), slices.Clone(hb.Running)
	b.beats = append(b.beats, hb)
	return nil
}

// All returns the heartbeats in the order in which they came.
func (b *Beats) All() []tradeclock.Heartbeat {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.beats)
}

// Count is the number of heartbeats.
func (b *Beats) Count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.beats)
}

// Last returns the last heartbeat, and false if there was none.
func (b *Beats) Last() (tradeclock.Heartbeat, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.beats) == 0 {
		return tradeclock.Heartbeat{}, false
	}
	return b.beats[len(b.beats)-1], true
}
