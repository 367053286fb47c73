package world

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock"
)

// executor executes the tasks of a process.
type executor struct{ p *process }

// What a task returns.
const (
	returnsNil   = "nil"
	returnsError = "error"
	returnsSkip  = "skip"
	panics       = "panic"
	returnsCause = "cause" // as its context ended

)

// behaviour is what a task does.
type behaviour struct {
	takes   time.Duration
	ignores bool // its context
	result  string
}

// Execute does what the seed says.
func (e executor) Execute(ctx context.Context, run tradeclock.Run) error {
	p := e.p
	if p.dead {
		return errDead
	}
	if p.w.crashesAt(p, "Execute") {
		return errDead
	}
	x := p.w.book.begin(p, run)
	does := p.w.behaviour(p, run)
	obeys := ctx
	if does.ignores {
		obeys = context.WithoutCancel(ctx)
	}
	ended := p.pause(obeys, does.takes)
	if p.dead {
		return errDead
	}
	if ended {
		p.w.book.end(x, returnsCause, context.Cause(ctx))
		return context.Cause(ctx)
	}
	p.w.book.end(x, does.result, context.Cause(ctx))
	switch does.result {
	case returnsError:
		return errors.New("simulated failure")
	case returnsSkip:
		return tradeclock.Skip("simulated: nothing to do")
	case panics:
		panic("simulated panic")
	}
	return nil
}

// behaviour is what the run does, by its slot and attempt.
func (w *World) behaviour(p *process, run tradeclock.Run) behaviour {
	c := w.script.chance
	key := fmt.Sprint(run.Task, run.Account, w.book.plain(&run))
	does := behaviour{takes: c.between(0, 15*time.Second, "takes", key, run.Attempt), result: returnsNil}
	switch c.pick(40, "result", key, run.Attempt) {
	case 0:
		does.result = panics
	case 1, 2:
		does.result = returnsError
	case 3, 4:
		does.result = returnsSkip
	}
	if c.oneIn(3, "at once", key, run.Attempt) {
		does.takes = 0
	}
	for _, in := range w.active {
		if !c.oneIn(2, in.kind, key, run.Attempt) {
			continue
		}
		switch in.kind {
		case busyTasks:
			does.takes = c.between(time.Second, 8*time.Minute, "busy", key, run.Attempt)
		case hungTasks:
			does.takes, does.ignores = c.between(time.Second, 8*time.Minute, "busy", key, run.Attempt), true
		case brokenTasks:
			does.result = []string{returnsError, panics}[c.pick(2, "broken", key, run.Attempt)]
		default:
			continue
		}
		w.inject(in.kind)
	}
	return does
}
