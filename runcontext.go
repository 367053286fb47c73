package tradeclock

import (
	"context"
	"sync"
	"time"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

// runContext is the context of a run, in which the scheduler finds the run again.
// Most runs return before anybody asks whether they are cancelled, so what can be
// cancelled is made when somebody does.
type runContext struct {
	e      *execution
	visit  quiet.Visit
	parent context.Context

	mu    sync.Mutex
	inner context.Context // nil until somebody asks
	end   context.CancelCauseFunc
	ended bool
	cause error // with which it ended
}

// executionKey finds the execution in the context of a run.
type executionKey struct{}

// Value returns what the scheduler looks for, and else what the context that can
// be cancelled has, which is how the standard library finds that one.
func (c *runContext) Value(key any) any {
	switch key.(type) {
	case executionKey:
		return c.e
	case quiet.Key:
		return &c.visit
	}
	return c.cancellable().Value(key)
}

func (c *runContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }
func (c *runContext) Done() <-chan struct{}       { return c.cancellable().Done() }
func (c *runContext) Err() error                  { return c.cancellable().Err() }

func (c *runContext) cancellable() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.end = context.WithCancelCause(c.parent)
		if c.ended {
			c.end(c.cause)
		}
	}
	return c.inner
}

// cancel ends the context with a cause, unless it has ended.
func (c *runContext) cancel(cause error) {
	c.mu.Lock()
	first, end := !c.ended, c.end
	c.ended = true
	if first {
		c.cause = cause
	}
	c.mu.Unlock()
	if first && end != nil {
		end(cause)
	}
}
