package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/spelling"
	"github.com/tradeclock/tradeclock/store"
)

// Run is one occurrence of a task for one account, and Outcome what became of it. The
// package store has these words.
type (
	Run     = store.Run
	Outcome = store.Outcome
)

// The outcomes. Armed lasts until the run starts, and Running until it is settled as one of
// the others, which are final.
const (
	NoOutcome   = store.NoOutcome
	Armed       = store.Armed
	Running     = store.Running
	Succeeded   = store.Succeeded
	Failed      = store.Failed
	TimedOut    = store.TimedOut
	Skipped     = store.Skipped
	Missed      = store.Missed
	Interrupted = store.Interrupted
)

// TaskExecutor executes the tasks of one account. It is to Mux what
// http.Handler is to http.ServeMux.
//
// Execute does the work of one run and returns what became of it: nil is
// succeeded, an error made by Skip is skipped, any other error or a panic is
// failed, and its text, cut after 2 KiB, is the reason. Calls for different tasks, and for one task where its policies allow,
// happen at the same time, each in a goroutine of its own.
//
// The context ends when the run's deadline passes, when the scheduler stops or
// loses its term, or when the run is cancelled by its overlap policy or a halt;
// context.Cause tells which. An Execute that ignores it cannot be killed: it
// keeps its task's next occurrences from starting, and is reported as overdue.
type TaskExecutor interface {
	Execute(ctx context.Context, run Run) error
}

// ExecutorFunc is a function that is a TaskExecutor.
type ExecutorFunc func(ctx context.Context, run Run) error

// Execute calls f.
func (f ExecutorFunc) Execute(ctx context.Context, run Run) error { return f(ctx, run) }

// Starter is an executor that must be started before its first run and stopped
// after its last: one that logs in to a broker, say.
//
// The scheduler calls Start for each account once it holds the term, and the
// account's runs wait until it has returned nil; an error is retried, one to five
// seconds apart. The context of Start ends if it is not wanted any
// more. After a Start that returned nil, Stop is called once when the scheduler
// stops, loses its term, or the account is withdrawn, and its runs have returned. The
// context of Stop ends after five seconds. Start and Stop of one account never overlap.
//
// It must be what is enrolled, or be found from there by Unwrap. One that has a Start
// or a Stop of another form is not used as a Starter, and neither is one behind a Mux:
// health says so. If its Start is another matter, enroll ExecutorFunc(e.Execute).
type Starter interface {
	Start(ctx context.Context, account string) error
	Stop(ctx context.Context, account string) error
}

// TaskLister is an executor that knows the names of its tasks. It is asked when its
// account is enrolled, so register every task before. The scheduler then reports
// schedules of tasks that the executor does not know, and tasks of the executor
// that have no schedule.
type TaskLister interface {
	Tasks() []string
}

// Middleware wraps an executor in another. One that logs each run:
//
//	func logged(inner tradeclock.TaskExecutor) tradeclock.TaskExecutor {
//		return tradeclock.Wrap(inner, func(ctx context.Context, run tradeclock.Run, next tradeclock.TaskExecutor) error {
//			log.Println(run.Task)
//			return next.Execute(ctx, run)
//		})
//	}
//
// The result should have a method Unwrap() TaskExecutor, so that what the inner
// executor also is (a Starter, a TaskLister) is still found; Wrap adds it.
type Middleware func(TaskExecutor) TaskExecutor

// Chain applies middleware to an executor, the first named outermost.
func Chain(inner TaskExecutor, middleware ...Middleware) TaskExecutor {
	for _, m := range slices.Backward(middleware) {
		inner = m(inner)
	}
	return inner
}

// Wrap returns an executor that calls around for each run, with inner as next,
// and unwraps to inner.
func Wrap(inner TaskExecutor, around func(ctx context.Context, run Run, next TaskExecutor) error) TaskExecutor {
	return wrapped{inner, around}
}

type wrapped struct {
	inner  TaskExecutor
	around func(context.Context, Run, TaskExecutor) error
}

func (w wrapped) Execute(ctx context.Context, run Run) error { return w.around(ctx, run, w.inner) }
func (w wrapped) Unwrap() TaskExecutor                       { return w.inner }

// executorAs finds the first executor in the chain of Unwrap that is a T.
func executorAs[T any](e TaskExecutor) (T, bool) {
	for e != nil {
		if t, ok := e.(T); ok {
			return t, true
		}
		u, ok := e.(wrapper)
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	var none T
	return none, false
}

// ErrUnknownTask is wrapped by the error of a Mux, and by that of Trigger, for a
// task that it does not know.
var ErrUnknownTask = errors.New("unknown task")

// Mux routes each run to the executor of its task. The zero value is an empty
// Mux, ready to use. It is safe for concurrent use.
type Mux struct {
	mu    sync.RWMutex
	tasks map[string]TaskExecutor
}

// Handle registers the executor of a task. It panics if the name or the
// executor is missing or the task has one already, since these are errors of
// the program.
func (m *Mux) Handle(task string, e TaskExecutor) {
	if task == "" || e == nil {
		panic("tradeclock: Mux.Handle needs a task name and an executor")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.tasks[task]; taken {
		panic(fmt.Sprintf("tradeclock: Mux has an executor for task %q already", task))
	}
	if m.tasks == nil {
		m.tasks = make(map[string]TaskExecutor)
	}
	m.tasks[task] = e
}

// HandleFunc registers a function as the executor of a task, as Handle does.
func (m *Mux) HandleFunc(task string, f func(ctx context.Context, run Run) error) {
	if f == nil {
		panic("tradeclock: Mux.HandleFunc needs a function")
	}
	m.Handle(task, ExecutorFunc(f))
}

// Execute passes the run to the executor of its task. The error for a task that
// has none wraps ErrUnknownTask.
func (m *Mux) Execute(ctx context.Context, run Run) error {
	m.mu.RLock()
	e := m.tasks[run.Task]
	m.mu.RUnlock()
	if e == nil {
		return fmt.Errorf("%w: %q%s", ErrUnknownTask, run.Task, spelling.Hint(run.Task, m.Tasks()))
	}
	return e.Execute(ctx, run)
}

// Tasks returns the names of the registered tasks in order.
func (m *Mux) Tasks() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	names := make([]string, 0, len(m.tasks))
	for name := range m.tasks {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Skip returns the error with which an executor says that a run had nothing to
// do, or must not be done now, and why. The run's outcome is skipped.
func Skip(reason string) error { return &skipError{reason} }

type skipError struct{ reason string }

func (e *skipError) Error() string { return "skipped: " + e.reason }

// Annotate adds a detail to the run that ctx belongs to: the number of orders
// placed, say. It is stored with the outcome, as JSON: of a value that JSON cannot
// express, one that contains itself among them, its type is kept and what is wrong. A
// second value for a key replaces the first. Outside a run, and after its outcome was
// taken, Annotate does nothing. It is safe for concurrent use, but a value must not be
// changed by another goroutine until it has returned.
//
// A key has at most 128 bytes and a value 8 KiB as JSON: what is longer is cut, and
// says so. Details beyond 64, or 64 KiB in all, are left out, and the detail
// "left_out" tells how many.
func Annotate(ctx context.Context, key string, value any) {
	if e, ok := ctx.Value(executionKey{}).(*execution); ok {
		e.annotate(key, said.Plain(value))
	}
}
