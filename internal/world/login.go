package world

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock"
)

// login is an executor that logs in to a broker before its first run, and out after
// its last. Each enrolment has one of its own.
type login struct {
	executor
	is string // logging in, logged in, logging out, or empty
}

var _ tradeclock.Starter = (*login)(nil)

const (
	loggingIn  = "logging in"
	loggedIn   = "logged in"
	loggingOut = "logging out"
)

// executorOf returns an executor for an account of a process.
func (w *World) executorOf(p *process) tradeclock.TaskExecutor {
	if w.script.logins {
		return &login{executor: executor{p}}
	}
	return executor{p}
}

// Start logs in.
func (l *login) Start(ctx context.Context, account string) error {
	p := l.p
	if p.dead {
		return errDead
	}
	p.w.note(p, "logs in for %s", account)
	p.w.book.heldToLogin(p, account)
	p.online[account], l.is = l, loggingIn
	if err := l.visit(ctx, "Start", account); err != nil {
		l.leave(account)
		return err
	}
	l.is = loggedIn
	return nil
}

// Stop logs out.
func (l *login) Stop(ctx context.Context, account string) error {
	p := l.p
	if p.dead {
		return errDead
	}
	p.w.note(p, "logs out for %s", account)
	p.w.book.heldToLogout(l, account)
	l.is = loggingOut
	defer l.leave(account)
	return l.visit(ctx, "Stop", account)
}

func (l *login) leave(account string) {
	l.is = ""
	delete(l.p.online, account)
}

// Execute executes while logged in.
func (l *login) Execute(ctx context.Context, run tradeclock.Run) error {
	if l.is != loggedIn && !l.p.dead {
		l.p.w.violate("logins", fmt.Sprintf("%s is executed at %s, which is not logged in for it but %q", describe(&run), l.p.name, l.is))
	}
	return l.executor.Execute(ctx, run)
}

// visit is a call of the broker.
func (l *login) visit(ctx context.Context, op, account string) error {
	p, c := l.p, l.p.w.script.chance
	if p.w.crashesAt(p, op) {
		return errDead
	}
	attempt := p.w.attempt(p, op+" takes", account)
	takes, broken := c.between(0, 500*time.Millisecond, op, account, attempt), p.w.brokenLogin(p)
	if broken {
		takes = c.between(0, 90*time.Second, op, account, attempt)
		p.w.inject(badLogins)
		p.w.disturb(p.w.now, p.w.now+takes)
		if c.oneIn(4, "deaf login", account, attempt) {
			ctx = context.WithoutCancel(ctx)
		}
	}
	ended := p.pause(ctx, takes)
	fate := c.pick(6, "login", account, attempt)
	switch {
	case p.dead:
		return errDead
	case ended:
		return context.Cause(ctx)
	case broken && fate < 2:
		return errors.New("simulated failure of a login")
	case broken && fate == 2:
		l.leave(account)
		panic("simulated panic of a login")
	}
	return nil
}

// brokenLogin reports whether the broker is in trouble.
func (w *World) brokenLogin(p *process) bool {
	for _, in := range w.active {
		if in.kind == badLogins && (in.replica < 0 || in.replica == p.replica) {
			return true
		}
	}
	return false
}

// heldToLogin: an account is logged in once, and under a term. A process that gets no
// answer from the ledger may not know yet that another has the term.
func (b *book) heldToLogin(p *process, account string) {
	if other := p.online[account]; other != nil {
		b.w.violate("logins", fmt.Sprintf("%s logs in for %s, and is %s", p.name, account, other.is))
	}
	if mine := b.leading && b.holder == p && b.w.now < b.expires; !mine && !p.unanswered {
		b.w.violate("logins", fmt.Sprintf("%s logs in for %s, and does not hold the term", p.name, account))
	}
}

// heldToLogout: who logged in logs out once, after its runs.
func (b *book) heldToLogout(l *login, account string) {
	if l.is != loggedIn || l.p.online[account] != l {
		b.w.violate("logins", fmt.Sprintf("%s logs out for %s, and is %q", l.p.name, account, l.is))
	}
	for _, x := range b.running {
		if x.p == l.p && x.run.Account == account {
			b.w.violate("logins", fmt.Sprintf("%s logs out for %s, and %s goes on", l.p.name, account, describe(&x.run)))
		}
	}
}

// heldToEnd: when a scheduler has ended cleanly, nobody is logged in.
func (b *book) heldToEnd(p *process) {
	if len(p.online) > 0 {
		b.w.violate("logins", fmt.Sprintf("%s has ended, and %d accounts are still logged in", p.name, len(p.online)))
	}
}
