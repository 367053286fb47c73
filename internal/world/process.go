package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/tradeclock/tradeclock"
)

// process is one life of a replica: a scheduler, its clock and its goroutines.
type process struct {
	w       *World
	name    string
	replica int
	holder  string // the scheduler's own name for it, once it has asked for the term
	born    time.Duration

	sched  *tradeclock.UnifiedTaskScheduler
	cancel context.CancelFunc
	ended  bool
	err    error

	timers  []*timer
	spawned int
	joined  chan struct{}

	offset      time.Duration // of its wall clock
	asleep      time.Duration // what its monotonic clock has missed
	frozenAt    time.Duration
	frozenUntil time.Duration
	stopping    bool
	next        func() // called when it has ended, if it is not nil
	dead        bool
	crashed     bool
	leaves      time.Duration // when it crashed, or was told to stop
	died        time.Duration
	afterlife   time.Duration

	store     *faulty
	withdrawn map[string]time.Duration
	online    map[string]*login // who is logged in, by account
	// unanswered is true while the process is not told whether it has the term.
	unanswered bool
	beat       time.Duration // when it last called the sink
	beating    int           // calls of the sink that go on
	claimed    lastClaim
}

// errDead is what a process gets once it has crashed.
var errDead = errors.New("the process is dead")

func newProcess(w *World, replica, number int) *process {
	p := &process{
		w: w, replica: replica, name: fmt.Sprintf("r%d.%d", replica, number), born: w.now, beat: w.now,
		withdrawn: make(map[string]time.Duration), online: make(map[string]*login),
	}
	p.store = &faulty{p: p, last: make(map[string]any), read: make(map[query]map[string]int)}
	first := w.script.accounts[0]
	cfg := tradeclock.Config{
		Name: schedulerName, Instance: p.name, Account: first, Executor: w.executorOf(p),
		Schedules: p.store, Ledger: w.ledgerOf(p), Heartbeats: p.store,
		Calendar: w.calendarFor(p), Clock: processClock{p: p},
		MaxConcurrent: w.script.places, ArmAhead: w.script.ahead, TermLength: w.script.term, StartLimits: []tradeclock.StartLimit{w.script.limit},
		Logger:    slog.New(newLog(p)),
		Observers: []tradeclock.Observer{tradeclock.ObserverFunc(p.observe)},
	}
	var err error
	if p.sched, err = tradeclock.New(cfg); err != nil {
		panic(err)
	}
	for _, account := range w.script.accounts {
		switch {
		case account == first && !w.enrolled[account]:
			err = p.sched.Withdraw(context.Background(), account)
			p.withdrawn[account] = w.now
		case account != first && w.enrolled[account]:
			err = p.sched.Enroll(context.Background(), account, w.executorOf(p))
		}
		if err != nil {
			panic(err)
		}
	}
	return p
}

// run starts the scheduler.
func (p *process) run() {
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.Background())
	p.w.routines.start(p, func() {
		p.err = p.sched.Run(ctx)
		p.ended = true
		if !p.dead && p.err == nil {
			p.w.book.heldToEnd(p)
			p.w.book.heldToLeaveNothing(p)
		}
		if !p.dead {
			p.w.note(p, "ends: %v", p.err)
		}
		if !p.dead && p.next != nil {
			p.next()
		}
	})
}

// die makes the process one whose doings nobody sees.
func (p *process) die() {
	p.dead, p.died, p.afterlife = true, p.w.now, p.w.now
	p.leaves = cmp.Or(p.leaves, p.w.now)
	p.cancel()
}

// routines is how many of its routines have not returned.
func (p *process) routines() int {
	n := 0
	for _, r := range p.w.routines.all {
		if r.p == p {
			n++
		}
	}
	return n
}

// lapse lets the time of a dead process go on to its next timer.
func (p *process) lapse() {
	next := never
	for _, t := range p.timers {
		next = min(next, t.at)
	}
	for _, r := range p.w.routines.all {
		if r.p == p {
			next = min(next, r.until)
		}
	}
	if next == never {
		p.w.violate("ends within a bound", p.name+" waits for nothing")
		p.w.routines.all = nil
		return
	}
	p.afterlife = max(p.afterlife, next)
	p.fire()
}

// now is the instant of the world for the process.
func (p *process) now() time.Duration {
	if p.dead {
		return p.afterlife
	}
	return p.w.now
}

// moving is the instant up to which the process notices that time goes on.
func (p *process) moving() time.Duration {
	if !p.dead && p.w.now < p.frozenUntil {
		return p.frozenAt
	}
	return p.now()
}

// arrives is when the process notices that an instant has come.
func (p *process) arrives(at time.Duration) time.Duration {
	if at == never || p.dead {
		return never
	}
	if at > p.frozenAt && p.frozenUntil > at {
		return p.frozenUntil
	}
	return at
}

func (p *process) wall() time.Time          { return p.w.wallAt(p.now() + p.offset) }
func (p *process) monotonic() time.Duration { return p.now() - p.asleep }

// fire starts what is due.
func (p *process) fire() {
	for i := 0; i < len(p.timers); {
		t := p.timers[i]
		if t.at > p.moving() {
			i++
			continue
		}
		p.timers = append(p.timers[:i], p.timers[i+1:]...)
		processClock{p: p}.Go(t.f)
	}
}

// freeze stops the process for a while, as SIGSTOP does. A suspended host's
// monotonic clock stops too.
func (p *process) freeze(until time.Duration, suspended bool) {
	if p.w.now < p.frozenUntil {
		return
	}
	p.frozenAt, p.frozenUntil = p.w.now, until
	if !suspended {
		return
	}
	for _, t := range p.timers {
		t.at += until - p.w.now
	}
	asleep := until - p.w.now
	p.w.at(until, func() { p.asleep += asleep })
}

// frozen reports whether the process was frozen at some time since.
func (p *process) frozen(since time.Duration) bool { return p.frozenUntil > since }

// pause lets time pass, but no longer than ctx, and reports whether ctx ended. A
// dead process waits for nothing.
func (p *process) pause(ctx context.Context, d time.Duration) (ended bool) {
	if p.dead {
		return true
	}
	until := never
	if d != never {
		until = p.w.now + d
	}
	return p.w.routines.wait(ctx.Done(), nil, until) || p.dead
}

// observe gets the scheduler's events.
func (p *process) observe(e tradeclock.Event) {
	if p.dead {
		return
	}
	if term, ok := e.(tradeclock.TermChanged); ok {
		p.w.note(p, "term %d %s", term.Number, term.Reason)
	}
	if len(p.w.active) > 0 && p.w.script.chance.oneIn(50, "observer", p.name, p.spawned) {
		p.pause(context.Background(), 30*time.Second)
	}
}

// newLog puts the scheduler's warnings into the timeline.
func newLog(p *process) slog.Handler {
	drop := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "scheduler" || a.Key == "stack" {
			return slog.Attr{}
		}
		return a
	}
	return slog.NewTextHandler(logWriter{p}, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: drop})
}

type logWriter struct{ p *process }

var _ io.Writer = logWriter{}

// Write notes a line.
func (l logWriter) Write(line []byte) (int, error) {
	if !l.p.dead {
		l.p.w.note(l.p, "%s", line[:len(line)-1])
	}
	return len(line), nil
}
